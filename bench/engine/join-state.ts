/**
 * A join of two streams whose rows all stay: `join-state.js <rows> <MB of budget>`. Half of the rows are
 * orders, in order of their numbers; the other half are payments, each for any order so far, so that its
 * partner lies anywhere in the state. Rows are made as they are read: memory is the engine's own. The
 * answer is compared with what a plain program knows to be right.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { seededRandom } from '../../src/core/random.ts'
import { col } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { batchFormat, madeBatches } from '../batch-source.ts'
import { type Checksum, checksumSink } from '../checksum.ts'
import { checksumConnector, sinkFormat } from '../checksum-connector.ts'
import { type Note, reportRun } from '../measured-run.ts'

const batchRows = 4096
const batchesPerEpoch = 8
const noteBytes = 100
const orderSchema = parseSchema('id LONG, amount LONG, note STRING')
const paymentSchema = parseSchema('order LONG, paid LONG, reference STRING')
const outputSchema = parseSchema('id LONG, amount LONG, note STRING, paid LONG, reference STRING')

const [rowCount = 5_000_000, budget = 512] = process.argv.slice(2).map(Number)
const batches = Math.ceil(rowCount / 2 / batchRows)
const payments = Int32Array.from({ length: batches * batchRows })
const random = seededRandom(42)
for (let row = 0; row < payments.length; row++) {
  const ordersSoFar = (Math.floor(row / batchRows) + 1) * batchRows
  payments[row] = Math.floor(random.next() * ordersSoFar)
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-join-'))
const session = Session.builder
  .config('progress', 'off')
  .config('stateCache', `${budget} MB`)
  .getOrCreate()
const size = { batches, rows: batchRows }
const perEpoch = batchesPerEpoch * batchRows
session.register({
  source: batchFormat(orderSchema, madeBatches(orderSchema, size, orders), perEpoch, 'orders'),
})
session.register({
  source: batchFormat(paymentSchema, madeBatches(paymentSchema, size, paid), perEpoch, 'payments'),
})
const expected = byHand()
await reportRun((note) => measured(note))
await session.stop()
await rm(folder, { recursive: true, force: true })

async function measured(note: Note): Promise<Checksum> {
  const sink = checksumConnector(outputSchema, () => {})
  session.register({ sink: sinkFormat(sink) })
  const orders = session.readStream.format('orders').load()
  const payments = session.readStream.format('payments').load()
  const query = orders
    .join(payments, col('id').eq(col('order')))
    .select('id', 'amount', 'note', 'paid', 'reference')
    .writeStream.format('bench')
    .outputMode('append')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  const state = query.lastProgress?.stateOperators[0]
  note('stateMegabytesInMemory', (state?.memoryUsedBytes ?? 0) / 2 ** 20)
  const result = sink.result()
  if (JSON.stringify(result) !== JSON.stringify(expected)) {
    throw new Error(`the join gave ${JSON.stringify(result)}, not ${JSON.stringify(expected)}`)
  }
  return result
}

function orders(batch: number): readonly Column[] {
  const ids = Float64Array.from({ length: batchRows }, (_, row) => batch * batchRows + row)
  return [numbers(ids), numbers(ids.map((id) => (id * 7) % 1000)), texts(ids, 3)]
}

function paid(batch: number): readonly Column[] {
  const from = batch * batchRows
  const ids = Float64Array.from(payments.subarray(from, from + batchRows))
  const rows = Float64Array.from(ids, (_, row) => from + row)
  return [numbers(ids), numbers(rows.map((row) => (row * 11) % 1000)), texts(rows, 5)]
}

function numbers(values: Float64Array): Column {
  return { layout: 'f64', values }
}

function texts(ids: Float64Array, step: number): Column {
  const data = new Uint8Array(ids.length * noteBytes)
  let at = 0
  for (const id of ids) {
    for (let place = 0; place < noteBytes; place++) data[at++] = 97 + ((id + place * step) % 26)
  }
  const offsets = Int32Array.from({ length: ids.length + 1 }, (_, row) => row * noteBytes)
  return { layout: 'bytes', offsets, data }
}

/** Every payment has exactly one order, which is told from its number. */
function byHand(): Checksum {
  const sink = checksumSink(outputSchema)
  for (let batch = 0; batch < batches; batch++) {
    const [ids, amounts, references] = paid(batch)
    if (ids?.layout !== 'f64' || amounts === undefined || references === undefined) break
    const notes = texts(ids.values as Float64Array, 3)
    const orderAmounts = numbers((ids.values as Float64Array).map((id) => (id * 7) % 1000))
    sink.batch({
      schema: outputSchema,
      rowCount: batchRows,
      columns: [ids, orderAmounts, notes, amounts, references],
    })
  }
  return sink.result()
}
