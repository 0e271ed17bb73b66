/**
 * Windows that overlap: `sliding.js <events> <windows that hold each event>`. Counts and sums by key over
 * 24 hours, every 24 hours divided by that many. Events come evenly over three days. The answer is compared
 * with a plain program's before it counts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { col, count, lit, sum, window } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { batchFormat, madeBatches } from '../batch-source.ts'
import { type Checksum, checksumSink } from '../checksum.ts'
import { checksumConnector, sinkFormat } from '../checksum-connector.ts'
import { reportRun } from '../measured-run.ts'

const batchRows = 4096
const batchesPerEpoch = 64
const keyCount = 20
const second = 1_000_000
const sizeMicros = 24 * 3600 * second
const startMicros = 1_600_041_600 * second
const spanMicros = 3 * sizeMicros
const inputSchema = parseSchema('k LONG, at TIMESTAMP, v LONG')
const outputSchema = parseSchema('k LONG, rows LONG, total LONG, start TIMESTAMP')

const [events = 2_000_000, overlap = 288] = process.argv.slice(2).map(Number)
const slideMicros = sizeMicros / overlap
const batchCount = Math.ceil(events / batchRows)
const microsPerRow = spanMicros / (batchCount * batchRows)

const folder = await mkdtemp(join(tmpdir(), 'millrace-sliding-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
const size = { batches: batchCount, rows: batchRows }
const perEpoch = batchesPerEpoch * batchRows
session.register({
  source: batchFormat(inputSchema, madeBatches(inputSchema, size, columnsOf), perEpoch),
})
const expected = byHand()
await reportRun(measured)
await session.stop()
await rm(folder, { recursive: true, force: true })

async function measured(): Promise<Checksum> {
  const sink = checksumConnector(outputSchema, () => {})
  session.register({ sink: sinkFormat(sink) })
  const query = session.readStream
    .format('batches')
    .load()
    .withWatermark('at', '1 minute')
    .groupBy(col('k'), window('at', '24 hours', `${slideMicros / second} seconds`))
    .agg(count(lit(1)).alias('rows'), sum('v').alias('total'))
    .select('k', 'rows', 'total', 'window.start')
    .writeStream.format('bench')
    .outputMode('append')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .option('drain', 'flush')
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  const result = sink.result()
  if (JSON.stringify(result) !== JSON.stringify(expected)) {
    throw new Error(`windows ${JSON.stringify(result)} should be ${JSON.stringify(expected)}`)
  }
  return result
}

function columnsOf(batch: number): readonly Column[] {
  const rows = Float64Array.from({ length: batchRows }, (_, row) => batch * batchRows + row)
  return [rows.map(keyOf), rows.map(timeOf), rows.map(amountOf)].map((values) => ({
    layout: 'f64' as const,
    values,
  }))
}

function keyOf(row: number): number {
  return (row * 7) % keyCount
}

function timeOf(row: number): number {
  return startMicros + Math.floor(row * microsPerRow)
}

function amountOf(row: number): number {
  return (row * 31) % 1000
}

/** Sums by slide, then each window from its slides. */
function byHand(): Checksum {
  const sink = checksumSink(outputSchema)
  const slides = spanMicros / slideMicros
  const rows = new Float64Array(slides * keyCount)
  const totals = new Float64Array(slides * keyCount)
  for (let row = 0; row < batchCount * batchRows; row++) {
    const at = Math.floor((timeOf(row) - startMicros) / slideMicros) * keyCount + keyOf(row)
    rows[at] = (rows[at] as number) + 1
    totals[at] = (totals[at] as number) + amountOf(row)
  }
  for (let first = 1 - overlap; first < slides; first++) {
    for (let key = 0; key < keyCount; key++) {
      const sums = { rows: 0, total: 0 }
      for (let slide = Math.max(first, 0); slide < Math.min(first + overlap, slides); slide++) {
        sums.rows += rows[slide * keyCount + key] as number
        sums.total += totals[slide * keyCount + key] as number
      }
      if (sums.rows === 0) continue
      sink.row([key, sums.rows, sums.total, startMicros + first * slideMicros])
    }
  }
  return sink.result()
}
