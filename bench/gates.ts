import type { Trust } from './measure.ts'
import type { QueryName } from './nexmark/results.ts'
import { textTable } from './table.ts'
import { type Bounded, gateVerdict } from './verdict.ts'

/** A figure that a release must reach, and what it was. */
export interface GateFigure extends Trust, Bounded {
  readonly name: string
  readonly unit: string
}

/** By CPU-second, from JSON lines with a checkpoint every second: never slower than by hand. */
export const ratioByHandMin = 1

/** Events per CPU-second from column batches in memory. */
export const memoryRateMin: Readonly<Partial<Record<QueryName, number>>> = {
  q0: 5e6,
  q1: 5e6,
  q2: 5e6,
  q3: 1e6,
  q4: 1e5,
  q5: 1.5e6,
  q7: 2e6,
  q8: 1e6,
  q9: 1e5,
  q11: 0.8e6,
  q12: 1.5e6,
  q15: 1e5,
  q16: 5e4,
  q17: 1.5e6,
  q18: 1e5,
  q19: 1e5,
  q20: 1e5,
}

/** Sessions open at the same time, in random arrival, and events per CPU-second while they are. */
export const openSessionsMin = 100_000
export const openSessionRateMin = 1e5

/** A join with 5 million stored rows and a budget of 512 MB: events per CPU-second, and memory. */
export const joinRateMin = 2e4
export const joinBytesMax = 2 ** 30

/** State 20 times the budget: events per CPU-second, and memory beyond the budget. */
export const bigRateMin = 2e4
export const bytesBeyondBudgetMax = 400 * 2 ** 20

/** CPU of an event that is in 6, 24 or 288 windows over that of one that is in one. */
export const slidingCostMax = 2

/** CPU per event with a checkpoint every second over CPU without one. */
export const checkpointCostMax = 1.1

/** Memory of q17 over 10 million events. */
export const q17BytesMax = 2 ** 30

/** From the start of the query to its first output, with epochs of a quarter of a second. */
export const firstOutputSecondsMax = 1.5

/** What a service feels that embeds a query; a program's name and a figure of its report. */
export const hostBounds: readonly (Pick<GateFigure, 'bound' | 'direction' | 'unit'> & {
  readonly figure: string
  /** The worst of all runs, or the one in the middle. */
  readonly counts: 'the worst' | 'the median'
})[] = [
  // One row, stateful, continuous trigger, 10,000 rows/s open loop, durable checkpoints every second.
  { figure: 'one row p99', bound: 25, direction: 'at most', unit: 'ms', counts: 'the median' },
  // Full speed with 200 MB of state: how late a timer of the host comes.
  {
    figure: 'busy stateMegabytes',
    bound: 200,
    direction: 'at least',
    unit: 'MB',
    counts: 'the worst',
  },
  { figure: 'busy delayMsP99', bound: 20, direction: 'at most', unit: 'ms', counts: 'the median' },
  { figure: 'busy delayMsMax', bound: 100, direction: 'at most', unit: 'ms', counts: 'the worst' },
  {
    figure: 'idle coreShare',
    bound: 0.02,
    direction: 'at most',
    unit: 'cores',
    counts: 'the median',
  },
]

/** All gates as text. */
export function gateTable(gates: readonly GateFigure[]): string {
  const rows = gates.map((gate) => [
    gate.name,
    `${figure(gate.value)} ${gate.unit}`,
    `${gate.direction} ${figure(gate.bound)}`,
    gateVerdict(gate),
  ])
  return textTable([['gate', 'measured', 'bound', ''], ...rows])
}

/** Three digits that count. */
function figure(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
