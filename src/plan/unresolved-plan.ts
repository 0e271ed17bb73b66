import type { Schema } from '../batch/schema.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import type { AsyncFunction, AsyncLimits } from '../flow/async-function.ts'
import type { OwnOperator } from '../flow/own-operator.ts'
import type { RowFunction } from '../flow/row-function.ts'
import type { StatefulProgram, TimeMode } from '../flow/stateful-processor.ts'
import type { JoinType, LogicalPlan, Process, Scan } from './logical.ts'
import type { WatermarkOptions } from './watermark-rules.ts'

/**
 * A query as it was written: columns by name, stars and generators not yet expanded. Plain data, and
 * immutable: a frame's plan is shared by every frame made from it. `analyze` turns it into a `LogicalPlan`.
 */
export type UnresolvedPlan =
  | UnresolvedScan
  | UnresolvedSelect
  | UnresolvedWithColumns
  | UnresolvedRename
  | UnresolvedDrop
  | UnresolvedFilter
  | UnresolvedAggregate
  | UnresolvedJoin
  | UnresolvedAsofJoin
  | UnresolvedUnion
  | UnresolvedWatermark
  | UnresolvedDeduplicate
  | UnresolvedSort
  | UnresolvedLimit
  | UnresolvedAlias
  | UnresolvedName
  | UnresolvedMapRows
  | UnresolvedMapAsync
  | UnresolvedProcess
  | UnresolvedOwn
  | ResolvedPlan

/**
 * Rows of a source. One object is one source: a plan that holds it twice gives all its readers the same rows,
 * and of a stream reads them once. `scan.source` is empty until `analyze` names it, unless the user did.
 */
export interface UnresolvedScan {
  readonly kind: 'scan'
  readonly scan: Scan
}

/** A select list: may hold stars, one generator, windows, and aggregates over the whole input. */
export interface UnresolvedSelect {
  readonly kind: 'select'
  readonly input: UnresolvedPlan
  readonly columns: readonly UnresolvedExpression[]
}

/** Each column replaces those of its name, or comes last. All see the input, not each other. */
export interface UnresolvedWithColumns {
  readonly kind: 'withColumns'
  readonly input: UnresolvedPlan
  readonly columns: readonly { readonly name: string; readonly expression: UnresolvedExpression }[]
}

/** Names that do not exist are passed over, as in Spark. */
export interface UnresolvedRename {
  readonly kind: 'rename'
  readonly input: UnresolvedPlan
  readonly renames: readonly { readonly from: string; readonly to: string }[]
}

/** Names that do not exist are passed over, as in Spark. */
export interface UnresolvedDrop {
  readonly kind: 'drop'
  readonly input: UnresolvedPlan
  readonly columns: readonly string[]
}

export interface UnresolvedFilter {
  readonly kind: 'filter'
  readonly input: UnresolvedPlan
  readonly predicate: UnresolvedExpression
}

/** The keys come first in the result, then one column per item of `aggregates`. */
export interface UnresolvedAggregate {
  readonly kind: 'aggregate'
  readonly input: UnresolvedPlan
  readonly keys: readonly UnresolvedExpression[]
  /** Any expression over aggregate calls and keys. */
  readonly aggregates: readonly UnresolvedExpression[]
  /** `emit`: how often open groups are given out, as written, for example `'10 seconds'`. */
  readonly every?: string
}

/** Pairs of rows of two frames, columns of the left one first. */
export interface UnresolvedJoin {
  readonly kind: 'join'
  readonly left: UnresolvedPlan
  readonly right: UnresolvedPlan
  readonly type: JoinType
  /** What must be true of a pair; absent = nothing. */
  readonly condition?: UnresolvedExpression
  /** Columns that both have and that must be equal (USING): they come once, first. */
  readonly using?: readonly string[]
  /** As written, for example `'10 minutes'`. */
  readonly refresh?: string
}

/** Each left row with the newest right row that is not newer. */
export interface UnresolvedAsofJoin {
  readonly kind: 'asofJoin'
  /** The sides, the type and the keys; only equalities, no refresh. */
  readonly join: UnresolvedJoin & { readonly type: 'inner' | 'leftOuter' }
  readonly leftTime: string
  readonly rightTime: string
  /** As written, for example `'5 minutes'`. */
  readonly tolerance?: string
}

export interface UnresolvedUnion {
  readonly kind: 'union'
  readonly inputs: readonly UnresolvedPlan[]
  /** `byNameOrNull` fills columns that an input lacks with NULL (`allowMissingColumns`). */
  readonly match: 'byPosition' | 'byName' | 'byNameOrNull'
  /** `followedBy`: one input after the other. */
  readonly inTurn?: true
}

export interface UnresolvedWatermark {
  readonly kind: 'watermark'
  readonly input: UnresolvedPlan
  readonly column: string
  /** As written, for example `'10 minutes'`. */
  readonly delay: string
  readonly options?: WatermarkOptions
}

/** Keeps the first row of each combination of columns; of all columns without names. */
export interface UnresolvedDeduplicate {
  readonly kind: 'deduplicate'
  readonly input: UnresolvedPlan
  readonly columns: readonly string[]
  /** Only duplicates that come within the delay of the watermark. */
  readonly withinWatermark: boolean
}

export interface UnresolvedSort {
  readonly kind: 'sort'
  readonly input: UnresolvedPlan
  /** Plain expressions sort ascending with nulls first. */
  readonly keys: readonly UnresolvedExpression[]
}

export interface UnresolvedLimit {
  readonly kind: 'limit'
  readonly input: UnresolvedPlan
  readonly count: number
}

/** A name for the whole frame, so that its columns may be written `name.column`. */
export interface UnresolvedAlias {
  readonly kind: 'alias'
  readonly input: UnresolvedPlan
  readonly name: string
}

/** A name for the last step that keeps state. */
export interface UnresolvedName {
  readonly kind: 'name'
  readonly input: UnresolvedPlan
  readonly name: string
}

/** Rows of a function of the user. */
export interface UnresolvedMapRows {
  readonly kind: 'mapRows'
  readonly input: UnresolvedPlan
  readonly function: RowFunction
  readonly output: Schema
}

/** Rows of a function of the user that answers later. */
export interface UnresolvedMapAsync {
  readonly kind: 'mapAsync'
  readonly input: UnresolvedPlan
  readonly function: AsyncFunction
  readonly limits: AsyncLimits
  readonly output: Schema
}

/** Custom state per key. */
export interface UnresolvedProcess {
  readonly kind: 'process'
  readonly input: UnresolvedPlan
  /** Names of columns. */
  readonly keys: readonly string[]
  readonly shown: number
  readonly program: StatefulProgram
  readonly style: Process['style']
  readonly timeMode: TimeMode
  readonly outputMode?: 'append' | 'update'
  readonly output: Schema
  readonly eventTimeColumn?: string
}

/** An operator of the user's own. */
export interface UnresolvedOwn {
  readonly kind: 'own'
  readonly input: UnresolvedPlan
  readonly keys: readonly string[]
  readonly operator: OwnOperator
  readonly output: Schema
}

/** A plan that is resolved already, such as the rows of one epoch given to `foreachBatch`. */
export interface ResolvedPlan {
  readonly kind: 'resolved'
  readonly plan: LogicalPlan
}
