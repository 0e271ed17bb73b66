import type { Field, Schema } from '../batch/schema.ts'
import { booleanType, intType, windowType } from '../batch/schema.ts'
import type { WantedValues } from '../batch/wanted-values.ts'
import { unreachable } from '../core/error.ts'
import type { AggregateCall } from '../expr/aggregates.ts'
import { type Expression, isNullable } from '../expr/expression.ts'
import type { AsyncFunction, AsyncLimits } from '../flow/async-function.ts'
import type { OwnOperator } from '../flow/own-operator.ts'
import type { RowFunction } from '../flow/row-function.ts'
import type { StatefulProgram, TimeMode } from '../flow/stateful-processor.ts'
import type { Stateful } from './stateful.ts'
import type { WatermarkRules } from './watermark-rules.ts'

// Over 400 lines: a plan is one closed union, whose nodes say here what they promise.

/** What the user asked for, names resolved. Says nothing of tasks, channels or actors. */
export type LogicalPlan =
  | Scan
  | Filter
  | Project
  | Generate
  | WindowAssign
  | SessionAssign
  | Watermark
  | Aggregate
  | Join
  | AsofJoin
  | Union
  | Deduplicate
  | MapRows
  | MapAsync
  | Process
  | Own
  | Sort
  | TopN
  | Limit

export type SaveMode = 'append' | 'update' | 'complete'

/** Rows of a source; the columns that nobody reads are not decoded (`columns`). */
export interface Scan {
  readonly kind: 'scan'
  /** Stable name, given with `.name()` or made from format and position; offsets are kept under it. */
  readonly source: string
  readonly format: string
  readonly options: Readonly<Record<string, string>>
  /** Every column of the source, in its order: formats without names decode by position. */
  readonly schema: Schema
  /** Positions in `schema`, ascending, of the columns this plan reads; absent = all. */
  readonly columns?: readonly number[]
  /** True: the source finds fields of structs by name, so `schema` may leave out those nobody reads. */
  readonly fieldsByName?: boolean
  /** Rows that lack one of these are dropped by all who read this source, right above it; absent = none. */
  readonly wanted?: readonly WantedValues[]
  readonly streaming: boolean
  /** A partition that brought no row for so long no longer holds watermarks back; absent = it always does. */
  readonly idleTimeoutMicros?: number
  /** What becomes of records that the source cannot decode, if it leaves some out. */
  readonly badRecords?: 'drop' | 'deadLetter'
  /** Rows or a live object of this process, for the formats `rows`, `memory` and `push`. */
  readonly handle?: object
}

export interface Filter {
  readonly kind: 'filter'
  readonly input: LogicalPlan
  readonly predicate: Expression
}

export interface NamedExpression {
  readonly name: string
  readonly expression: Expression
}

export interface Project {
  readonly kind: 'project'
  readonly input: LogicalPlan
  readonly columns: readonly NamedExpression[]
}

/** One row per element of an array or entry of a map, put after the columns of `input`. */
export interface Generate {
  readonly kind: 'generate'
  readonly input: LogicalPlan
  readonly expression: Expression
  /** `explode_outer`: a row with NULL where there is no element. */
  readonly outer: boolean
  /** `posexplode`: the position comes first. */
  readonly withPosition: boolean
  /** The new columns: element; key and value; with the position in front if asked for. */
  readonly columns: readonly Field[]
}

/**
 * Puts a `window` column after the columns of `input`: one row per window that holds `time`.
 * Rows whose time is null are dropped. Tumbling when slide equals size.
 */
export interface WindowAssign {
  readonly kind: 'window'
  readonly input: LogicalPlan
  readonly time: Expression
  readonly sizeMicros: number
  readonly slideMicros: number
  readonly startMicros: number
  readonly name: string
}

/**
 * Puts a session of one row, [time, time + gap), behind the columns of `input`; an aggregation keyed by
 * it merges those that touch. Rows whose time or gap is null, or whose gap is not above zero, are dropped.
 */
export interface SessionAssign {
  readonly kind: 'session'
  readonly input: LogicalPlan
  readonly time: Expression
  /** LONG, microseconds. */
  readonly gap: Expression
  readonly name: string
}

/** Declares the event-time column. `node` is its stable name in the checkpoint. */
export interface Watermark {
  readonly kind: 'watermark'
  readonly input: LogicalPlan
  readonly column: number
  readonly delayMicros: number
  readonly node: string
  readonly rules: WatermarkRules
}

/** One row per distinct combination of `keys`: the keys, then the aggregates. */
export interface Aggregate extends Stateful {
  readonly kind: 'aggregate'
  readonly input: LogicalPlan
  readonly keys: readonly NamedExpression[]
  readonly aggregates: readonly { readonly name: string; readonly call: AggregateCall }[]
  /** Open groups are given out at most this often, and closed ones once more, with a last column `is_final`. */
  readonly early?: { readonly everyMicros: number }
}

/** What the last column of an aggregation with early results is called. */
export const isFinalField: Field = { name: 'is_final', type: booleanType, nullable: false }

/** Spark's `right…` kinds stay as written: left columns come first in every result. */
export type JoinType = 'inner' | 'leftOuter' | 'rightOuter' | 'fullOuter' | 'leftSemi' | 'leftAnti'

/** Two expressions of one type that must be equal: one over the left columns, one over the right ones. */
export interface JoinKey {
  readonly left: Expression
  readonly right: Expression
  /** `<=>`: NULL equals NULL. */
  readonly nullSafe: boolean
}

/** Pairs of rows for which all keys are equal and the condition is true, or what the type makes of them. */
export interface Join extends Stateful {
  readonly kind: 'join'
  readonly left: LogicalPlan
  readonly right: LogicalPlan
  readonly type: JoinType
  readonly keys: readonly JoinKey[]
  /** Over the left columns, then the right ones; absent = always true. */
  readonly condition?: Expression
  /** What was written beside the keys, as text: what the state depends on, wherever the rules move parts of it. */
  readonly written?: string
  /** How long the rows of a side that does not stream are kept before they are read again; absent = an epoch. */
  readonly refreshMicros?: number
}

/**
 * Each left row with the newest right row of its key that is not newer than it: the greatest `rightTime`
 * at or below `leftTime`, the last of several in the order of the source.
 */
export interface AsofJoin extends Stateful {
  readonly kind: 'asofJoin'
  readonly left: LogicalPlan
  readonly right: LogicalPlan
  /** `leftOuter` keeps left rows for which there is none. */
  readonly type: 'inner' | 'leftOuter'
  readonly keys: readonly JoinKey[]
  /** TIMESTAMP columns of the two sides. */
  readonly leftTime: number
  readonly rightTime: number
  /** How much older the right row may be; absent = as old as it likes. */
  readonly toleranceMicros?: number
}

/** Rows of every input; columns by position. */
export interface Union {
  readonly kind: 'union'
  readonly inputs: readonly LogicalPlan[]
  /** `followedBy`: the streams of an input are read when those of the inputs before it have come to their ends. */
  readonly inTurn?: true
}

/** The first row of each combination of some columns. */
export interface Deduplicate extends Stateful {
  readonly kind: 'deduplicate'
  readonly input: LogicalPlan
  /** Columns that are compared, as they were named. */
  readonly keys: readonly number[]
  /**
   * `dropDuplicatesWithinWatermark`: a row is remembered until the watermark reaches its own event time
   * plus the delay of the watermark; later duplicates do not extend that.
   */
  readonly within?: {
    readonly time: { readonly index: number; readonly kind: 'time' | 'window' }
    readonly delayMicros: number
  }
}

/** Zero or more rows for each row, by a function of the user. */
export interface MapRows {
  readonly kind: 'mapRows'
  readonly input: LogicalPlan
  readonly function: RowFunction
  readonly output: Schema
}

/** One row for each row, by a function of the user that answers later. */
export interface MapAsync {
  readonly kind: 'mapAsync'
  readonly input: LogicalPlan
  readonly function: AsyncFunction
  readonly limits: AsyncLimits
  readonly output: Schema
}

/** An operator that the user wrote against the port of operators. */
export interface Own extends Stateful {
  readonly kind: 'own'
  readonly input: LogicalPlan
  /** Rows of one key meet in one task; none = all rows in one task. */
  readonly keys: readonly number[]
  readonly operator: OwnOperator
  readonly output: Schema
}

/** Custom state per key: a program of the user with variables and timers. */
export interface Process extends Stateful {
  readonly kind: 'process'
  readonly input: LogicalPlan
  /** Key columns of the input. */
  readonly keys: readonly number[]
  /** How many columns of the input, from the first, the program is shown. */
  readonly shown: number
  readonly program: StatefulProgram
  readonly style: 'processor' | 'mapGroups' | 'flatMapGroups'
  readonly timeMode: TimeMode
  /** The mode of the rows it gives out; absent = that of the query. */
  readonly outputMode?: 'append' | 'update'
  readonly output: Schema
  /** The event-time column of the output. */
  readonly outputTime?: number
}

export interface SortKey {
  readonly expression: Expression
  readonly descending: boolean
  readonly nullsFirst: boolean
}

export interface Sort {
  readonly kind: 'sort'
  readonly input: LogicalPlan
  readonly keys: readonly SortKey[]
}

/**
 * Puts the number of each row in its partition, from 1 up in an order in which the earlier of equal rows
 * goes first, behind the columns of `input`.
 */
export interface TopN extends Stateful {
  readonly kind: 'topN'
  readonly input: LogicalPlan
  /** Rows of one combination are numbered together; NULL equals NULL. */
  readonly partition: readonly Expression[]
  readonly order: readonly SortKey[]
  /** Nobody asks for rows with a higher number; absent = for any. */
  readonly limit?: number
  readonly name: string
}

export interface Limit extends Stateful {
  readonly kind: 'limit'
  readonly input: LogicalPlan
  readonly count: number
}

/** The columns of a plan's rows. */
export function schemaOf(plan: LogicalPlan): Schema {
  switch (plan.kind) {
    case 'scan':
      return scanSchema(plan)
    case 'filter':
    case 'watermark':
    case 'deduplicate':
    case 'sort':
    case 'limit':
      return schemaOf(plan.input)
    case 'project':
      return plan.columns.map(fieldOf)
    case 'generate':
      return [...schemaOf(plan.input), ...plan.columns]
    case 'window':
    case 'session':
      return [...schemaOf(plan.input), { name: plan.name, type: windowType, nullable: false }]
    case 'aggregate':
      return [
        ...plan.keys.map(fieldOf),
        ...plan.aggregates.map(({ name, call: { type, nullable } }) => ({ name, type, nullable })),
        ...(plan.early === undefined ? [] : [isFinalField]),
      ]
    case 'topN':
      return [...schemaOf(plan.input), { name: plan.name, type: intType, nullable: false }]
    case 'join':
    case 'asofJoin':
      return joinSchema(plan)
    case 'mapRows':
    case 'mapAsync':
    case 'process':
    case 'own':
      return plan.output
    case 'union':
      return unionSchema(plan.inputs.map(schemaOf))
    default:
      return unreachable(plan)
  }
}

export function inputsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  if (plan.kind === 'scan') return []
  if (plan.kind === 'join' || plan.kind === 'asofJoin') return [plan.left, plan.right]
  return plan.kind === 'union' ? plan.inputs : [plan.input]
}

/** Every scan of a plan, in reading order; one that stands in several places comes several times. */
export function scansOf(plan: LogicalPlan): readonly Scan[] {
  return plan.kind === 'scan' ? [plan] : inputsOf(plan).flatMap(scansOf)
}

/** True when any row comes from a stream. */
export function isStreaming(plan: LogicalPlan): boolean {
  return plan.kind === 'scan' ? plan.streaming : inputsOf(plan).some(isStreaming)
}

/** True when a stream is aggregated somewhere below. */
export function hasAggregate(plan: LogicalPlan): boolean {
  if (!isStreaming(plan)) return false
  return plan.kind === 'aggregate' || inputsOf(plan).some(hasAggregate)
}

/** True when rows of a stream are numbered somewhere below. */
export function hasRanking(plan: LogicalPlan): boolean {
  if (!isStreaming(plan)) return false
  return plan.kind === 'topN' || inputsOf(plan).some(hasRanking)
}

/** True when later rows of a stream may change what was given out, unless it waits until it is closed. */
export function isRestated(plan: LogicalPlan): boolean {
  return hasAggregate(plan) || hasRanking(plan)
}

/** Rebuilds a plan bottom-up. Returns `plan` itself if nothing changed, so `===` means "same". */
export function rewrite(plan: LogicalPlan, rule: (node: LogicalPlan) => LogicalPlan): LogicalPlan {
  if (plan.kind === 'scan') return rule(plan)
  if (plan.kind === 'union') {
    const inputs = plan.inputs.map((input) => rewrite(input, rule))
    const changed = inputs.some((input, index) => input !== plan.inputs[index])
    return rule(changed ? { ...plan, inputs } : plan)
  }
  if (plan.kind === 'join' || plan.kind === 'asofJoin') {
    const left = rewrite(plan.left, rule)
    const right = rewrite(plan.right, rule)
    return rule(left === plan.left && right === plan.right ? plan : { ...plan, left, right })
  }
  const input = rewrite(plan.input, rule)
  return rule(input === plan.input ? plan : { ...plan, input })
}

/** The columns a scan gives: those it was told to read. */
export function scanSchema({ schema, columns }: Scan): Schema {
  return columns === undefined ? schema : schema.filter((_, index) => columns.includes(index))
}

function fieldOf({ name, expression }: NamedExpression): Field {
  return { name, type: expression.type, nullable: isNullable(expression) }
}

/** Semi and anti joins only choose among the left rows. */
export function keepsLeftOnly(type: JoinType): boolean {
  return type === 'leftSemi' || type === 'leftAnti'
}

function joinSchema({ left, right, type }: Join | AsofJoin): Schema {
  if (keepsLeftOnly(type)) return schemaOf(left)
  const nulled = (schema: Schema): Schema => schema.map((field) => ({ ...field, nullable: true }))
  const leftMissing = type === 'rightOuter' || type === 'fullOuter'
  const rightMissing = type === 'leftOuter' || type === 'fullOuter'
  return [
    ...(leftMissing ? nulled(schemaOf(left)) : schemaOf(left)),
    ...(rightMissing ? nulled(schemaOf(right)) : schemaOf(right)),
  ]
}

function unionSchema(schemas: readonly Schema[]): Schema {
  const [first = []] = schemas
  return first.map((field, index) => ({
    ...field,
    nullable: schemas.some((schema) => schema[index]?.nullable === true),
  }))
}
