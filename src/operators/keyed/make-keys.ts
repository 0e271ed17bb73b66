import { KeyReader } from '../../batch/key-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import { ByteKeys } from './byte-keys.ts'
import type { KeyIndex } from './key-index.ts'
import { NumberKeys } from './number-keys.ts'

/** The fastest empty index for key columns of these types. */
export function newKeys(types: readonly DataType[], capacity: number): KeyIndex {
  const [type] = types
  return type !== undefined && fitsNumberKeys(types)
    ? new NumberKeys(type, capacity)
    : new ByteKeys(types, capacity)
}

/** The same keys under the same slots in an index that can hold any; no slot may be dead. */
export function asByteKeys(types: readonly DataType[], before: KeyIndex): KeyIndex {
  const keys = new ByteKeys(types, before.capacity)
  const columns = before.columns(Int32Array.from({ length: before.count }, (_, slot) => slot))
  keys.findOrInsert(
    columns,
    undefined,
    before.hashes.subarray(0, before.count),
    new Int32Array(before.count),
  )
  return keys
}

/** Whether an index can hold an encoded key: whole numbers beyond 2^53 need one of bytes. */
export function holdsKey(keys: KeyIndex, types: readonly DataType[], key: Uint8Array): boolean {
  if (!(keys instanceof NumberKeys)) return true
  const [type] = types
  const value = type === undefined ? null : new KeyReader(key).read(type)
  return value === null || Number.isSafeInteger(Number(value))
}

/** Whether one key column of this type can be held as plain numbers while its values are safe integers. */
function fitsNumberKeys(types: readonly DataType[]): boolean {
  const [type] = types
  return (
    types.length === 1 &&
    type !== undefined &&
    ['byte', 'short', 'int', 'long', 'date', 'timestamp'].includes(type.kind)
  )
}
