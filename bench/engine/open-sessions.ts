/**
 * Sessions of many keys in random arrival: `open-sessions.js <keys> <rows>`. Rows of random keys, up to
 * 2 s out of order, 10,000 for a second of event time; a session ends 30 s after its last row, so that
 * nearly every key has one open. The answer is compared with that of a plain program before it counts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { seededRandom } from '../../src/core/random.ts'
import { col, count, lit, session_window, sum } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { batchFormat } from '../batch-source.ts'
import { type Checksum, checksumSink } from '../checksum.ts'
import { checksumConnector, sinkFormat } from '../checksum-connector.ts'
import { type Note, reportRun } from '../measured-run.ts'

const batchRows = 4096
const microsPerRow = 100
const second = 1_000_000
const gapMicros = 30 * second
const inputSchema = parseSchema('k LONG, at TIMESTAMP, v LONG')
const outputSchema = parseSchema('k LONG, rows LONG, total LONG, start TIMESTAMP, end TIMESTAMP')

const [keyCount = 100_000, rowCount = 1_000_000] = process.argv.slice(2).map(Number)
const keys = new Float64Array(rowCount)
const times = new Float64Array(rowCount)
const values = new Float64Array(rowCount)
const random = seededRandom(42)
for (let row = 0; row < rowCount; row++) {
  keys[row] = Math.floor(random.next() * keyCount)
  times[row] = 1_600_000_000 * second + row * microsPerRow - Math.floor(random.next() * 2 * second)
  values[row] = Math.floor(random.next() * 1000)
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-sessions-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
session.register({ source: batchFormat(inputSchema, batches(), 64 * batchRows) })
const expected = byHand()
await reportRun((note) => measured(note))
await session.stop()
await rm(folder, { recursive: true, force: true })

async function measured(note: Note): Promise<Checksum> {
  const sink = checksumConnector(outputSchema, () => {})
  session.register({ sink: sinkFormat(sink) })
  const query = session.readStream
    .format('batches')
    .load()
    .withWatermark('at', '4 seconds')
    .groupBy(col('k'), session_window('at', '30 seconds'))
    .agg(count(lit(1)).alias('rows'), sum('v').alias('total'))
    .select('k', 'rows', 'total', 'session_window.start', 'session_window.end')
    .writeStream.format('bench')
    .outputMode('append')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .option('drain', 'flush')
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  const totals = query.recentProgress.map(({ stateOperators }) => stateOperators[0]?.numRowsTotal)
  note('openSessionsMax', Math.max(...totals.map((total) => total ?? 0)))
  const result = sink.result()
  if (JSON.stringify(result) !== JSON.stringify(expected)) {
    throw new Error(`sessions ${JSON.stringify(result)} should be ${JSON.stringify(expected)}`)
  }
  return result
}

function batches(): readonly Batch[] {
  return Array.from({ length: Math.ceil(rowCount / batchRows) }, (_, batch): Batch => {
    const from = batch * batchRows
    const columns = [keys, times, values].map((numbers) => ({
      layout: 'f64' as const,
      values: numbers.slice(from, from + batchRows),
    }))
    return { schema: inputSchema, rowCount: Math.min(batchRows, rowCount - from), columns }
  })
}

/** Every row sorted by key and time, cut where more than the gap lies between. */
function byHand(): Checksum {
  const sink = checksumSink(outputSchema)
  const order = Uint32Array.from({ length: rowCount }, (_, row) => row).sort(
    (a, b) =>
      (keys[a] as number) - (keys[b] as number) || (times[a] as number) - (times[b] as number),
  )
  let open: { key: number; rows: number; total: number; start: number; last: number } | undefined
  const close = (): void => {
    if (open === undefined) return
    sink.row([open.key, open.rows, open.total, open.start, open.last + gapMicros])
  }
  for (const row of order) {
    const [key, time, value] = [keys[row] as number, times[row] as number, values[row] as number]
    if (open !== undefined && open.key === key && time <= open.last + gapMicros) {
      open.rows++
      open.total += value
      open.last = time
    } else {
      close()
      open = { key, rows: 1, total: value, start: time, last: time }
    }
  }
  close()
  return sink.result()
}
