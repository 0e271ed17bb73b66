import { script } from './contenders.ts'
import { type GateFigure, openSessionRateMin, openSessionsMin } from './gates.ts'
import { compare } from './measure.ts'
import { measurementTable } from './table.ts'

/** Keys of which nearly all have a session open, and rows in random order of them. */
const keys = 110_000
const rows = 2_000_000

/** Sessions of many keys in random arrival; each run compares its answer with a plain program's. */
export async function measureOpenSessions(
  runs: number,
  load: number,
): Promise<{ readonly table: string; readonly gates: readonly GateFigure[] }> {
  const args = [script('engine/open-sessions'), String(keys), String(rows)]
  const contenders = [{ name: 'millrace, memory', args }]
  const comparison = await compare(contenders, { events: rows, runs, load })
  const [measured] = comparison.measurements
  const { doubts, margin } = comparison
  const open = measured?.runs.map(({ figures }) => figures['openSessionsMax'] ?? 0) ?? []
  const rate = measured?.eventsPerCpuSecond.median ?? 0
  return {
    table: measurementTable('open sessions', comparison),
    gates: [
      {
        name: 'open sessions',
        value: Math.min(...open),
        bound: openSessionsMin,
        direction: 'at least',
        unit: 'sessions',
        doubts,
        margin,
      },
      {
        name: 'open sessions, from memory',
        value: rate,
        bound: openSessionRateMin,
        direction: 'at least',
        unit: 'ev/cpu-s',
        doubts,
        margin,
      },
    ],
  }
}
