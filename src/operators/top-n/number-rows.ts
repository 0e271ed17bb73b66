import { type Batch, type Column, liveRows, rowNumbers } from '../../batch/batch.ts'
import { columnBuilder } from '../../batch/build.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt } from '../../batch/key-codec.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import { rowCodec } from '../../batch/row-codec.ts'
import type { Operator, Output } from '../../flow/operator.ts'
import { KeyedTable } from '../keyed/keyed-table.ts'
import { isExact, orderNumbers } from './order-numbers.ts'
import { compareKeys } from './ranked-record.ts'
import type { OrderKey, RankSpec } from './spec.ts'

const rowsPerBatch = 4096

/** Rows of one epoch with what decides their place; row k is row `rows[k]` of batch `batches[k]`. */
interface Gathered {
  readonly batches: readonly Batch[]
  readonly rows: readonly number[]
  readonly partitions: readonly number[]
  /** Per key of the order the number of each row (`orderNumbers`). */
  readonly numbers: readonly (readonly number[])[]
}

/**
 * Numbers the rows of one epoch: of the whole answer in complete mode or of a batch query. Holds them all.
 * They come out partition by partition, in order of their numbers.
 */
export function numberRowsOperator(spec: RankSpec): Operator {
  let batches: Batch[] = []
  let rowsIn = 0
  return {
    name: 'row_number',

    open() {
      batches = []
      rowsIn = 0
    },

    process(_input, batch) {
      batches.push(batch)
      rowsIn += liveRows(batch)
      return undefined
    },

    async closeEpoch(_header, output) {
      const gathered = gather(spec, batches)
      batches = []
      const order = Int32Array.from(gathered.rows, (_, k) => k)
      order.sort(comparing(spec.order, gathered))
      await emit(spec, gathered, order, output)
      return { progress: { row_number: { rowsIn } } }
    },

    freeze: () => undefined,
  }
}

function gather(spec: RankSpec, given: readonly Batch[]): Gathered {
  const types = spec.keys.map(({ type }) => type)
  const table = new KeyedTable(types, [])
  const batches: Batch[] = []
  const rows: number[] = []
  const partitions: number[] = []
  const numbers: number[][] = spec.order.map(() => [])
  for (const batch of given) {
    const live = rowNumbers(batch)
    const columns = spec.keys.map(({ column }) => batch.columns[column] as Column)
    const slots = table.slotsOf(columns, hashKeys(columns, types, live, live.length), live)
    const places = spec.order.map((key) => orderNumbers(batch, key, live))
    live.forEach((row, k) => {
      batches.push(batch)
      rows.push(row)
      partitions.push(slots[k] as number)
      places.forEach((place, index) => {
        numbers[index]?.push(place[row] as number)
      })
    })
  }
  return { batches, rows, partitions, numbers }
}

/** By partition, then by the order; equal rows stay as they came. */
function comparing(
  order: readonly OrderKey[],
  { batches, rows, partitions, numbers }: Gathered,
): (left: number, right: number) => number {
  const writers = [new ByteWriter(), new ByteWriter()] as const
  const bytesOf = (writer: ByteWriter, { type, column }: OrderKey, k: number) => {
    writer.length = 0
    encodeKeyAt(writer, type, (batches[k] as Batch).columns[column] as Column, rows[k] as number)
    return { bytes: writer.bytes, from: 0, length: writer.length }
  }
  return (left, right) => {
    const apart = (partitions[left] as number) - (partitions[right] as number)
    if (apart !== 0) return apart
    for (let index = 0; index < order.length; index++) {
      const key = order[index] as OrderKey
      const a = numbers[index]?.[left] as number
      const b = numbers[index]?.[right] as number
      if (a < b) return -1
      if (a > b) return 1
      if (isExact(key.type, a)) continue
      const found = compareKeys(
        bytesOf(writers[0], key, left),
        bytesOf(writers[1], key, right),
        key,
      )
      if (found !== 0) return found
    }
    return left - right
  }
}

/** The rows in order, up to the limit of each partition. */
async function emit(
  { output: schema, limit }: RankSpec,
  { batches, rows, partitions }: Gathered,
  order: Int32Array,
  output: Output,
): Promise<void> {
  const types = schema.slice(0, -1).map(({ type }) => type)
  const codec = rowCodec(types)
  const kept = types.map(columnBuilder)
  const number = columnBuilder({ kind: 'int' })
  const writer = new ByteWriter()
  const starts: number[] = []
  const flush = async (): Promise<void> => {
    const rowCount = number.length
    if (rowCount === 0) return
    const bytes = writer.take()
    const view = new DataView(bytes.buffer)
    for (const start of starts) codec.decode({ bytes, view }, start, kept)
    starts.length = 0
    const columns = [...kept, number].map((builder) => builder.finish())
    await output.emit({ schema, rowCount, columns })
  }
  let rank = 0
  for (let at = 0; at < order.length; at++) {
    const k = order[at] as number
    const isFirst = at === 0 || partitions[k] !== partitions[order[at - 1] as number]
    rank = isFirst ? 1 : rank + 1
    if (rank > limit) continue
    starts.push(writer.length)
    codec.encode((batches[k] as Batch).columns, rows[k] as number, writer)
    number.appendNumber(rank)
    if (number.length >= rowsPerBatch) await flush()
  }
  await flush()
}
