import type { Schema } from '../batch/schema.ts'
import type { Expression } from '../expr/expression.ts'
import type { RankSpec } from '../operators/top-n/spec.ts'
import { keepsArrival } from '../plan/arrival.ts'
import { eventTimeColumns } from '../plan/event-time.ts'
import {
  hasAggregate,
  isRestated,
  isStreaming,
  type LogicalPlan,
  type SaveMode,
  schemaOf,
  type TopN,
} from '../plan/logical.ts'
import { withGroupKeys } from '../plan/ranked-groups.ts'
import { ColumnList } from './bucketing.ts'
import { shiftOf } from './join-specs.ts'
import { allColumns, fieldOfExpression } from './open-stage.ts'
import type { Step } from './physical.ts'

/** How rows are numbered. */
export interface RankParts {
  /** The rows that are numbered, with what must be known of them behind their own columns. */
  readonly input: LogicalPlan
  /** What must be computed of the input. */
  readonly columns: readonly Expression[]
  readonly fields: Schema
  /** By which rows find their task; none = all in one. */
  readonly keys: RankSpec['keys']
  readonly steps: readonly Step[]
  /** Partitions close, so that rows may be late. */
  readonly closes: boolean
}

/**
 * Numbers the rows of a whole answer, which comes anew in every epoch, or keeps the best rows of a stream.
 * `operator` is the name of its state.
 */
export function rankParts(plan: TopN, mode: SaveMode, operator: string): RankParts {
  const changes = isStreaming(plan) && mode === 'update' && hasAggregate(plan.input)
  const keyed = changes ? withGroupKeys(plan.input) : undefined
  const input = keyed?.plan ?? plan.input
  const { spec, columns } = rankSpec(plan, input)
  const schema = schemaOf(input)
  const parts = {
    input,
    columns,
    fields: columns.map((column, at) => schema[at] ?? fieldOfExpression(column)),
    keys: spec.keys,
  }
  // Of rows that are equal by the order the earlier one is better.
  const before: readonly Step[] = keepsArrival(input) ? [{ kind: 'settle' }] : []
  if (!isStreaming(input) || (mode === 'complete' && isRestated(input))) {
    return { ...parts, steps: [...before, { kind: 'rowNumber', spec }], closes: false }
  }
  const [time] = eventTimeColumns(plan)
  const topN = {
    ...spec,
    operator,
    mode,
    ...(time === undefined ? {} : { timeColumn: time.index }),
    ...(keyed === undefined ? {} : { identity: keyed.keys.map(identityIn(schema)) }),
    watermarkShift: shiftOf(input),
  }
  return {
    ...parts,
    steps: [...before, { kind: 'topN', spec: topN }],
    // Late rows of groups are those that the aggregation was given.
    closes: time !== undefined && mode !== 'complete' && keyed === undefined,
  }
}

function identityIn(schema: Schema): (column: number) => RankSpec['keys'][number] {
  return (column) => ({ column, type: schema[column]?.type ?? { kind: 'void' } })
}

function rankSpec(
  plan: TopN,
  input: LogicalPlan,
): {
  readonly spec: RankSpec
  readonly columns: readonly Expression[]
} {
  const schema = schemaOf(input)
  const columns = new ColumnList()
  for (const column of allColumns(schema)) columns.add(column)
  const keys = plan.partition.map((expression) => ({
    column: columns.add(expression),
    type: expression.type,
  }))
  const order = plan.order.map(({ expression, descending, nullsFirst }) => ({
    column: columns.add(expression),
    type: expression.type,
    descending,
    nullsFirst,
  }))
  const limit = plan.limit ?? Number.POSITIVE_INFINITY
  const spec = { keys, order, limit, kept: schemaOf(plan.input).length, output: schemaOf(plan) }
  return { spec, columns: columns.expressions }
}
