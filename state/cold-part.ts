import type { Clock } from '../src/core/clock.ts'
import { crc32c } from '../src/core/crc32c.ts'
import { StreamError } from '../src/core/error.ts'
import { type FileSystem, folderOf, joinPath } from '../src/core/file-system.ts'
import { corrupt } from './corrupt.ts'
import type { ShardSnapshot } from './manifest.ts'
import type { Change, Entry, StateStore, StateStoreFactory } from './store.ts'

/** What lies behind the table of one shard: a local store that is made when it is first needed. */
export interface ColdPart {
  /** The store has been made, so entries may be in it. */
  exists(): boolean
  /** Makes the store if needed. */
  write(changes: readonly Change[]): Promise<void>
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  scan(from: Uint8Array, to: Uint8Array | undefined): AsyncIterable<Entry>
  /** Deletes a range in steps. */
  drop(from: Uint8Array, to: Uint8Array): Promise<void>
  /** Makes the store from a snapshot whose files are checked first. */
  restore(from: NonNullable<ShardSnapshot['cold']>): Promise<void>
  /** `undefined` if there is no store. */
  snapshot(folder: string): Promise<ShardSnapshot['cold']>
  close(): Promise<void>
}

/** Where a cold part lives. */
export interface ColdPlace {
  readonly files: FileSystem
  /** The checkpoint folder. */
  readonly root: string
  readonly clock: Clock
  readonly storeFactory: StateStoreFactory
  /** The folder of the store itself. */
  readonly localPath: string
  readonly isClosed: () => boolean
}

/** Keys that are dropped, and bytes that are checked, between two turns of the event loop. */
const stepKeys = 4096
const checkBytes = 1 << 20

/** A cold part without a store. */
export function coldPart(place: ColdPlace): ColdPart {
  const { files, root, clock, storeFactory, localPath, isClosed } = place
  let store: StateStore | undefined
  let opening: Promise<StateStore> | undefined

  const open = async (): Promise<StateStore> => {
    opening ??= files.makeFolder(folderOf(localPath)).then(() => storeFactory.open(localPath))
    store = await opening
    return store
  }

  return {
    exists: () => store !== undefined,
    write: async (changes) => (store ?? (await open())).writeMany(changes),
    async getMany(keys) {
      return store === undefined ? keys.map(() => undefined) : store.getMany(keys)
    },
    async *scan(from, to) {
      if (store !== undefined) yield* store.scan(from, to)
    },
    async drop(from, to) {
      if (store === undefined) return
      let dead: Change[] = []
      for await (const [key] of store.scan(from, to)) {
        dead.push([key, undefined])
        if (dead.length < stepKeys) continue
        if (isClosed()) return
        await store.writeMany(dead)
        await clock.yield()
        dead = []
      }
      await store.writeMany(dead)
    },
    async restore(from) {
      if (from.kind !== storeFactory.kind) {
        throw new StreamError('CONFIG_INVALID', {
          option: 'store',
          value: storeFactory.kind,
          expected: `"${from.kind}", as in the checkpoint,`,
        })
      }
      const folder = joinPath(root, from.folder)
      for (const file of from.files) await checkFile(files, joinPath(folder, file.name), file)
      await files.makeFolder(folderOf(localPath))
      await storeFactory.restore(folder, localPath)
      await open()
    },
    async snapshot(folder) {
      if (store === undefined) return undefined
      const path = joinPath(root, folder)
      await files.makeFolder(path)
      const { files: copied } = await store.snapshot(path)
      return { folder, kind: storeFactory.kind, files: copied }
    },
    async close() {
      // One that failed to open was told to whoever needed it.
      await opening?.catch(() => undefined)
      await store?.close()
    },
  }
}

async function checkFile(
  files: FileSystem,
  path: string,
  expected: { readonly byteLength: number; readonly crc: number },
): Promise<void> {
  let crc = 0
  let length = 0
  for (;;) {
    const bytes = await files.readRange(path, length, checkBytes)
    if (bytes === undefined) throw corrupt(path, 'the file is missing')
    if (bytes.length === 0) break
    crc = crc32c(bytes, crc)
    length += bytes.length
  }
  if (length !== expected.byteLength || crc !== expected.crc) {
    throw corrupt(path, 'its bytes are not those of the snapshot')
  }
}
