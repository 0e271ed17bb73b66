import { script } from './contenders.ts'
import {
  bigRateMin,
  bytesBeyondBudgetMax,
  type GateFigure,
  joinBytesMax,
  joinRateMin,
  slidingCostMax,
} from './gates.ts'
import { type Comparison, compare, type Measurement } from './measure.ts'
import { measurementTable, textTable } from './table.ts'

/** Tables of what was measured, and the gates on it. */
export interface StateReport {
  readonly table: string
  readonly gates: readonly GateFigure[]
}

interface Runs {
  readonly runs: number
  readonly load: number
}

/** A join all of whose rows stay, with a budget that they do not fit in. */
const joinRows = 5_000_000
const joinBudgetMegabytes = 512

/** Keys with 300 bytes of state each, and a budget of a twentieth of it. */
const bigKeys = 1_000_000
const bigRows = 2_000_000
const bigBudgetMegabytes = 12

/** How many windows hold each event. */
const overlaps = [1, 6, 24, 288] as const
const slidingEvents = 5_000_000

/** A join of two streams with far more rows in state than its budget holds. */
export async function measureJoinState({ runs, load }: Runs): Promise<StateReport> {
  const args = [script('engine/join-state'), String(joinRows), String(joinBudgetMegabytes)]
  const name = 'millrace, 512 MB'
  const comparison = await compare([{ name, args }], { events: joinRows, runs, load })
  return {
    table: measurementTable('join, 5 M rows kept', comparison),
    gates: stateGates('join, 5 M rows kept', comparison, {
      rateMin: joinRateMin,
      bytesMax: joinBytesMax,
    }),
  }
}

/** Read, modify, write by key, with twenty times more state than budget. */
export async function measureBigState({ runs, load }: Runs): Promise<StateReport> {
  const sizes = [bigKeys, bigRows, bigBudgetMegabytes].map(String)
  const contender = { name: 'millrace, 12 MB', args: [script('engine/big-state'), ...sizes] }
  const comparison = await compare([contender], { events: bigRows, runs, load })
  return {
    table: measurementTable('state 20 × the budget', comparison),
    gates: stateGates('state 20 × the budget', comparison, {
      rateMin: bigRateMin,
      bytesMax: bigBudgetMegabytes * 2 ** 20 + bytesBeyondBudgetMax,
    }),
  }
}

/** What an event costs in more and more windows, over what it costs in one. */
export async function measureSliding({ runs, load }: Runs): Promise<StateReport> {
  const contenders = overlaps.map((overlap) => ({
    name: `in ${overlap} windows`,
    args: [script('engine/sliding'), String(slidingEvents), String(overlap)],
  }))
  const comparison = await compare(contenders, { events: slidingEvents, runs, load })
  const costs = slope(comparison.measurements)
  const worst = Math.max(...costs.map(({ cost }) => cost))
  const lines = costs.map(({ name, cost }) => [name, cost.toFixed(2)])
  return {
    table: [
      measurementTable('24 hours, sliding', comparison),
      textTable([['24 hours, sliding', 'cost of an event'], ...lines]),
    ].join('\n'),
    gates: [
      {
        name: 'sliding windows, cost in up to 288',
        value: worst,
        bound: slidingCostMax,
        direction: 'at most',
        unit: 'times',
        doubts: comparison.doubts,
        margin: comparison.margin,
      },
    ],
  }
}

/** CPU of each over that of the first, by name. */
export function slope(
  measurements: readonly Pick<Measurement, 'name' | 'cpuSeconds'>[],
): readonly { readonly name: string; readonly cost: number }[] {
  const [first] = measurements
  return measurements.map(({ name, cpuSeconds }) => ({
    name,
    cost: cpuSeconds.median / (first?.cpuSeconds.median ?? Number.NaN),
  }))
}

function stateGates(
  name: string,
  { measurements: [measured], doubts, margin }: Comparison,
  { rateMin, bytesMax }: { readonly rateMin: number; readonly bytesMax: number },
): readonly GateFigure[] {
  return [
    {
      name,
      value: measured?.eventsPerCpuSecond.median ?? Number.NaN,
      bound: rateMin,
      direction: 'at least',
      unit: 'ev/cpu-s',
      doubts,
      margin,
    },
    {
      name: `${name}, resident memory`,
      value: measured?.rssBytesMax.max ?? Number.NaN,
      bound: bytesMax,
      direction: 'at most',
      unit: 'bytes',
      doubts,
      margin,
    },
  ]
}
