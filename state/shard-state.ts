import type { Clock } from '../src/core/clock.ts'
import { crc32c } from '../src/core/crc32c.ts'
import { StreamError } from '../src/core/error.ts'
import { type AppendFile, type FileSystem, folderOf, joinPath } from '../src/core/file-system.ts'
import { type Epoch, epoch as toEpoch } from '../src/core/units.ts'
import { type FileOwner, snapshotFolder, snapshotPath } from './checkpoint-paths.ts'
import { corrupt } from './corrupt.ts'
import { checkDeltaOrder, readPart } from './delta.ts'
import { splitBlock, unpackEntries } from './entry-block.ts'
import type { EntryBlock } from './frozen.ts'
import type { DeltaPart, FilePart, ShardSnapshot, ShardVersion } from './manifest.ts'
import type { HotTable } from './operator-state.ts'
import type { Change, Entry, StateStore, StateStoreFactory } from './store.ts'

/** What a shard shares with the other shards of its task. */
export interface ShardContext {
  readonly files: FileSystem
  /** The checkpoint folder. */
  readonly root: string
  readonly clock: Clock
  readonly owner: FileOwner
  readonly storeFactory: StateStoreFactory
  /** Keeps the tables of the task within their budget. */
  readonly shrink: () => Promise<void>
  /** The newest epoch that was given to `persist`; every epoch up to it is frozen. */
  readonly lastFrozen: () => Epoch
  /** How many epochs, after the last one given to `persist`, may have changed the tables. */
  readonly epochsInFlight: number
  readonly isClosed: () => boolean
  /** Bytes that are loaded or dumped between two turns of the event loop. */
  readonly stepBytes: number
  readonly snapshotMinBytes: number
  readonly snapshotMaxChain: number
}

/** One shard of one operator: the operator's table, the store behind it, and its chain of files. */
export interface ShardState {
  readonly operator: string
  readonly shard: number
  attach(table: HotTable): Promise<void>
  hotBytes(): number
  /** Moves up to `maxBytes` of cold entries from the table to the store; how many bytes it moved. */
  spill(maxBytes: number): Promise<number>
  hasCold(): boolean
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  scan(from: Uint8Array, to: Uint8Array | undefined): AsyncIterable<Entry>
  /** Deletes cold entries of a range, in steps. */
  drop(from: Uint8Array, to: Uint8Array): Promise<void>
  /** A delta of the shard is durable. */
  addDelta(part: DeltaPart): void
  /** The chain is long enough for a new snapshot, and none is waiting to be published. */
  isSnapshotDue(): boolean
  /** Copies the shard while the operator goes on changing it; see `ShardSnapshot`. */
  takeSnapshot(sequence: number): Promise<void>
  /** A finished snapshot that may stand in the manifest of `epoch`; given out once. */
  readySnapshot(epoch: Epoch): ShardSnapshot | undefined
  close(): Promise<void>
}

/** Keys that are dropped, and bytes that are checked, between two turns of the event loop. */
const stepKeys = 4096
const checkBytes = 1 << 20

/** A shard as the restored manifest has it; nothing is read before `attach`. */
export function shardState(
  context: ShardContext,
  place: { readonly operator: string; readonly shard: number; readonly localPath: string },
  restored: ShardVersion | undefined,
): ShardState {
  const { files, root, clock } = context
  const { operator, shard, localPath } = place
  let table: HotTable | undefined
  let cold: StateStore | undefined
  let opening: Promise<StateStore> | undefined
  let chain = (restored?.deltas ?? []).map(({ epoch, length }) => ({ epoch, length }))
  let snapshotBytes = hotBytesOf(restored?.snapshot)
  let ready: ShardSnapshot | undefined
  let mayHaveCold = false
  let last: Promise<unknown> = Promise.resolve()

  /** Loads and spills of a shard must not meet: a deletion would overtake the entry it deletes. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  const openCold = async (): Promise<StateStore> => {
    if (cold !== undefined) return cold
    opening ??= files
      .makeFolder(folderOf(localPath))
      .then(() => context.storeFactory.open(localPath))
    const store = await opening
    cold = store
    return store
  }

  const load = async (into: HotTable, part: FilePart): Promise<void> => {
    const block = await readPart(files, root, part)
    for (const piece of splitBlock(block, context.stepBytes)) {
      await exclusively(async () => {
        // The table may drop a deleted key at once; the store must not bring it back.
        if (cold !== undefined) await cold.writeMany(deletionsOf(piece))
        into.load(piece)
      })
      await context.shrink()
      await clock.yield()
    }
  }

  const restoreCold = async (from: NonNullable<ShardSnapshot['cold']>): Promise<void> => {
    const { storeFactory } = context
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
    await openCold()
    mayHaveCold = true
  }

  const dump = async (from: HotTable, path: string): Promise<FilePart[] | undefined> => {
    const parts: FilePart[] = []
    let file: AppendFile | undefined
    try {
      let offset = 0
      let cursor: number | undefined = 0
      while (cursor !== undefined) {
        const step = from.dump(cursor, context.stepBytes)
        cursor = step.cursor
        const { length } = step.block
        if (length > 0) {
          parts.push({ path, offset, length, crc: crc32c(step.block) })
          file ??= await files.append(joinPath(root, path))
          await file.append(step.block)
          offset += length
        }
        await context.shrink()
        await clock.yield()
        if (context.isClosed()) return undefined
      }
      await file?.sync()
    } finally {
      await file?.close()
    }
    if (file !== undefined) await files.syncFolder(joinPath(root, snapshotFolder))
    return parts
  }

  const snapshotCold = async (folder: string): Promise<ShardSnapshot['cold']> => {
    if (cold === undefined) return undefined
    const path = joinPath(root, folder)
    await files.makeFolder(path)
    const { files: copied } = await cold.snapshot(path)
    return { folder, kind: context.storeFactory.kind, files: copied }
  }

  return {
    operator,
    shard,

    async attach(given) {
      if (table !== undefined) {
        throw new StreamError('INTERNAL', { what: `shard ${shard} of ${operator} has a table` })
      }
      table = given
      if (restored === undefined) return
      checkDeltaOrder(root, restored.deltas)
      const { snapshot, deltas } = restored
      if (snapshot?.cold !== undefined) await restoreCold(snapshot.cold)
      for (const part of snapshot?.hot ?? []) await load(given, part)
      for (const part of deltas) await load(given, part)
    },

    hotBytes: () => table?.byteLength() ?? 0,

    spill: (maxBytes) =>
      exclusively(async () => {
        // Before the table gives anything out: from now on it keeps note of keys that are deleted.
        mayHaveCold = true
        const block = table?.cold(maxBytes)
        if (table === undefined || block === undefined || block.length === 0) return 0
        const store = await openCold()
        await store.writeMany(unpackEntries(block))
        // In the store first: a reader that no longer finds an entry in the table must find it there.
        table.forget(block)
        return block.length
      }),

    hasCold: () => mayHaveCold,

    async getMany(keys) {
      return cold === undefined ? keys.map(() => undefined) : cold.getMany(keys)
    },

    async *scan(from, to) {
      if (cold !== undefined) yield* cold.scan(from, to)
    },

    async drop(from, to) {
      if (cold === undefined) return
      let dead: Change[] = []
      for await (const [key] of cold.scan(from, to)) {
        dead.push([key, undefined])
        if (dead.length < stepKeys) continue
        if (context.isClosed()) return
        await cold.writeMany(dead)
        await clock.yield()
        dead = []
      }
      await cold.writeMany(dead)
    },

    addDelta({ epoch, length }) {
      chain.push({ epoch, length })
    },

    isSnapshotDue() {
      if (table === undefined || ready !== undefined) return false
      const bytes = chain.reduce((sum, { length }) => sum + length, 0)
      if (bytes > Math.max(context.snapshotMinBytes, snapshotBytes)) return true
      // Many small deltas make restores and manifests long, but copying a large shard for them is no
      // gain before they add up to something.
      const { length } = chain
      const { snapshotMaxChain } = context
      return (
        length > 4 * snapshotMaxChain || (length > snapshotMaxChain && bytes * 16 > snapshotBytes)
      )
    },

    async takeSnapshot(sequence) {
      if (table === undefined) return
      const base = snapshotPath({ operator, shard, sequence }, context.owner)
      const fromEpoch = toEpoch(context.lastFrozen() + 1)
      const hot = await dump(table, `${base}.hot`)
      if (hot === undefined) return
      // After the walk: what moved to the store in the meantime must be on one of the two sides.
      const copied = await snapshotCold(`${base}.cold`)
      const validFrom = toEpoch(context.lastFrozen() + context.epochsInFlight)
      ready = { fromEpoch, validFrom, hot, cold: copied }
    },

    readySnapshot(epoch) {
      if (ready === undefined || epoch < ready.validFrom) return undefined
      const given = ready
      ready = undefined
      chain = chain.filter((delta) => delta.epoch >= given.fromEpoch)
      snapshotBytes = hotBytesOf(given)
      return given
    },

    async close() {
      await opening
      await cold?.close()
    },
  }
}

/** The cold part is linked, not copied, so it does not count when a snapshot is weighed against deltas. */
function hotBytesOf(snapshot: ShardSnapshot | undefined): number {
  return snapshot?.hot.reduce((sum, { length }) => sum + length, 0) ?? 0
}

function deletionsOf(block: EntryBlock): readonly Change[] {
  return unpackEntries(block).filter(([, value]) => value === undefined)
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
