import { crc32c } from '../src/core/crc32c.ts'
import { StreamError } from '../src/core/error.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import { compareBytes } from './byte-order.ts'
import { packEntries, unpackEntries } from './entry-block.ts'
import type { Change, Entry, StateStore, StateStoreFactory } from './store.ts'

/** Entries of a chunk at most; a write copies the chunks it touches. */
const chunkEntries = 512
const snapshotName = 'entries'

/**
 * Stores in memory: ordered chunks that are never changed in place, so a scan or a snapshot keeps
 * seeing what was there when it began. After a restart only restored snapshots are there.
 */
export function memoryStoreFactory(files: FileSystem): StateStoreFactory {
  return {
    kind: 'memory',
    async open(path) {
      await files.makeFolder(path)
      const bytes = await files.read(joinPath(path, snapshotName))
      return memoryStore(files, bytes === undefined ? [] : unpackEntries(bytes))
    },
    async restore(snapshotPath, path) {
      await files.makeFolder(path)
      await files.copy(joinPath(snapshotPath, snapshotName), joinPath(path, snapshotName))
    },
  }
}

/** A store that is nowhere but in memory; `files` is where its snapshots go. */
export function memoryStore(files: FileSystem, restored: readonly Change[]): StateStore {
  let chunks = merge([], restored)
  let isOpen = true
  const checkOpen = (): void => {
    if (!isOpen) throw new StreamError('INTERNAL', { what: 'a closed state store was used' })
  }
  return {
    async getMany(keys) {
      checkOpen()
      return keys.map((key) => find(chunks, key))
    },
    async writeMany(changes) {
      checkOpen()
      chunks = merge(chunks, changes)
    },
    async *scan(from, to) {
      checkOpen()
      for (const chunk of chunks.slice(chunkIndex(chunks, from))) {
        for (const entry of chunk) {
          if (to !== undefined && compareBytes(entry[0], to) >= 0) return
          if (compareBytes(entry[0], from) >= 0) yield entry
        }
      }
    },
    async snapshot(path) {
      checkOpen()
      const bytes = packEntries(chunks.flat())
      await files.makeFolder(path)
      await files.create(joinPath(path, snapshotName), bytes)
      await files.syncFolder(path)
      return {
        files: [{ name: snapshotName, byteLength: bytes.length, crc: crc32c(bytes) }],
      }
    },
    async byteLength() {
      checkOpen()
      let sum = 0
      for (const chunk of chunks) for (const [key, value] of chunk) sum += key.length + value.length
      return sum
    },
    async close() {
      isOpen = false
      chunks = []
    },
  }
}

type Chunk = readonly Entry[]

function find(chunks: readonly Chunk[], key: Uint8Array): Uint8Array | undefined {
  const chunk = chunks[chunkIndex(chunks, key)]
  if (chunk === undefined) return undefined
  const entry = chunk[firstAtLeast(chunk, key)]
  return entry !== undefined && compareBytes(entry[0], key) === 0 ? entry[1] : undefined
}

/** The chunk in which `key` is or would be: the last one that does not begin after it. */
function chunkIndex(chunks: readonly Chunk[], key: Uint8Array): number {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const first = chunks[middle]?.[0]
    if (first !== undefined && compareBytes(first[0], key) <= 0) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

function firstAtLeast(chunk: Chunk, key: Uint8Array): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = chunk[middle]
    if (entry !== undefined && compareBytes(entry[0], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** New chunks with the changes applied; those that no change touches are shared with the old ones. */
function merge(chunks: readonly Chunk[], changes: readonly Change[]): readonly Chunk[] {
  const sorted = lastPerKey(changes)
  if (sorted.length === 0) return chunks
  const result: Chunk[] = []
  let next = 0
  const sources = chunks.length === 0 ? [[]] : chunks
  for (const [index, chunk] of sources.entries()) {
    const following = chunks[index + 1]?.[0]
    const from = next
    while (next < sorted.length && isBefore(sorted[next], following)) next++
    if (from === next) result.push(chunk)
    else result.push(...pieces(mergeChunk(chunk, sorted.slice(from, next))))
  }
  return result
}

function isBefore(change: Change | undefined, entry: Entry | undefined): boolean {
  if (change === undefined) return false
  return entry === undefined || compareBytes(change[0], entry[0]) < 0
}

/** Sorted by key; of several changes of one key only the last. Sorting is stable. */
function lastPerKey(changes: readonly Change[]): readonly Change[] {
  const sorted = changes.toSorted((left, right) => compareBytes(left[0], right[0]))
  return sorted.filter((change, index) => {
    const following = sorted[index + 1]
    return following === undefined || compareBytes(change[0], following[0]) !== 0
  })
}

/** Both sides are sorted. Bytes are copied: the caller may reuse its buffers. */
function mergeChunk(chunk: Chunk, changes: readonly Change[]): Entry[] {
  const result: Entry[] = []
  let at = 0
  for (const [key, value] of changes) {
    let entry = chunk[at]
    while (entry !== undefined && compareBytes(entry[0], key) < 0) {
      result.push(entry)
      entry = chunk[++at]
    }
    if (entry !== undefined && compareBytes(entry[0], key) === 0) at++
    if (value !== undefined) result.push([key.slice(), value.slice()])
  }
  for (const entry of chunk.slice(at)) result.push(entry)
  return result
}

function pieces(entries: readonly Entry[]): Chunk[] {
  const result: Chunk[] = []
  for (let at = 0; at < entries.length; at += chunkEntries) {
    result.push(entries.slice(at, at + chunkEntries))
  }
  return result
}
