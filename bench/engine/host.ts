/**
 * What a service feels that embeds a query: `host.js busy <MB of state>` runs a keyed aggregation at
 * full speed with that much state and reports the delay of the event loop; `host.js idle` reports the
 * share of a core that a waiting query takes.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Batch } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { sleep } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { Session } from '../../src/index.ts'
import { batchFormat } from '../batch-source.ts'
import { type Note, reportRun } from '../measured-run.ts'

/** Key, hash, index, stamp and four numbers, with the room that tables keep for growth. */
const groupBytes = 66

const [mode = 'busy', megabytes = '200'] = process.argv.slice(2)
const clock = systemClock()
const folder = await mkdtemp(join(tmpdir(), 'millrace-host-'))
const session = Session.builder.config('progress', 'off').config('stateCache', '1 GB').getOrCreate()
await reportRun((note) => (mode === 'idle' ? idle(note) : busy(Number(megabytes) * 2 ** 20, note)))
await session.stop()
await rm(folder, { recursive: true, force: true })

async function idle(note: Note): Promise<void> {
  const input = session.memoryStream('k LONG')
  const watched = join(folder, 'nothing-yet')
  await mkdir(watched)
  const files = session.readStream.schema('k LONG').json(watched)
  const query = input
    .toDF()
    .union(files)
    .groupBy('k')
    .count()
    .writeStream.format('noop')
    .outputMode('update')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .start()
  await query.processAllAvailable()
  const before = process.cpuUsage()
  const startMs = clock.monotonic()
  await sleep(clock, 10_000)
  const used = process.cpuUsage(before)
  note('coreShare', (used.user + used.system) / 1000 / (clock.monotonic() - startMs))
}

async function busy(stateBytes: number, note: Note): Promise<void> {
  const groups = Math.floor(stateBytes / groupBytes)
  const schema = parseSchema('k LONG, v LONG')
  const random = seededRandom(42)
  const batches: Batch[] = Array.from({ length: 1500 }, (_, batch) => {
    const keys = Float64Array.from({ length: 4096 }, (_, row) =>
      batch < groups / 4096 ? batch * 4096 + row : Math.floor(random.next() * groups),
    )
    const values = Float64Array.from({ length: 4096 }, () => Math.floor(random.next() * 1000))
    const columns = [keys, values].map((numbers) => ({ layout: 'f64' as const, values: numbers }))
    return { schema, rowCount: 4096, columns }
  })
  session.register({ source: batchFormat(schema, batches, 64 * 4096) })
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const query = session.readStream
    .format('batches')
    .load()
    .groupBy('k')
    .agg({ v: 'sum', '*': 'count' })
    .writeStream.format('noop')
    .outputMode('update')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  delays.disable()
  const megabytesUsed = (query.lastProgress?.stateOperators[0]?.memoryUsedBytes ?? 0) / 2 ** 20
  note('stateMegabytes', megabytesUsed)
  note('delayMsP50', delays.percentile(50) / 1e6)
  note('delayMsP99', delays.percentile(99) / 1e6)
  note('delayMsMax', delays.max / 1e6)
}
