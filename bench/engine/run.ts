/**
 * One query of the engine in a process of its own: `run.js <query> <folder | number of events> <per epoch>`.
 * A number instead of a folder means column batches in memory; `all` takes everything in one epoch.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/core/system-clock.ts'
import { reportRun } from '../measured-run.ts'
import { queryNamed } from '../nexmark/results.ts'
import { benchSession } from './session.ts'
import { firstOutputFigure, prepareWorkload } from './workload.ts'

const [name, from, perEpoch] = process.argv.slice(2)
const query = queryNamed(name)
if (query === undefined || from === undefined || perEpoch === undefined) {
  throw new RangeError('usage: run.js <query> <folder | number of events> <per epoch | all>')
}
const clock = systemClock()
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-run-'))
const session = benchSession()
let firstRowMs: number | undefined
const work = prepareWorkload(
  session,
  {
    query,
    input: /^\d+$/.test(from) ? { events: Number(from) } : { folder: from },
    perEpoch: perEpoch === 'all' ? undefined : Number(perEpoch),
    checkpoint: join(folder, 'checkpoint'),
  },
  () => {
    firstRowMs = clock.monotonic()
  },
)
await reportRun(async (note) => {
  const startedMs = clock.monotonic()
  const result = await work()
  note(firstOutputFigure, ((firstRowMs ?? Number.NaN) - startedMs) / 1000)
  return result
})
await session.stop()
await rm(folder, { recursive: true, force: true })
