import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
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

/** An index that can hold the keys of these columns: the given one, or all its keys under the same slots. */
export function keysForColumns(
  keys: KeyIndex,
  types: readonly DataType[],
  [column]: readonly Column[],
): KeyIndex {
  if (!(keys instanceof NumberKeys)) return keys
  const holds = column !== undefined && column.layout !== 'i64' && column.layout !== 'void'
  return holds ? keys : asByteKeys(types, keys)
}

/** The same for one encoded key. */
export function keysForEncoded(
  keys: KeyIndex,
  types: readonly DataType[],
  key: Uint8Array,
): KeyIndex {
  return holdsKey(keys, types, key) ? keys : asByteKeys(types, keys)
}

/** Whether an index can hold an encoded key: whole numbers beyond 2^53 need one of bytes. */
export function holdsKey(keys: KeyIndex, types: readonly DataType[], key: Uint8Array): boolean {
  if (!(keys instanceof NumberKeys)) return true
  const [type] = types
  const value = type === undefined ? null : new KeyReader(key).read(type)
  return value === null || Number.isSafeInteger(Number(value))
}

/** Slots keep their numbers: who asked for some before may still count on them. Dead ones stay dead. */
function asByteKeys(types: readonly DataType[], before: KeyIndex): KeyIndex {
  const keys = new ByteKeys(types, before.capacity)
  const writer = new ByteWriter()
  const dead: number[] = []
  for (let slot = 0; slot < before.count; slot++) {
    writer.length = 0
    if (before.isDead(slot)) {
      // A number must be used up: the bytes are of no key, and go at once.
      writer.byte(255)
      writer.sortableInteger(slot)
      dead.push(slot)
    } else before.encode(slot, writer)
    keys.insertEncoded(writer.view(), before.hashes[slot] as number)
  }
  for (const slot of dead) keys.remove(slot)
  return keys
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
