import { StreamError } from '../src/core/error.ts'
import type { EntryBlock } from './frozen.ts'
import type { Change } from './store.ts'

const entryHeaderBytes = 8

/** Packs changes into one block, in the order given. */
export function packEntries(changes: readonly Change[]): EntryBlock {
  let length = 0
  for (const [key, value] of changes) {
    length += entryHeaderBytes + key.length + (value?.length ?? 0)
  }
  const block = new Uint8Array(length)
  const view = new DataView(block.buffer)
  let at = 0
  for (const [key, value] of changes) {
    view.setUint32(at, key.length, true)
    view.setUint32(at + 4, value === undefined ? 0 : value.length + 1, true)
    block.set(key, at + entryHeaderBytes)
    at += entryHeaderBytes + key.length
    if (value !== undefined) {
      block.set(value, at)
      at += value.length
    }
  }
  return block
}

/** The changes of a block, as views of it. */
export function unpackEntries(block: EntryBlock): Change[] {
  const changes: Change[] = []
  let at = 0
  while (at < block.length) {
    const end = entryEnd(block, at)
    const keyAt = at + entryHeaderBytes
    const valueAt = keyAt + readLength(block, at)
    const deleted = readLength(block, at + 4) === 0
    changes.push([
      block.subarray(keyAt, valueAt),
      deleted ? undefined : block.subarray(valueAt, end),
    ])
    at = end
  }
  return changes
}

/** Cuts a block between entries into pieces of about `maxBytes`, so that no step of a load is long. */
export function* splitBlock(block: EntryBlock, maxBytes: number): Generator<EntryBlock> {
  let from = 0
  let at = 0
  while (at < block.length) {
    at = entryEnd(block, at)
    if (at - from >= maxBytes) {
      yield block.subarray(from, at)
      from = at
    }
  }
  if (from < at) yield block.subarray(from, at)
}

function entryEnd(block: EntryBlock, at: number): number {
  if (at + entryHeaderBytes <= block.length) {
    const valueLength = Math.max(0, readLength(block, at + 4) - 1)
    const end = at + entryHeaderBytes + readLength(block, at) + valueLength
    if (end <= block.length) return end
  }
  throw new StreamError('INTERNAL', { what: `an entry block ends inside its entry at byte ${at}` })
}

/** Little endian; the caller has checked that four bytes are there. */
function readLength(block: EntryBlock, at: number): number {
  return (
    ((block[at] as number) |
      ((block[at + 1] as number) << 8) |
      ((block[at + 2] as number) << 16) |
      ((block[at + 3] as number) << 24)) >>>
    0
  )
}
