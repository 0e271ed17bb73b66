/**
 * State that is many times what memory may hold: `big-state.js <keys> <rows> <MB of budget>`. Keys of 16
 * bytes with a sum, a count and the largest of some texts of 200 bytes: every row reads what its key has and
 * changes it. First come all keys, mixed, then random ones. Rows are made as they are read: memory is the
 * engine's own. What each key was last is compared with a plain program's answer before it counts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch, Column } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Sink } from '../../src/flow/connector.ts'
import { count, lit, max, sum } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { batchFormat, madeBatches } from '../batch-source.ts'
import { sinkFormat } from '../checksum-connector.ts'
import { type Note, reportRun } from '../measured-run.ts'

const batchRows = 4096
const batchesPerEpoch = 8
const keyBytes = 16
const noteBytes = 200
const numberDigits = 8
const inputSchema = parseSchema('k STRING, v LONG, note STRING')

const [keyCount = 1_000_000, rowCount = 2_000_000, budget = 12] = process.argv.slice(2).map(Number)
const batchCount = Math.ceil(rowCount / batchRows)
const keys = new Int32Array(batchCount * batchRows)
const random = seededRandom(42)
// A step that shares no factor with the number of keys visits each of them once.
for (let row = 0; row < keys.length; row++) {
  keys[row] = row < keyCount ? (row * 611_953) % keyCount : Math.floor(random.next() * keyCount)
}
/** By key, what came out last. */
const last = {
  sums: new Float64Array(keyCount),
  counts: new Int32Array(keyCount),
  notes: new Int32Array(keyCount),
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-big-'))
const session = Session.builder
  .config('progress', 'off')
  .config('stateCache', `${budget} MB`)
  .getOrCreate()
const size = { batches: batchCount, rows: batchRows }
const perEpoch = batchesPerEpoch * batchRows
session.register({
  source: batchFormat(inputSchema, madeBatches(inputSchema, size, columnsOf), perEpoch),
})
session.register({ sink: sinkFormat(lastRows()) })
await reportRun((note) => measured(note))
await session.stop()
await rm(folder, { recursive: true, force: true })

async function measured(note: Note): Promise<number> {
  const query = session.readStream
    .format('batches')
    .load()
    .groupBy('k')
    .agg(sum('v').alias('total'), count(lit(1)).alias('rows'), max('note').alias('note'))
    .writeStream.format('bench')
    .outputMode('update')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  note('megabytesInMemory', (query.lastProgress?.stateOperators[0]?.memoryUsedBytes ?? 0) / 2 ** 20)
  return checked()
}

function columnsOf(batch: number): readonly Column[] {
  const from = batch * batchRows
  const rows = Float64Array.from({ length: batchRows }, (_, row) => from + row)
  const ids = Float64Array.from(keys.subarray(from, from + batchRows))
  return [
    texts(ids, keyBytes),
    { layout: 'f64', values: rows.map(amountOf) },
    texts(rows.map(noteOf), noteBytes),
  ]
}

function amountOf(row: number): number {
  return (row * 31) % 1000
}

/** The number that the text of a row begins with. */
function noteOf(row: number): number {
  return (row * 48_271) % 99_999_989
}

/** A number in digits, and letters up to a length. */
function texts(numbers: Float64Array, length: number): Column {
  const data = new Uint8Array(numbers.length * length).fill(120)
  numbers.forEach((number, index) => {
    let rest = number
    for (let place = numberDigits - 1; place >= 0; place--) {
      data[index * length + place] = 48 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
  })
  const offsets = Int32Array.from({ length: numbers.length + 1 }, (_, index) => index * length)
  return { layout: 'bytes', offsets, data }
}

/** A sink that remembers of each key the last row. */
function lastRows(): Sink {
  return {
    description: 'last rows',
    kind: 'immediate',
    open: async () => {},
    async write(batch: Batch) {
      for (const [key, total, rows, note] of rowsOf(batch)) {
        const id = Number(String(key).slice(0, numberDigits))
        last.sums[id] = Number(total)
        last.counts[id] = Number(rows)
        last.notes[id] = Number(String(note).slice(0, numberDigits))
      }
    },
    prepare: async () => null,
    commit: async () => {},
    abort: async () => {},
    close: async () => {},
  }
}

/** How many keys there are; each must have come out as a plain program has it. */
function checked(): number {
  const expected = {
    sums: new Float64Array(keyCount),
    counts: new Int32Array(keyCount),
    notes: new Int32Array(keyCount),
  }
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row] as number
    expected.sums[key] = (expected.sums[key] as number) + amountOf(row)
    expected.counts[key] = (expected.counts[key] as number) + 1
    expected.notes[key] = Math.max(expected.notes[key] as number, noteOf(row))
  }
  for (let key = 0; key < keyCount; key++) {
    const same =
      expected.sums[key] === last.sums[key] &&
      expected.counts[key] === last.counts[key] &&
      expected.notes[key] === last.notes[key]
    if (!same) throw new Error(`key ${key}: ${last.counts[key]} rows, not ${expected.counts[key]}`)
  }
  return keyCount
}
