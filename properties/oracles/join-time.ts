import type { Value } from '../../src/batch/value.ts'
import type { Micros } from '../../src/core/units.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import { columnsRead } from '../../src/plan/expressions.ts'
import {
  inputsOf,
  isStreaming,
  type Join,
  type LogicalPlan,
  schemaOf,
} from '../../src/plan/logical.ts'
import type { Row } from './oracle-node.ts'

/** How far rows of a plan may be behind the watermark, because joins below keep them (rule W7). */
export function watermarkDelay(plan: LogicalPlan): number {
  if (plan.kind === 'watermark' || !isStreaming(plan)) return 0
  const below = Math.max(0, ...inputsOf(plan).map(watermarkDelay))
  if (plan.kind !== 'join' || !isStreaming(plan.left) || !isStreaming(plan.right)) return below
  return below + Math.max(keptBehind(plan, 'left'), keptBehind(plan, 'right'))
}

const millisecond = 1000
const longest = 2 ** 40

/** The age at which rows of a side go, found by trying: all older ones are gone, all younger ones there. */
function keptBehind(plan: Join, side: 'left' | 'right'): number {
  const watermark = 2 ** 51
  const width = schemaOf(plan[side]).length
  const times = new Set(eventTimeColumns(plan[side]).map(({ index }) => index))
  const goes = (age: number): boolean => {
    const time = watermark - age * millisecond
    const row = Array.from({ length: width }, (_, at): Value => (times.has(at) ? time : null))
    return isDead(plan, side, row, watermark)
  }
  if (plan.keys.some((key) => key[side].kind === 'column' && times.has(key[side].index))) return 0
  if (!goes(longest)) return 0
  let young = -1
  let old = longest
  if (goes(0)) return 0
  while (old - young > 1) {
    const middle = Math.floor((young + old) / 2)
    if (goes(middle)) old = middle
    else young = middle
  }
  return old * millisecond
}

/** A header as an operator sees it that joins hold back. */
export function heldBackBy(delay: number, header: EpochHeader): EpochHeader {
  const moved = (watermark: Micros): Micros =>
    watermark <= 0 || header.flush === true || delay === 0
      ? watermark
      : (Math.max(0, watermark - delay) as Micros)
  const lateWatermark =
    header.lateWatermark <= 0 || delay === 0 || header.lateWatermark === Number.MAX_SAFE_INTEGER
      ? header.lateWatermark
      : (Math.max(0, header.lateWatermark - delay) as Micros)
  return { ...header, lateWatermark, evictWatermark: moved(header.evictWatermark) }
}

/** Whether no row above the watermark can be a partner of this one (rule J2). */
export function isDead(plan: Join, side: 'left' | 'right', row: Row, watermark: number): boolean {
  const times = { left: eventTimeColumns(plan.left), right: eventTimeColumns(plan.right) }
  const other = side === 'left' ? 'right' : 'left'
  const timed = plan.keys.find((key) =>
    (['left', 'right'] as const).some((of) => {
      const expression = key[of]
      return (
        expression.kind === 'column' && times[of].some(({ index }) => index === expression.index)
      )
    }),
  )
  const context = { epoch: 0, processingTime: 0 }
  if (timed !== undefined) {
    const value = interpret(timed[side], (index) => row[index] ?? null, context)
    return value !== null && endOf(value) <= watermark
  }
  const [own] = times[side]
  const [theirs] = times[other]
  if (own?.kind !== 'time' || theirs?.kind !== 'time' || row[own.index] === null) return false
  const width = schemaOf(plan.left).length
  const at = { left: side === 'left' ? own.index : theirs.index, right: width }
  at.right += side === 'left' ? theirs.index : own.index
  const ownAt = side === 'left' ? at.left : at.right
  const otherAt = side === 'left' ? at.right : at.left
  const ranges = partsOf(plan.condition).filter((part) => {
    const read = [...columnsRead(part)]
    return read.length === 2 && read.includes(at.left) && read.includes(at.right)
  })
  // Tried with a partner at the watermark, and with one at the end of time: what is false for both is
  // false for all between.
  const holds = (part: Expression, time: number): boolean =>
    interpret(
      part,
      (index) => (index === ownAt ? (row[own.index] ?? null) : index === otherAt ? time : null),
      context,
    ) === true
  const farAway = 8e15
  const bounding = ranges.filter((part) => !holds(part, farAway))
  return bounding.length > 0 && bounding.every((part) => !holds(part, watermark))
}

/** The conditions that all have to hold. */
export function partsOf(condition: Expression | undefined): readonly Expression[] {
  if (condition === undefined) return []
  if (condition.kind === 'call' && condition.name === 'and') return condition.args.flatMap(partsOf)
  return [condition]
}

/** A time itself, or the end of a window. */
export function endOf(value: Value): number {
  return Array.isArray(value) ? (value[1] as number) : (value as number)
}
