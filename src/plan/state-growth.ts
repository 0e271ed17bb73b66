import type { AggregateName } from '../expr/aggregates.ts'
import { aggregateText, expressionText } from '../expr/print.ts'
import { eventTimeColumns } from './event-time.ts'
import { joinBounds } from './join-bounds.ts'
import {
  type Aggregate,
  type AsofJoin,
  inputsOf,
  isStreaming,
  type Join,
  type LogicalPlan,
  type SaveMode,
  type TopN,
} from './logical.ts'

/** An operator whose state grows as long as new keys or rows come. */
export interface GrowingState {
  readonly operator: string
  readonly why: string
  readonly fix: string
}

/**
 * Every operator of a streaming plan that is allowed and yet never forgets. What forgets nothing without
 * being asked to is refused instead (`checkStateBounds`), and of custom state nothing is known.
 */
export function growingState(plan: LogicalPlan, mode: SaveMode): readonly GrowingState[] {
  if (!isStreaming(plan)) return []
  const below = inputsOf(plan).flatMap((input) => growingState(input, mode))
  switch (plan.kind) {
    case 'aggregate':
      return [...below, ...growingGroups(plan, mode)]
    case 'topN':
      return [...below, ...growingRanks(plan, mode)]
    case 'join':
      return [...below, ...growingSides(plan)]
    case 'asofJoin':
      return [...below, ...growingRights(plan)]
    default:
      return below
  }
}

function growingGroups(plan: Aggregate, mode: SaveMode): readonly GrowingState[] {
  // In append mode every group ends, or the query was refused.
  if (mode === 'append') return []
  if (plan.keys.length === 0) return growingValues(plan)
  const operator = `groupBy(${plan.keys.map(({ name }) => name).join(', ')})`
  if (mode === 'complete') {
    const why = 'complete mode gives out every group each time, also those whose window is over'
    return [{ operator, why, fix: "Use outputMode('update') or 'append', with a watermark." }]
  }
  if (eventTimeColumns(plan).length > 0) return []
  const why = 'no event time of a watermark is among its keys, so no group is ever over'
  return [{ operator, why, fix: 'Call withWatermark first, and group by a window of that time.' }]
}

/** Aggregates that keep all values, or all distinct ones. */
const growing: ReadonlySet<AggregateName> = new Set([
  'collect_list',
  'mode',
  'percentile',
  'rows_with_max',
])

/** The one group of an aggregation without keys never ends, so it may keep no values of its rows. */
function growingValues({ aggregates }: Aggregate): readonly GrowingState[] {
  const calls = aggregates.filter(({ call }) => call.distinct === true || growing.has(call.name))
  return calls.map(({ call }) => ({
    operator: aggregateText(call, call.args.map(expressionText)),
    why: 'it keeps values of all rows, and without keys there is one group, which is never over',
    fix: 'Call withWatermark first, and group by a window of that time; or use an aggregate of bounded size, such as approx_count_distinct or percentile_approx.',
  }))
}

function growingRanks(plan: TopN, mode: SaveMode): readonly GrowingState[] {
  // Without partitions there are as many rows as asked for, and in append mode every partition ends.
  if (plan.partition.length === 0 || mode === 'append') return []
  if (mode === 'update' && eventTimeColumns(plan).length > 0) return []
  const columns = plan.partition.map(expressionText).join(', ')
  return [
    {
      operator: `row_number() over (partition by ${columns})`,
      why:
        mode === 'complete'
          ? 'complete mode gives out every partition each time'
          : 'no event time of a watermark is among the columns of partitionBy, so no partition is ever over',
      fix: 'Call withWatermark first, and put a window of that time into partitionBy.',
    },
  ]
}

function growingSides(plan: Join): readonly GrowingState[] {
  if (!isStreaming(plan.left) || !isStreaming(plan.right)) return []
  const bounds = joinBounds(plan)
  const sides = (['left', 'right'] as const).filter((side) => bounds[side] === undefined)
  return sides.map((side) => ({
    operator: `The ${side} side of the join`,
    why: 'nothing says when no partner can come any more, so every row is kept',
    fix: 'Call withWatermark on both sides, and join on equal windows or times, or within a range of them.',
  }))
}

function growingRights({ keys, toleranceMicros }: AsofJoin): readonly GrowingState[] {
  // Without keys the newest row is one row.
  if (toleranceMicros !== undefined || keys.length === 0) return []
  return [
    {
      operator: 'The right side of the as-of join',
      why: 'a left row takes a right row however old it is, so the newest of every key is kept',
      fix: "Say how old it may be, for example tolerance: '1 day'.",
    },
  ]
}
