import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killedProgram, sleptProgram } from '../../../properties/laws/killed-program.ts'
import { flightsProgram } from '../../crash/flights-program.ts'
import type { Gate, Round } from './gate.ts'

/** Some thirty epochs: most of a shorter run is its start. */
const flights = 750
const killsAtOnce = 20

/** Real processes with RocksDB and files: the main job, compiled to the file that `program` names. */
export function programGates(program: () => string): readonly Gate[] {
  const inFolder = async (round: (folder: string) => Promise<Round>): Promise<Round> => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
    try {
      return await round(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return [
    {
      id: 'G7',
      name: 'a real process that is killed leaves the output of one that nobody killed',
      unit: 'kills',
      wanted: { test: killsAtOnce, long: 1_000 },
      round: (seed) =>
        inFolder(async (folder) => {
          const report = await killedProgram(flightsProgram(program(), flights), {
            kills: killsAtOnce,
            seed,
            folder,
          })
          const { killed, duringCommit, rows } = report
          if (duringCommit < 2) throw new Error(`${duringCommit} of ${killed} during a commit`)
          return { done: killed, figures: { 'during a commit': duringCommit, rows } }
        }),
    },
    {
      id: 'G9R',
      name: 'a real process that was stopped, replaced and woken writes nothing more',
      unit: 'zombies',
      wanted: { test: 1, long: 50 },
      round: (seed) =>
        inFolder(async (folder) => {
          const options = { seed, folder }
          const { slept, logged, end } = await sleptProgram(
            flightsProgram(program(), flights),
            options,
          )
          if (!slept) return { done: 0 }
          // It is told that another one took its place: by the log, or by the lock if it begins a new attempt first. Once
          // the other one has let go of the lock, a new attempt is within its rights, and finds nothing left to do.
          const isTold = end.exitCode === 0 || /FENCED|CHECKPOINT_IN_USE/.test(end.output)
          if (!isTold) throw new Error(`it ended with ${end.exitCode} and said:\n${end.output}`)
          const [first = 'attempt'] = logged
          if (first !== 'attempt') throw new Error(`it wrote into the log: ${logged.join(', ')}`)
          return { done: 1, figures: { 'begun anew': logged.length > 0 ? 1 : 0 } }
        }),
    },
  ]
}
