import { equalValues } from '../../src/batch/compare.ts'
import type { Value } from '../../src/batch/value.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import type { EvaluationContext, Expression } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import type { Aggregate, SaveMode, SessionAssign } from '../../src/plan/logical.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import type { Evaluate, Row } from './oracle-node.ts'

/** Rule S1: the row with the session that it opens, or nothing. */
export function sessionOf(
  { time, gap }: SessionAssign,
  row: Row,
  value: (expression: Expression, row: Row) => Value,
): readonly Row[] {
  const start = value(time, row)
  const length = value(gap, row)
  if (typeof start !== 'number' || length === null || Number(length) <= 0) return []
  return [[...row, [start, start + Number(length)]]]
}

export interface SessionPlan {
  readonly plan: Aggregate
  /** Which key is the session. */
  readonly session: number
  readonly mode: SaveMode
  aggregated(call: AggregateCall, rows: readonly Row[], context: EvaluationContext): Value
}

/** A row that is kept for as long as its session is open. */
interface KeptRow {
  readonly keys: Row
  readonly start: number
  readonly end: number
  readonly arrival: number
  readonly row: Row
}

/**
 * Rules S2 to S5, with nothing but rows: all rows of open sessions are kept, and in each epoch the
 * sessions are found anew by laying the rows of a key side by side.
 */
export function sessionNode(
  { plan, session, mode, aggregated }: SessionPlan,
  input: Evaluate,
  late: (row: Row) => void,
): Evaluate {
  const types = plan.keys.map(({ expression }) => expression.type)
  const watermarked = eventTimeColumns(plan).some(({ index }) => index === session)
  const sameKeys = (left: Row, right: Row): boolean =>
    types.every(
      (type, index) =>
        index === session || equalValues(type, left[index] ?? null, right[index] ?? null),
    )
  let kept: readonly KeptRow[] = []
  let arrivals = 0
  const delay = watermarkDelay(plan.input)

  return (given, rows) => {
    const header = heldBackBy(delay, given)
    const context = { epoch: header.epoch, processingTime: header.processingTime }
    const arrived = input(given, rows).map((row): KeptRow => {
      const keys = plan.keys.map(({ expression }) =>
        interpret(expression, (index) => row[index] ?? null, context),
      )
      const [start, end] = keys[session] as readonly [number, number]
      return { keys, start, end, arrival: arrivals++, row }
    })
    const isLate = ({ end }: KeptRow): boolean =>
      mode !== 'complete' && watermarked && end <= header.lateWatermark
    for (const each of arrived.filter(isLate)) late(each.row)
    kept = [...kept, ...arrived.filter((each) => !isLate(each))]
    const found = sessionsOf(kept, sameKeys)
    const closed =
      mode === 'complete' ? found : found.filter((one) => isOver(one, header, watermarked))
    if (mode !== 'complete') {
      const over = new Set(closed.flat())
      kept = kept.filter((each) => !over.has(each))
    }
    return closed.map((one): Row => {
      const keys = one[0]?.keys ?? []
      const whole = [Math.min(...one.map(({ start }) => start)), endOf(one)]
      return [
        ...keys.map((key, index) => (index === session ? whole : key)),
        ...plan.aggregates.map(({ call }) => aggregated(call, byArrival(one), context)),
      ]
    })
  }
}

/** Rows of one key whose sessions overlap or touch, directly or over others. */
function sessionsOf(
  rows: readonly KeptRow[],
  sameKeys: (left: Row, right: Row) => boolean,
): readonly (readonly KeptRow[])[] {
  const sessions: KeptRow[][] = []
  for (const row of [...rows].sort((a, b) => a.start - b.start)) {
    const session = sessions.find(
      (one) => sameKeys(one[0]?.keys ?? [], row.keys) && row.start <= endOf(one),
    )
    if (session === undefined) sessions.push([row])
    else session.push(row)
  }
  return sessions
}

/** For aggregates that can tell the order. */
function byArrival(session: readonly KeptRow[]): readonly Row[] {
  return [...session].sort((a, b) => a.arrival - b.arrival).map(({ row }) => row)
}

function endOf(session: readonly KeptRow[]): number {
  return Math.max(...session.map(({ end }) => end))
}

function isOver(session: readonly KeptRow[], header: EpochHeader, watermarked: boolean): boolean {
  return header.flush === true || (watermarked && endOf(session) <= header.evictWatermark)
}
