import { script } from './contenders.ts'
import { type GateFigure, hostBounds } from './gates.ts'
import { generatorLagMsMax } from './latency/percentiles.ts'
import { type Contender, runChild } from './measure.ts'
import { spreadOf } from './statistics.ts'
import { textTable } from './table.ts'

/** What a service feels: some runs of each program, and the gates on them. */
export interface HostReport {
  /** Every figure of every run. */
  readonly table: string
  readonly gates: readonly GateFigure[]
}

/** Rows a second of the open loop, and how many; a tenth of them warms up. */
const latencyArgs = ['10000', '100000', '1000']
/** Asked for with some to spare; the gate tells what was there. */
const busyMegabytes = '220'

/** Rows that were late before the engine could see them measure nothing: such a run is made again. */
const generatorLag = 'generatorLagMsP99'
const voidRunsMax = 5

const programs: readonly Contender[] = [
  { name: 'one row', args: [script('latency/engine'), ...latencyArgs] },
  { name: 'busy', args: [script('engine/host'), 'busy', busyMegabytes] },
  { name: 'idle', args: [script('engine/host'), 'idle'] },
]

/** Runs latency, full speed and idle in processes of their own, one after another. */
export async function measureHost(runs: number): Promise<HostReport> {
  const rows: string[][] = [['program', 'run', 'figures', '']]
  const counted = new Map<string, number[]>()
  for (const program of programs) {
    let valid = 0
    for (let run = 1; valid < runs && run <= runs + voidRunsMax; run++) {
      const { figures } = await runChild(program)
      const isVoid = (figures[generatorLag] ?? 0) > generatorLagMsMax
      rows.push([program.name, String(run), figuresText(figures), isVoid ? 'void' : ''])
      if (isVoid) continue
      valid++
      for (const [figure, value] of Object.entries(figures)) {
        const name = `${program.name} ${figure}`
        counted.set(name, [...(counted.get(name) ?? []), value])
      }
    }
  }
  const gates = hostBounds.map(({ figure, direction, bound, unit, counts }): GateFigure => {
    const values = counted.get(figure) ?? []
    const { median, min, max } = spreadOf(values.length === 0 ? [Number.NaN] : values)
    // The worst that may happen is the worst of all runs; what usually happens is that of the middle one.
    const value = counts === 'the worst' ? (direction === 'at most' ? max : min) : median
    const doubts =
      values.length < runs
        ? [`void: ${values.length} of ${runs} runs had a punctual generator`]
        : []
    return { name: figure, value, bound, direction, unit, doubts, margin: 0 }
  })
  return { table: textTable(rows), gates }
}

function figuresText(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
    .join(', ')
}
