import type { Clock } from '../src/core/clock.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import { coldPart } from './cold-part.ts'
import { checkDeltaOrder, readPart } from './delta.ts'
import { splitBlock, unpackEntries } from './entry-block.ts'
import type { ShardVersion } from './manifest.ts'
import { memoryStore } from './memory-store.ts'
import type { Change, Entry, StateStoreFactory } from './store.ts'

/** What reading a shard needs beside the checkpoint. */
export interface ShardEntriesPlace {
  readonly files: FileSystem
  /** The checkpoint folder. */
  readonly root: string
  readonly clock: Clock
  /** Stores of the kind that a snapshot was taken from. */
  readonly store: (kind: 'memory' | 'rocksdb') => StateStoreFactory
  /** For a copy of the snapshot of a store; it is removed at the end. Must not exist. */
  readonly temporary: string
}

/** The entries of one shard as of one checkpoint, in an order of their keys. */
export interface ShardEntries {
  scan(from: Uint8Array, to: Uint8Array | undefined): AsyncIterable<Entry>
  /** Applies later changes, for those who go on from here. */
  apply(changes: readonly Change[]): Promise<void>
  get(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  close(): Promise<void>
}

/** Bytes that are put together between two turns of the event loop. */
const stepBytes = 1 << 20

/**
 * Puts a shard together from its snapshot and deltas, as a restore does, without touching the store of
 * the query. What was in memory is held in memory; what was in a store is copied to a temporary one.
 * @throws StreamError `CHECKPOINT_CORRUPT` also when a file was deleted
 */
export async function shardEntries(
  place: ShardEntriesPlace,
  { snapshot, deltas }: ShardVersion,
): Promise<ShardEntries> {
  const { files, root, clock } = place
  checkDeltaOrder(root, deltas)
  const entries = await emptyEntries(place, snapshot?.cold)
  try {
    for (const part of [...(snapshot?.hot ?? []), ...deltas]) {
      for (const piece of splitBlock(await readPart(files, root, part), stepBytes)) {
        await entries.apply(unpackEntries(piece))
        await clock.yield()
      }
    }
  } catch (thrown) {
    await entries.close()
    throw thrown
  }
  return entries
}

async function emptyEntries(
  { files, root, clock, store, temporary }: ShardEntriesPlace,
  cold: NonNullable<ShardVersion['snapshot']>['cold'],
): Promise<ShardEntries> {
  if (cold === undefined) {
    const held = memoryStore(files, [])
    return {
      scan: held.scan,
      apply: held.writeMany,
      get: held.getMany,
      close: held.close,
    }
  }
  const copy = coldPart({
    files,
    root,
    clock,
    storeFactory: store(cold.kind),
    localPath: joinPath(temporary, 'store'),
    isClosed: () => false,
  })
  const close = async (): Promise<void> => {
    await copy.close()
    await files.removeFolder(temporary)
  }
  try {
    await copy.restore(cold)
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { scan: copy.scan, apply: copy.write, get: copy.getMany, close }
}
