import { type Batch, liveRows, rowNumbers } from '../batch/batch.ts'
import { ByteWriter } from '../batch/byte-writer.ts'
import type { GatheredRows } from '../batch/gather.ts'
import { hashKeys } from '../batch/key-hash.ts'
import { valueAt } from '../batch/read.ts'
import { isComparable } from '../batch/schema.ts'
import { encodeValue } from '../batch/value-codec.ts'
import { textOfKey } from './keyed/entries.ts'

/** Numbers of rows below it can be kept beside a hash of 32 bits in one number. */
const rowsPerHash = 2 ** 21

/**
 * All live rows, by the hash of their values, then by the values themselves: an order that means nothing, but
 * does not depend on the ways that they came.
 */
export function orderByValue(batches: readonly Batch[]): GatheredRows {
  const count = batches.reduce((sum, batch) => sum + liveRows(batch), 0)
  const which = new Int32Array(count)
  const rows = new Int32Array(count)
  const hashes = new Float64Array(count)
  let filled = 0
  for (const [index, batch] of batches.entries()) {
    const own = rowNumbers(batch)
    const found = hashesOf(batch, own)
    which.fill(index, filled, filled + own.length)
    rows.set(own, filled)
    for (let k = 0; k < own.length; k++) hashes[filled + k] = (found[k] as number) >>> 0
    filled += own.length
  }
  const order = orderOf(hashes, batches, { which, rows })
  return { batches, which: picked(which, order), rows: picked(rows, order) }
}

/** The numbers 0 to n − 1, by their hash first. */
function orderOf(
  hashes: Float64Array,
  batches: readonly Batch[],
  { which, rows }: Pick<GatheredRows, 'which' | 'rows'>,
): Int32Array {
  const text = rowTexts(batches)
  const byText = (left: number, right: number): number => {
    const [a, b] = [left, right].map((at) => text(which[at] as number, rows[at] as number))
    return a === undefined || b === undefined || a === b ? 0 : a < b ? -1 : 1
  }
  const order = byHash(hashes)
  for (let from = 0; from < order.length; ) {
    const hash = hashes[order[from] as number]
    let to = from + 1
    while (to < order.length && hashes[order[to] as number] === hash) to++
    if (to - from > 1) order.subarray(from, to).sort(byText)
    from = to
  }
  return order
}

function byHash(hashes: Float64Array): Int32Array {
  if (hashes.length > rowsPerHash) {
    return Int32Array.from(hashes.keys()).sort(
      (left, right) => (hashes[left] as number) - (hashes[right] as number),
    )
  }
  // Without a function to compare them, numbers are sorted much faster.
  const keys = hashes.map((hash, at) => hash * rowsPerHash + at).sort()
  return Int32Array.from(keys, (key) => key % rowsPerHash)
}

function picked(numbers: Int32Array, order: Int32Array): Int32Array {
  return order.map((at) => numbers[at] as number)
}

function hashesOf({ schema, columns }: Batch, rows: Int32Array): Int32Array {
  // Maps have no hash; rows that differ in nothing else are told apart by their text.
  const isHashed = schema.map(({ type }) => isComparable(type))
  return hashKeys(
    columns.filter((_, at) => isHashed[at]),
    schema.filter((_, at) => isHashed[at]).map(({ type }) => type),
    rows,
    rows.length,
  )
}

/** The values of a row as text, equal for equal values only. */
export function rowTexts(batches: readonly Batch[]): (batch: number, row: number) => string {
  const made = batches.map(() => new Map<number, string>())
  const writer = new ByteWriter()
  return (batch, row) => {
    const known = made[batch]?.get(row)
    if (known !== undefined) return known
    const { schema = [], columns = [] } = batches[batch] ?? {}
    writer.length = 0
    schema.forEach(({ type }, at) => {
      const column = columns[at]
      encodeValue(writer, type, column === undefined ? null : valueAt(column, type, row))
    })
    const text = textOfKey(writer.view())
    made[batch]?.set(row, text)
    return text
  }
}
