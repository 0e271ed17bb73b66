/**
 * What a service feels that embeds a query: `host.js busy <MB of state>` runs a keyed aggregation at
 * full speed with that much state and prints the delay of the event loop; `host.js idle` prints the
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

const [mode = 'busy', megabytes = '200'] = process.argv.slice(2)
const print = (text: string): void => void process.stdout.write(`${text}\n`)
const clock = systemClock()
const folder = await mkdtemp(join(tmpdir(), 'millrace-host-'))
const session = Session.builder.config('progress', 'off').config('stateCache', '1 GB').getOrCreate()
if (mode === 'idle') await idle()
else await busy(Number(megabytes) * 1024 * 1024)
await session.stop()
await rm(folder, { recursive: true, force: true })

async function idle(): Promise<void> {
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
  const share = (used.user + used.system) / 1000 / (clock.monotonic() - startMs)
  print(`idle ${JSON.stringify({ coreShare: Number(share.toFixed(4)) })}`)
}

/** A group takes about 100 bytes: key, hash, index, stamp, and four numbers. */
async function busy(stateBytes: number): Promise<void> {
  const groups = Math.floor(stateBytes / 100)
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
  const state = query.lastProgress?.stateOperators[0]
  const ms = (nanoseconds: number): number => Number((nanoseconds / 1e6).toFixed(1))
  print(
    `busy ${JSON.stringify({
      groups: state?.numRowsTotal,
      stateMegabytes: Math.round((state?.memoryUsedBytes ?? 0) / 1024 / 1024),
      delayMsP50: ms(delays.percentile(50)),
      delayMsP99: ms(delays.percentile(99)),
      delayMsMax: ms(delays.max),
    })}`,
  )
}
