import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import { packEntries, unpackEntries } from '../state/entry-block.ts'
import { memoryStoreFactory } from '../state/memory-store.ts'
import type { StateStoreFactory } from '../state/store.ts'

const logName = 'written'
const headBytes = 4

/**
 * Stores that outlive their process, as those of RocksDB do: what was written lies in a file and is there again when
 * the same folder is opened, as much of it as a power cut leaves.
 */
export function simulatedStoreFactory(files: FileSystem): StateStoreFactory {
  const inMemory = memoryStoreFactory(files)
  return {
    ...inMemory,
    async open(path) {
      const store = await inMemory.open(path)
      const name = joinPath(path, logName)
      for (const block of blocksOf((await files.read(name)) ?? new Uint8Array())) {
        await store.writeMany(unpackEntries(block))
      }
      const log = await files.append(name)
      return {
        ...store,
        async writeMany(changes) {
          const block = packEntries(changes)
          const framed = new Uint8Array(headBytes + block.length)
          new DataView(framed.buffer).setUint32(0, block.length)
          framed.set(block, headBytes)
          await log.append(framed)
          await store.writeMany(changes)
        },
        async close() {
          await log.close()
          await store.close()
        },
      }
    },
  }
}

/** The whole blocks of a log, whose end may be torn. */
function* blocksOf(bytes: Uint8Array): Iterable<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const length = view.getUint32(at)
    at += headBytes
    if (length === 0 || at + length > bytes.length) return
    yield bytes.subarray(at, at + length)
    at += length
  }
}
