import { script } from './contenders.ts'
import { type GateFigure, hostBounds } from './gates.ts'
import { generatorLagMsMax } from './latency/percentiles.ts'
import { type Contender, runChild } from './measure.ts'
import { textTable } from './table.ts'

/** What a service feels: the worst of some runs of each program, and the gates on them. */
export interface HostReport {
  /** Every figure of every run. */
  readonly table: string
  readonly gates: readonly GateFigure[]
}

/** Rows a second of the open loop, and how many; a tenth of them warms up. */
const latencyArgs = ['10000', '100000', '1000']
/** Asked for with some to spare; the gate tells what was there. */
const busyMegabytes = '220'

const programs: readonly Contender[] = [
  { name: 'one row', args: [script('latency/engine'), ...latencyArgs] },
  { name: 'busy', args: [script('engine/host'), 'busy', busyMegabytes] },
  { name: 'idle', args: [script('engine/host'), 'idle'] },
]

/** Runs latency, full speed and idle in processes of their own, one after another. */
export async function measureHost(runs: number): Promise<HostReport> {
  const rows: string[][] = [['program', 'run', 'figures']]
  const worst = new Map<string, number>()
  const least = new Map<string, number>()
  for (let run = 1; run <= runs; run++) {
    for (const program of programs) {
      const { figures } = await runChild(program)
      rows.push([program.name, String(run), figuresText(figures)])
      for (const [figure, value] of Object.entries(figures)) {
        const name = `${program.name} ${figure}`
        worst.set(name, Math.max(value, worst.get(name) ?? Number.NEGATIVE_INFINITY))
        least.set(name, Math.min(value, least.get(name) ?? Number.POSITIVE_INFINITY))
      }
    }
  }
  const late = worst.get('one row generatorLagMsP99') ?? Number.NaN
  const doubts = late <= generatorLagMsMax ? [] : [`void: the generator was ${late} ms late at p99`]
  const gates = hostBounds.map(
    ({ figure, direction, bound, unit }): GateFigure => ({
      name: figure,
      value: (direction === 'at most' ? worst : least).get(figure) ?? Number.NaN,
      bound,
      direction,
      unit,
      doubts: figure.startsWith('one row') ? doubts : [],
    }),
  )
  return { table: textTable(rows), gates }
}

function figuresText(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
    .join(', ')
}
