import type { Expression } from '../expr/expression.ts'
import { conjuncts } from './conditions.ts'
import { type EventTimeColumn, eventTimeColumns } from './event-time.ts'
import { linearTime, type TimeColumns } from './linear-time.ts'
import { type Join, schemaOf } from './logical.ts'

/** When a row of one side can have no partner any more. */
export type JoinBound =
  /** Its key is a time or a window: when the watermark reaches that. */
  | { readonly kind: 'key'; readonly key: number }
  /** When the watermark reaches its event time plus an offset. */
  | { readonly kind: 'time'; readonly column: number; readonly offsetMicros: number }

/** Absent = a partner may always come, so that the rows of the side are kept for ever. */
export interface JoinBounds {
  readonly left?: JoinBound
  readonly right?: JoinBound
}

/**
 * What the keys and the condition of a join of streams say about how long its rows must be kept
 * (rule J2): equal times or windows, or a range such as `l.t BETWEEN r.t − a AND r.t + b`, which bounds
 * one side by the watermark of the other.
 */
export function joinBounds(join: Join): JoinBounds {
  const leftTimes = eventTimeColumns(join.left)
  const rightTimes = eventTimeColumns(join.right)
  const timed = (expression: Expression, times: readonly EventTimeColumn[]): boolean =>
    expression.kind === 'column' && times.some(({ index }) => index === expression.index)
  const leftKey = join.keys.findIndex(({ left }) => timed(left, leftTimes))
  const rightKey = join.keys.findIndex(({ right }) => timed(right, rightTimes))
  const key = leftKey >= 0 ? leftKey : rightKey
  if (key < 0) return rangeBounds(join)
  // As in Spark one watermark is enough: a row of a side that has none finds no partner below it.
  const bound: JoinBound = { kind: 'key', key }
  return { left: bound, right: bound }
}

/** How far the output of a join is behind the watermark of its input, because rows wait in it (rule W7). */
export function joinDelay(join: Join): number {
  const { left, right } = joinBounds(join)
  const delays = [left, right].map((bound) => (bound?.kind === 'time' ? bound.offsetMicros : 0))
  return Math.max(0, ...delays)
}

/** Whether a condition of a join says how far its two event times may be apart. */
export function isTimeRange(part: Expression, join: Join): boolean {
  const times = timesOf(join)
  return times !== undefined && boundsOf(part, times).length > 0
}

/** A bound that belongs to the range counts as one millisecond less, as in Spark. */
const inclusiveMicros = 1000

/** Where the two event times are among the columns of both sides. */
function timesOf({ left, right }: Join) {
  const [leftTime] = eventTimeColumns(left)
  const [rightTime] = eventTimeColumns(right)
  if (leftTime?.kind !== 'time' || rightTime?.kind !== 'time') return undefined
  return { left: leftTime.index, right: rightTime.index + schemaOf(left).length }
}

function rangeBounds(join: Join): JoinBounds {
  const { left, condition } = join
  const times = timesOf(join)
  if (condition === undefined || times === undefined) return {}
  const offsets: Record<'left' | 'right', number[]> = { left: [], right: [] }
  for (const part of conjuncts(condition)) {
    for (const { later, leastMicros } of boundsOf(part, times)) offsets[later].push(-leastMicros)
  }
  // Of several the one that keeps rows longest: Spark's choice, and a safe one.
  const bound = (side: 'left' | 'right', column: number): JoinBounds =>
    offsets[side].length === 0
      ? {}
      : { [side]: { kind: 'time', column, offsetMicros: Math.max(...offsets[side]) } }
  return {
    ...bound('left', times.left),
    ...bound('right', times.right - schemaOf(left).length),
  }
}

interface LowerBound {
  /** The side whose time is at least that of the other plus `leastMicros`. */
  readonly later: 'left' | 'right'
  readonly leastMicros: number
}

function boundsOf(part: Expression, times: TimeColumns): readonly LowerBound[] {
  if (part.kind !== 'call') return []
  const [first, second] = part.args
  if (first === undefined || second === undefined) return []
  switch (part.name) {
    case '>':
      return atLeast(first, second, true, times)
    case '>=':
      return atLeast(first, second, false, times)
    case '<':
      return atLeast(second, first, true, times)
    case '<=':
      return atLeast(second, first, false, times)
    case '=':
    case '<=>':
      return [...atLeast(first, second, false, times), ...atLeast(second, first, false, times)]
    default:
      return []
  }
}

/** What `large > small`, or `>=`, says about the two times. */
function atLeast(
  large: Expression,
  small: Expression,
  strict: boolean,
  times: TimeColumns,
): readonly LowerBound[] {
  const above = linearTime(large, times)
  const below = linearTime(small, times)
  if (above === undefined || below === undefined) return []
  const left = above.left - below.left
  const right = above.right - below.right
  // left · l + right · r + constant ≥ 0, where the smaller value may be less by its slack.
  const constant = above.constant - below.constant + below.slack
  const scale = Math.abs(left)
  if (scale === 0 || Math.abs(left + right) > scale * 1e-9) return []
  const later = left > 0 ? 'left' : 'right'
  const least = Math.round(-constant / scale)
  return [{ later, leastMicros: strict ? least : least - inclusiveMicros }]
}
