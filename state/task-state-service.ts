import type { Clock } from '../src/core/clock.ts'
import { StreamError } from '../src/core/error.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import { type Epoch, initialEpoch } from '../src/core/units.ts'
import { deltaFolder, safeName, snapshotFolder, tokenOfName } from './checkpoint-paths.ts'
import { type DeltaBlock, writeDelta } from './delta.ts'
import type { FrozenState } from './frozen.ts'
import type { Manifest, TaskStateHandle } from './manifest.ts'
import type { OperatorState } from './operator-state.ts'
import { type ShardContext, type ShardState, shardState } from './shard-state.ts'
import type { StateStoreFactory } from './store.ts'
import type { TaskState } from './task-state.ts'

/** What the state service of a task needs to know. */
export interface TaskStateOptions {
  readonly files: FileSystem
  /** The checkpoint folder. */
  readonly root: string
  /** For stores that do not survive the attempt; best on the same device as the checkpoint. */
  readonly localDir: string
  readonly task: string
  /** The attempt; part of the name of everything written. */
  readonly token: number
  readonly storeFactory: StateStoreFactory
  /** Shards of this task, ascending; of `shardCount` in all. */
  readonly shards: readonly number[]
  readonly shardCount: number
  /** The state of the manifest that stands; absent on a first start. */
  readonly restore: Manifest['state'] | undefined
  /** What the tables of this task may use together; what is beyond goes to local stores. */
  readonly cacheBudgetBytes: number
  readonly clock: Clock
  /** Epochs that may have begun while the one before is not yet durable. Default 2. */
  readonly epochsInFlight?: number
  /** Bytes that are loaded or copied between two turns of the event loop. Default 1 MiB. */
  readonly stepBytes?: number
  /** Deltas of a shard must have this many bytes, and more than its last snapshot, for a new one. Default 1 MiB. */
  readonly snapshotMinBytes?: number
  /** Or the chain must have more deltas than this. Default 60. */
  readonly snapshotMaxChain?: number
}

/** Spilling goes on to this share of the budget, so that it does not start again at once. */
const shrinkTo = 0.9
const spillBytes = 4 << 20
/** Encoding goes on for this many bytes before others may run. */
const encodeBytes = 1 << 20

/**
 * Opens the state of one task of one attempt. Local stores of earlier attempts are deleted: a shard
 * is always built from its snapshot and deltas (see `docs/decisions/0002-fuzzy-snapshots.md`).
 */
export async function openTaskState(options: TaskStateOptions): Promise<TaskState> {
  const { files, root, clock } = options
  for (const folder of [deltaFolder, snapshotFolder]) await files.makeFolder(joinPath(root, folder))
  const localPath = await emptyLocalFolder(options)
  const operators = new Map<string, OperatorState>()
  const shards = new Map<string, ShardState>()
  let lastFrozen = initialEpoch
  let isClosed = false
  let failure: { readonly cause: unknown } | undefined
  let background: Promise<void> = Promise.resolve()
  let persisting: Promise<unknown> = Promise.resolve()
  let sequence = 0

  const shrink = shrinker(options, () => [...shards.values()])
  const context: ShardContext = {
    files,
    root,
    clock,
    owner: { token: options.token, task: options.task },
    storeFactory: options.storeFactory,
    shrink,
    lastFrozen: () => lastFrozen,
    epochsInFlight: options.epochsInFlight ?? 2,
    isClosed: () => isClosed,
    stepBytes: options.stepBytes ?? 1 << 20,
    snapshotMinBytes: options.snapshotMinBytes ?? 1 << 20,
    snapshotMaxChain: options.snapshotMaxChain ?? 60,
  }

  const shardOf = (operator: string, shard: number): ShardState => {
    const found = shards.get(`${operator}/${shard}`)
    if (found !== undefined) return found
    throw new StreamError('INTERNAL', {
      what: `shard ${shard} of ${operator} does not belong to task ${options.task}`,
    })
  }
  const checkFailure = (): void => {
    if (failure !== undefined) throw failure.cause
  }
  /** Background work is done one piece after the other; after a failure nothing more is tried. */
  const later = (work: () => Promise<void>): void => {
    background = background.then(async () => {
      if (isClosed || failure !== undefined) return
      try {
        await work()
      } catch (cause) {
        failure = { cause }
      }
    })
  }
  const takeSnapshots = async (): Promise<void> => {
    await shrink()
    for (const shard of shards.values()) {
      if (!isClosed && shard.isSnapshotDue()) await shard.takeSnapshot(sequence++)
    }
  }
  const persist = async (
    epoch: Epoch,
    frozen: readonly FrozenState[],
  ): Promise<TaskStateHandle> => {
    checkFailure()
    const blocks = await encodeAll(frozen, clock)
    const deltas = await writeDelta(files, root, { owner: context.owner, epoch, blocks })
    for (const { operator, shard, part } of deltas) shardOf(operator, shard).addDelta(part)
    const snapshots = [...shards.values()].flatMap((shard) => {
      const snapshot = shard.readySnapshot(epoch)
      return snapshot === undefined ? [] : [{ ...nameOf(shard), snapshot }]
    })
    return { deltas, snapshots }
  }

  return {
    operator(name) {
      const known = operators.get(name)
      if (known !== undefined) return known
      for (const shard of options.shards) {
        const place = {
          operator: name,
          shard,
          localPath: joinPath(localPath, `${safeName(name)}-${shard}`),
        }
        const restored = options.restore?.[name]?.[String(shard)]
        shards.set(`${name}/${shard}`, shardState(context, place, restored))
      }
      const made: OperatorState = {
        operator: name,
        shards: options.shards,
        shardCount: options.shardCount,
        attach: (shard, table) => shardOf(name, shard).attach(table),
        hasCold: (shard) => shardOf(name, shard).hasCold(),
        getMany: (shard, keys) => shardOf(name, shard).getMany(keys),
        scan: (shard, from, to) => shardOf(name, shard).scan(from, to),
        dropRange(shard, from, to) {
          const { hasCold, drop } = shardOf(name, shard)
          if (hasCold()) later(() => drop(from, to))
        },
      }
      operators.set(name, made)
      return made
    },

    persist(epoch, frozen) {
      if (epoch <= lastFrozen) {
        const what = `epoch ${epoch} was given to persist after epoch ${lastFrozen}`
        return Promise.reject(new StreamError('INTERNAL', { what }))
      }
      // Known from the call on, not from when its turn comes: a snapshot that begins now must replay
      // the next epoch first.
      lastFrozen = epoch
      const result = persisting.then(() => persist(epoch, frozen))
      persisting = result.catch(() => undefined)
      return result
    },

    published() {
      later(takeSnapshots)
    },

    async settled() {
      await background
      checkFailure()
    },

    async close() {
      isClosed = true
      await background
      await persisting
      for (const shard of shards.values()) await shard.close()
      await files.removeFolder(localPath)
    },
  }
}

function nameOf({ operator, shard }: ShardState): { operator: string; shard: number } {
  return { operator, shard }
}

/** The folder for local stores of this task in this attempt, after a clean-up of what older ones left. */
async function emptyLocalFolder(options: TaskStateOptions): Promise<string> {
  const { files, localDir, token, task } = options
  const own = `${token}-${safeName(task)}`
  await files.makeFolder(localDir)
  for (const { name } of await files.list(localDir)) {
    const writer = tokenOfName(name)
    const isOld = writer !== undefined && writer < token
    if (isOld || name === own) await files.removeFolder(joinPath(localDir, name))
  }
  return joinPath(localDir, own)
}

async function encodeAll(frozen: readonly FrozenState[], clock: Clock): Promise<DeltaBlock[]> {
  const blocks: DeltaBlock[] = []
  let sinceYield = 0
  for (const part of frozen) {
    if (part.changeCount === 0) continue
    const block = part.encode()
    blocks.push({ operator: part.operator, shard: part.shard, block })
    sinceYield += block.length
    if (sinceYield < encodeBytes) continue
    sinceYield = 0
    await clock.yield()
  }
  return blocks
}

/** Moves cold entries out of the largest tables until the budget holds; one run at a time. */
function shrinker(
  options: TaskStateOptions,
  shards: () => readonly ShardState[],
): () => Promise<void> {
  const used = (): number => shards().reduce((sum, shard) => sum + shard.hotBytes(), 0)
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    const target = options.cacheBudgetBytes * shrinkTo
    const largestFirst = shards().toSorted((left, right) => right.hotBytes() - left.hotBytes())
    for (const shard of largestFirst) {
      for (let excess = used() - target; excess > 0; ) {
        const moved = await shard.spill(Math.min(excess, spillBytes))
        const left = used() - target
        // Everything else in this table is in use, or its operator waits for a lookup and keeps all.
        if (moved === 0 || left >= excess) break
        excess = left
        await options.clock.yield()
      }
    }
  }
  return async () => {
    if (used() <= options.cacheBudgetBytes) return
    running ??= run().finally(() => {
      running = undefined
    })
    await running
  }
}
