import type { Clock } from '../src/core/clock.ts'
import { crc32c } from '../src/core/crc32c.ts'
import { StreamError } from '../src/core/error.ts'
import { type AppendFile, type FileSystem, joinPath } from '../src/core/file-system.ts'
import { type Epoch, epoch as toEpoch } from '../src/core/units.ts'
import { type FileOwner, snapshotFolder, snapshotPath } from './checkpoint-paths.ts'
import { type ColdPart, coldPart } from './cold-part.ts'
import { checkDeltaOrder, readPart } from './delta.ts'
import { splitBlock, unpackEntries } from './entry-block.ts'
import type { EntryBlock } from './frozen.ts'
import type { FilePart, ShardVersion } from './manifest.ts'
import type { HotTable, RestoredShard } from './operator-state.ts'
import { type SnapshotChain, type SnapshotLimits, snapshotChain } from './snapshot-chain.ts'
import type { Change, StateStoreFactory } from './store.ts'

/** What a shard shares with the other shards of its task. */
export interface ShardContext extends SnapshotLimits {
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
}

/** One shard of one operator: the operator's table, the store behind it, and its chain of files. */
export interface ShardState {
  readonly operator: string
  readonly shard: number
  readonly cold: ColdPart
  readonly chain: SnapshotChain
  readonly restored: RestoredShard | undefined
  attach(table: HotTable): Promise<void>
  isAttached(): boolean
  hotBytes(): number
  /** Moves up to `maxBytes` of cold entries from the table to the store; how many bytes it moved. */
  spill(maxBytes: number): Promise<number>
  /** True from before the first entry leaves the table. */
  hasCold(): boolean
  /** Copies the shard while the operator goes on changing it; see `ShardSnapshot`. */
  takeSnapshot(sequence: number): Promise<void>
}

/** A shard as the restored manifest has it; nothing is read before `attach`. */
export function shardState(
  context: ShardContext,
  place: { readonly operator: string; readonly shard: number; readonly localPath: string },
  restored: ShardVersion | undefined,
): ShardState {
  const { operator, shard, localPath } = place
  const { stepBytes } = context
  const cold = coldPart({ ...context, localPath })
  const chain = snapshotChain(context, restored)
  let table: HotTable | undefined
  let mayHaveCold = false
  let last: Promise<unknown> = Promise.resolve()

  /** Loads and spills of a shard must not meet: a deletion would overtake the entry it deletes. */
  const exclusively: Exclusively = (work) => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  return {
    operator,
    shard,
    cold,
    chain,
    restored: restored === undefined ? undefined : factsOf(restored),

    async attach(given) {
      if (table !== undefined) {
        throw new StreamError('INTERNAL', { what: `shard ${shard} of ${operator} has a table` })
      }
      table = given
      if (restored === undefined) return
      checkDeltaOrder(context.root, restored.deltas)
      const { snapshot, deltas } = restored
      if (snapshot?.cold !== undefined) {
        await cold.restore(snapshot.cold)
        mayHaveCold = true
      }
      for (const part of [...(snapshot?.hot ?? []), ...deltas]) {
        await load(context, part, { into: given, cold, exclusively })
      }
    },

    isAttached: () => table !== undefined,
    hotBytes: () => table?.byteLength() ?? 0,

    spill: (maxBytes) =>
      exclusively(async () => {
        const block = table?.cold(maxBytes)
        if (table === undefined || block === undefined || block.length === 0) return 0
        // Before anything is awaited: from now on the table keeps note of keys that are deleted.
        mayHaveCold = true
        // In the store first: a reader that no longer finds an entry in the table must find it there.
        for (const piece of splitBlock(block, stepBytes)) await cold.write(unpackEntries(piece))
        table.forget(block)
        return block.length
      }),

    hasCold: () => mayHaveCold,

    async takeSnapshot(sequence) {
      if (table === undefined) return
      const base = snapshotPath({ operator, shard, sequence }, context.owner)
      const fromEpoch = toEpoch(context.lastFrozen() + 1)
      const hot = await dump(context, table, `${base}.hot`)
      if (hot === undefined) return
      // After the walk: what moved to the store in the meantime must be on one of the two sides.
      const copied = await cold.snapshot(`${base}.cold`)
      const validFrom = toEpoch(context.lastFrozen() + context.epochsInFlight)
      chain.offer({ fromEpoch, validFrom, hot, cold: copied })
    },
  }
}

function factsOf({ rows, snapshot }: ShardVersion): RestoredShard {
  const files = snapshot?.cold?.files ?? []
  const storedBytes = files.reduce((sum, { byteLength }) => sum + byteLength, 0)
  return rows === undefined ? { storedBytes } : { rows, storedBytes }
}

type Exclusively = <T>(work: () => Promise<T>) => Promise<T>

/** Loads a part of a file into the table, in steps, within the budget. */
async function load(
  { files, root, clock, stepBytes, shrink }: ShardContext,
  part: FilePart,
  to: { readonly into: HotTable; readonly cold: ColdPart; readonly exclusively: Exclusively },
): Promise<void> {
  const block = await readPart(files, root, part)
  for (const piece of splitBlock(block, stepBytes)) {
    await to.exclusively(async () => {
      // The table may drop a deleted key at once; the store must not bring it back.
      if (to.cold.exists()) await to.cold.write(deletionsOf(piece))
      to.into.load(piece)
    })
    await shrink()
    await clock.yield()
  }
}

function deletionsOf(block: EntryBlock): readonly Change[] {
  return unpackEntries(block).filter(([, value]) => value === undefined)
}

/** Walks the whole table into a file, durable when it resolves; `undefined` if the task closed meanwhile. */
async function dump(
  { files, root, clock, stepBytes, shrink, isClosed }: ShardContext,
  from: HotTable,
  path: string,
): Promise<readonly FilePart[] | undefined> {
  const parts: FilePart[] = []
  let file: AppendFile | undefined
  try {
    let offset = 0
    let cursor: number | undefined = 0
    while (cursor !== undefined) {
      const step = from.dump(cursor, stepBytes)
      cursor = step.cursor
      const { length } = step.block
      if (length > 0) {
        parts.push({ path, offset, length, crc: crc32c(step.block) })
        file ??= await files.append(joinPath(root, path))
        await file.append(step.block)
        offset += length
      }
      await shrink()
      await clock.yield()
      if (isClosed()) return undefined
    }
    await file?.sync()
  } finally {
    await file?.close()
  }
  if (file !== undefined) await files.syncFolder(joinPath(root, snapshotFolder))
  return parts
}
