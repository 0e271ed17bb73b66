import type { DataType, Schema } from '../batch/schema.ts'
import type { Expression } from '../expr/expression.ts'
import type { AggregateSpec } from '../operators/aggregate/spec.ts'
import type { MapAsyncSpec } from '../operators/async/map-async.ts'
import type { BadRowPolicies } from '../operators/bad-rows.ts'
import type { DeduplicateSpec } from '../operators/deduplicate.ts'
import type { GenerateSpec } from '../operators/generate.ts'
import type { AsofJoinSpec } from '../operators/join/asof-join.ts'
import type { JoinSpec } from '../operators/join/spec.ts'
import type { StaticJoinSpec } from '../operators/join/static-join.ts'
import type { LateRowsSpec } from '../operators/late-rows.ts'
import type { MapRowsSpec } from '../operators/map-rows.ts'
import type { OwnSpec } from '../operators/own-state.ts'
import type { ProcessSpec } from '../operators/process/spec.ts'
import type { RejectedSpec } from '../operators/rejected.ts'
import type { SessionSpec } from '../operators/session/spec.ts'
import type { SessionAssignSpec } from '../operators/session-assign.ts'
import type { SortSpec } from '../operators/sort.ts'
import type { RankSpec, TopNSpec } from '../operators/top-n/spec.ts'
import type { WatermarkSpec } from '../operators/watermark.ts'
import type { WindowAssignSpec } from '../operators/window-assign.ts'
import type { Scan } from '../plan/logical.ts'
import type { ReadAfter } from '../plan/read-after.ts'

/** One operator of a stage, as plain data; `late` says how its late rows are shown, if they are delivered. */
export type Step =
  /** Keeps the rows for which `filter` is true, and computes `columns` from them. */
  | {
      readonly kind: 'compute'
      readonly input: Schema
      readonly filter: Expression | undefined
      readonly columns: readonly Expression[]
      readonly output: Schema
      /** What becomes of rows that raise an error; absent = they end the query. */
      readonly badRows?: BadRowPolicies
    }
  /** Takes what the source of the stage could not decode off its batches. */
  | { readonly kind: 'rejected'; readonly spec: RejectedSpec }
  | { readonly kind: 'watermark'; readonly spec: WatermarkSpec }
  | { readonly kind: 'generate'; readonly spec: GenerateSpec }
  | { readonly kind: 'window'; readonly spec: WindowAssignSpec }
  | { readonly kind: 'session'; readonly spec: SessionAssignSpec }
  | { readonly kind: 'aggregate'; readonly spec: AggregateSpec; readonly late?: LateRowsSpec }
  | { readonly kind: 'sessions'; readonly spec: SessionSpec; readonly late?: LateRowsSpec }
  | { readonly kind: 'deduplicate'; readonly spec: DeduplicateSpec; readonly late?: LateRowsSpec }
  | { readonly kind: 'join'; readonly spec: JoinSpec; readonly late?: LateRowsSpec }
  | { readonly kind: 'asofJoin'; readonly spec: AsofJoinSpec; readonly late?: LateRowsSpec }
  /** `other` is run by itself each time that its rows are read: it is no part of the checkpoint. */
  | { readonly kind: 'staticJoin'; readonly spec: StaticJoinSpec; readonly other: PhysicalPlan }
  | { readonly kind: 'mapRows'; readonly spec: MapRowsSpec }
  | { readonly kind: 'mapAsync'; readonly spec: MapAsyncSpec }
  | { readonly kind: 'process'; readonly spec: ProcessSpec; readonly late?: LateRowsSpec }
  | { readonly kind: 'own'; readonly spec: OwnSpec }
  | { readonly kind: 'sort'; readonly spec: SortSpec }
  /** Numbers the rows of an epoch. */
  | { readonly kind: 'rowNumber'; readonly spec: RankSpec }
  /** Keeps the best rows of each partition over the life of the query. */
  | { readonly kind: 'topN'; readonly spec: TopNSpec; readonly late?: LateRowsSpec }
  /**
   * Puts the rows of an epoch in the order of their sources. With `placesOnly` the step behind it gives the
   * same rows in any order, and only their places depend on it: without other such steps it is left out.
   */
  | { readonly kind: 'settle'; readonly placesOnly?: true }
  /** The first rows of an epoch; with a name those of the life of the query. */
  | { readonly kind: 'limit'; readonly count: number; readonly operator?: string }

/** How rows find their task on the way into a stage. */
export type Exchange =
  /** To the task of the same lane. */
  | { readonly kind: 'forward' }
  /** By the hash of key columns, so that equal keys meet. */
  | {
      readonly kind: 'hash'
      readonly keys: readonly { readonly column: number; readonly type: DataType }[]
    }
  /** All to one task. */
  | { readonly kind: 'single' }

export interface StageInput {
  readonly from: number
  readonly exchange: Exchange
  /** A side output of the stage it comes from; its main output without. */
  readonly side?: string
}

/** Operators with no exchange between them; one task per lane runs them. */
export interface Stage {
  readonly id: number
  readonly source?: Scan
  readonly inputs: readonly StageInput[]
  readonly steps: readonly Step[]
  readonly output: Schema
  /** One task only, whatever the number of lanes. */
  readonly single: boolean
}

/** A plan ready to run: stages in an order in which inputs come first. Plain data. */
export interface PhysicalPlan {
  readonly stages: readonly Stage[]
  /** The stage whose output goes to the sink. */
  readonly result: number
  readonly output: Schema
  /** The order in which the streams are read; absent: none waits for another. */
  readonly readAfter?: ReadAfter
}
