import { eventTimeColumns } from './event-time.ts'
import { joinBounds } from './join-bounds.ts'
import {
  type Aggregate,
  inputsOf,
  isStreaming,
  type Join,
  type LogicalPlan,
  type SaveMode,
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
    case 'join':
      return [...below, ...growingSides(plan)]
    default:
      return below
  }
}

function growingGroups(plan: Aggregate, mode: SaveMode): readonly GrowingState[] {
  // Without keys there is one group. In append mode every group ends, or the query was refused.
  if (plan.keys.length === 0 || mode === 'append') return []
  const operator = `groupBy(${plan.keys.map(({ name }) => name).join(', ')})`
  if (mode === 'complete') {
    const why = 'complete mode gives out every group each time, also those whose window is over'
    return [{ operator, why, fix: "Use outputMode('update') or 'append', with a watermark." }]
  }
  if (eventTimeColumns(plan).length > 0) return []
  const why = 'no event time of a watermark is among its keys, so no group is ever over'
  return [{ operator, why, fix: 'Call withWatermark first, and group by a window of that time.' }]
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
