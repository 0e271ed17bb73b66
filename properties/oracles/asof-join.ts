import { equalValues } from '../../src/batch/compare.ts'
import type { Value } from '../../src/batch/value.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { type AsofJoin, type JoinKey, schemaOf } from '../../src/plan/logical.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import type { Evaluate, Row } from './oracle-node.ts'

/**
 * An as-of join that forgets no right row: a left row is answered in the epoch whose eviction watermark
 * has reached it, from all right rows that were not late.
 */
export function asofNode(
  plan: AsofJoin,
  left: Evaluate,
  right: Evaluate,
  late: (row: Row, side: 'left' | 'right') => void,
): Evaluate {
  const delay = Math.max(watermarkDelay(plan.left), watermarkDelay(plan.right))
  const rights: Row[] = []
  let waiting: Row[] = []
  return (given, rows) => {
    const header = heldBackBy(delay, given)
    const inTime = (input: readonly Row[], time: number, side: 'left' | 'right'): readonly Row[] =>
      input.filter((row) => {
        const at = row[time]
        const isLate = typeof at === 'number' && at <= header.lateWatermark
        if (isLate) late(row, side)
        return !isLate
      })
    waiting.push(...inTime(left(given, rows), plan.leftTime, 'left'))
    rights.push(...inTime(right(given, rows), plan.rightTime, 'right'))
    const answered = waiting.filter((row) => !waits(plan, row, header))
    waiting = waiting.filter((row) => waits(plan, row, header))
    return answered.flatMap((row) => answer(plan, row, rights, header))
  }
}

/** Rows that can have no partner do not wait for one. */
function waits(plan: AsofJoin, row: Row, header: EpochHeader): boolean {
  const time = row[plan.leftTime]
  if (typeof time !== 'number') return false
  const hasKey = plan.keys.every((key) => key.nullSafe || keyValue(key.left, row, header) !== null)
  return hasKey && time > header.evictWatermark
}

function answer(
  plan: AsofJoin,
  row: Row,
  rights: readonly Row[],
  header: EpochHeader,
): readonly Row[] {
  const time = row[plan.leftTime]
  let best: Row | undefined
  let bestTime = Number.NEGATIVE_INFINITY
  for (const right of rights) {
    const at = right[plan.rightTime]
    if (typeof time !== 'number' || typeof at !== 'number' || at > time || at < bestTime) continue
    if (time - at > (plan.toleranceMicros ?? Number.POSITIVE_INFINITY)) continue
    if (!sameKey(plan, row, right, header)) continue
    best = right
    bestTime = at
  }
  if (best !== undefined) return [[...row, ...best]]
  if (plan.type === 'inner') return []
  return [[...row, ...schemaOf(plan.right).map((): Value => null)]]
}

function sameKey(plan: AsofJoin, left: Row, right: Row, header: EpochHeader): boolean {
  return plan.keys.every((key) => {
    const a = keyValue(key.left, left, header)
    const b = keyValue(key.right, right, header)
    if (a === null || b === null) return key.nullSafe && a === b
    return equalValues(key.left.type, a, b)
  })
}

function keyValue(expression: JoinKey['left'], row: Row, { processingTime }: EpochHeader): Value {
  return interpret(expression, (index) => row[index] ?? null, { processingTime })
}
