import type { EntryBlock } from '../../../state/frozen.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'

/** Appends an entry in the packed form of `EntryBlock`; without a value it is a deletion. */
export function writeEntry(
  writer: ByteWriter,
  key: Uint8Array,
  value: Uint8Array | undefined,
): void {
  writer.u32(key.length)
  writer.u32(value === undefined ? 0 : value.length + 1)
  writer.raw(key)
  if (value !== undefined) writer.raw(value)
}

/** Calls with every entry of a packed block, in order. */
export function forEachEntry(
  block: EntryBlock,
  call: (key: Uint8Array, value: Uint8Array | undefined) => void,
): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  let at = 0
  while (at < block.length) {
    const keyLength = view.getUint32(at, true)
    const valueLength = view.getUint32(at + 4, true)
    const keyEnd = at + 8 + keyLength
    const end = keyEnd + Math.max(valueLength - 1, 0)
    call(
      block.subarray(at + 8, keyEnd),
      valueLength === 0 ? undefined : block.subarray(keyEnd, end),
    )
    at = end
  }
}

/** Key bytes as text that can be looked up in a map. */
export function textOfKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

/** The bytes that `textOfKey` was given. */
export function keyOfText(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
