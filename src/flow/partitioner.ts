import { type Batch, type Column, liveRows } from '../batch/batch.ts'
import { hashKeys } from '../batch/key-hash.ts'
import { packRows } from '../batch/pack.ts'
import type { DataType } from '../batch/schema.ts'

/** Splits a batch over the targets of an edge: part i goes to target i, `undefined` sends nothing. */
export type Partition = (batch: Batch) => readonly (Batch | undefined)[]

/** Everything to the one target. */
export const toOne: Partition = (batch) => [batch]

/**
 * By the hash of key columns. Each part is packed in one buffer of its own, so that it could go to
 * another thread. `targetOf` maps a 32-bit hash to a target and must be the one that state is kept by.
 */
export function byKey(
  keys: readonly { readonly column: number; readonly type: DataType }[],
  targets: number,
  targetOf: (hash: number) => number,
): Partition {
  if (targets === 1) return toOne
  const types = keys.map(({ type }) => type)
  return (batch) => {
    const count = liveRows(batch)
    // Column numbers come from the same plan as the batch.
    const columns = keys.map(({ column }) => batch.columns[column] as Column)
    const hashes = hashKeys(columns, types, batch.selection, count)
    const target = new Uint16Array(count)
    const sizes = new Int32Array(targets)
    for (let k = 0; k < count; k++) {
      const to = targetOf(hashes[k] as number)
      target[k] = to
      sizes[to] = (sizes[to] as number) + 1
    }
    const parts = Array.from(sizes, (size) => new Int32Array(size))
    const filled = new Int32Array(targets)
    for (let k = 0; k < count; k++) {
      const to = target[k] as number
      const row = batch.selection === undefined ? k : (batch.selection[k] as number)
      const part = parts[to] as Int32Array
      part[filled[to] as number] = row
      filled[to] = (filled[to] as number) + 1
    }
    return parts.map((rows) => (rows.length === 0 ? undefined : packRows(batch, rows)))
  }
}
