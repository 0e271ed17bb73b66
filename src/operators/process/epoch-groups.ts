import type { Batch, Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import { KeyedTable } from '../keyed/keyed-table.ts'

/** Rows of one key: numbers of batches and of rows in these, in order of arrival. */
export interface GroupRows {
  /** The bytes of the key. */
  readonly group: Uint8Array
  readonly hash: number
  readonly batches: Int32Array
  readonly rows: Int32Array
}

/** Rows that were handed over but not grouped yet. */
export interface PendingRows {
  readonly batch: Batch
  readonly rows: Int32Array
}

/** The rows by key, keys in order of first arrival. */
export function* groupsOf(
  pending: readonly PendingRows[],
  keys: readonly { readonly column: number; readonly type: DataType }[],
): Iterable<GroupRows> {
  const types = keys.map(({ type }) => type)
  const table = new KeyedTable(types, [])
  table.openEpoch(0)
  const slots = pending.map(({ batch, rows }) => {
    const columns = keys.map(({ column }) => batch.columns[column] as Column)
    const hashes = hashKeys(columns, types, rows, rows.length)
    return table.slotsOf(columns, hashes, rows).slice()
  })
  const starts = new Int32Array(table.count + 1)
  for (const part of slots)
    for (const slot of part) starts[slot + 1] = (starts[slot + 1] as number) + 1
  for (let slot = 0; slot < table.count; slot++) {
    starts[slot + 1] = (starts[slot + 1] as number) + (starts[slot] as number)
  }
  const filled = starts.slice()
  const batches = new Int32Array(starts[table.count] as number)
  const rows = new Int32Array(batches.length)
  pending.forEach((part, number) => {
    const ofPart = slots[number] ?? new Int32Array(0)
    for (let k = 0; k < ofPart.length; k++) {
      const slot = ofPart[k] as number
      const at = filled[slot] as number
      filled[slot] = at + 1
      batches[at] = number
      rows[at] = part.rows[k] as number
    }
  })
  const writer = new ByteWriter()
  for (let slot = 0; slot < table.count; slot++) {
    const [from, to] = [starts[slot], starts[slot + 1]]
    table.encodeKey(slot, writer)
    yield {
      group: writer.take(),
      hash: table.keys.hashes[slot] as number,
      batches: batches.subarray(from, to),
      rows: rows.subarray(from, to),
    }
  }
}
