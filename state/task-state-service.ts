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
/** Above this share an epoch counts as durable only when the tables are within the budget again. */
const holdBackAt = 1.1
const spillBytes = 4 << 20
/** Encoding goes on for this many bytes before others may run. */
const encodeBytes = 1 << 20

/**
 * Opens the state of one task of one attempt. Local stores of earlier attempts are deleted: a shard
 * is always built from its snapshot and deltas (see `docs/decisions/0002-fuzzy-snapshots.md`).
 */
export async function openTaskState(options: TaskStateOptions): Promise<TaskState> {
  const { files, root } = options
  for (const folder of [deltaFolder, snapshotFolder]) await files.makeFolder(joinPath(root, folder))
  const localPath = await emptyLocalFolder(options)
  const operators = new Map<string, OperatorState>()
  const shards = new Map<string, ShardState>()
  const background = backgroundWork()
  let lastFrozen = initialEpoch
  let persisting: Promise<unknown> = Promise.resolve()
  let sequence = 0
  const { usedBytes, shrink } = shrinker(options, () => [...shards.values()])
  const context = shardContext(options, {
    shrink,
    lastFrozen: () => lastFrozen,
    isClosed: background.isClosed,
  })

  const takeSnapshots = async (): Promise<void> => {
    await context.shrink()
    for (const shard of shards.values()) {
      const isDue = !background.isClosed() && shard.isAttached() && shard.chain.isDue()
      if (isDue) await shard.takeSnapshot(sequence++)
    }
  }

  return {
    operator(name) {
      const known = operators.get(name)
      if (known !== undefined) return known
      const own = options.shards.map((shard) => {
        const local = joinPath(localPath, `${safeName(name)}-${shard}`)
        const restored = options.restore?.[name]?.[String(shard)]
        return shardState(context, { operator: name, shard, localPath: local }, restored)
      })
      for (const state of own) shards.set(`${name}/${state.shard}`, state)
      const made = operatorState(options, name, own, background.later)
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
      const result = persisting.then(async () => {
        background.checkFailure()
        const handle = await persistShards(context, shards, epoch, frozen)
        // Few epochs may be under way: the input waits here when it comes faster than entries can leave.
        if (usedBytes() > options.cacheBudgetBytes * holdBackAt) await shrink()
        return handle
      })
      persisting = result.catch(() => undefined)
      return result
    },

    published() {
      background.later(takeSnapshots)
    },

    settled: background.settled,

    async close() {
      await background.close()
      await persisting
      for (const shard of shards.values()) await shard.cold.close()
      await files.removeFolder(localPath)
    },
  }
}

function shardContext(
  options: TaskStateOptions,
  live: Pick<ShardContext, 'shrink' | 'lastFrozen' | 'isClosed'>,
): ShardContext {
  return {
    ...live,
    files: options.files,
    root: options.root,
    clock: options.clock,
    owner: { token: options.token, task: options.task },
    storeFactory: options.storeFactory,
    epochsInFlight: options.epochsInFlight ?? 2,
    stepBytes: options.stepBytes ?? 1 << 20,
    snapshotMinBytes: options.snapshotMinBytes ?? 1 << 20,
    snapshotMaxChain: options.snapshotMaxChain ?? 60,
  }
}

interface BackgroundWork {
  /** Runs after what was given before; after a failure or the close nothing more is begun. */
  later(work: () => Promise<void>): void
  /** Throws what the first failed work threw. */
  checkFailure(): void
  settled(): Promise<void>
  isClosed(): boolean
  close(): Promise<void>
}

function backgroundWork(): BackgroundWork {
  let isClosed = false
  let failure: { readonly cause: unknown } | undefined
  let last: Promise<void> = Promise.resolve()
  const checkFailure = (): void => {
    if (failure !== undefined) throw failure.cause
  }
  return {
    later(work) {
      last = last.then(async () => {
        if (isClosed || failure !== undefined) return
        try {
          await work()
        } catch (cause) {
          failure = { cause }
        }
      })
    },
    checkFailure,
    async settled() {
      await last
      checkFailure()
    },
    isClosed: () => isClosed,
    async close() {
      isClosed = true
      await last
    },
  }
}

function operatorState(
  { shards, shardCount, task }: TaskStateOptions,
  operator: string,
  states: readonly ShardState[],
  later: BackgroundWork['later'],
): OperatorState {
  const byShard = new Map(states.map((state) => [state.shard, state]))
  const of = (shard: number): ShardState => {
    const found = byShard.get(shard)
    if (found !== undefined) return found
    const what = `shard ${shard} of ${operator} does not belong to task ${task}`
    throw new StreamError('INTERNAL', { what })
  }
  return {
    operator,
    shards,
    shardCount,
    attach: (shard, table) => of(shard).attach(table),
    hasCold: (shard) => of(shard).hasCold(),
    restored: (shard) => of(shard).restored,
    getMany: (shard, keys) => of(shard).cold.getMany(keys),
    scan: (shard, from, to) => of(shard).cold.scan(from, to),
    dropRange(shard, from, to) {
      const { cold } = of(shard)
      if (cold.exists()) later(() => cold.drop(from, to))
    },
  }
}

async function persistShards(
  { files, root, owner, clock }: ShardContext,
  shards: ReadonlyMap<string, ShardState>,
  epoch: Epoch,
  frozen: readonly FrozenState[],
): Promise<TaskStateHandle> {
  const foreign = frozen.find(({ operator, shard }) => !shards.has(`${operator}/${shard}`))
  if (foreign !== undefined) {
    const what = `shard ${foreign.shard} of ${foreign.operator} is not one of task ${owner.task}`
    throw new StreamError('INTERNAL', { what })
  }
  const blocks = await encodeAll(frozen, clock)
  const deltas = await writeDelta(files, root, { owner, epoch, blocks })
  for (const { operator, shard, part } of deltas) {
    shards.get(`${operator}/${shard}`)?.chain.add(part)
  }
  const snapshots = [...shards.values()].flatMap(({ operator, shard, chain }) => {
    const snapshot = chain.take(epoch)
    return snapshot === undefined ? [] : [{ operator, shard, snapshot }]
  })
  const rows = frozen.flatMap(({ operator, shard, rows: count }) =>
    count === undefined ? [] : [{ operator, shard, rows: count }],
  )
  return { deltas, snapshots, rows }
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
): { readonly usedBytes: () => number; readonly shrink: () => Promise<void> } {
  const usedBytes = (): number => shards().reduce((sum, shard) => sum + shard.hotBytes(), 0)
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    const target = options.cacheBudgetBytes * shrinkTo
    const largestFirst = shards().toSorted((left, right) => right.hotBytes() - left.hotBytes())
    for (const shard of largestFirst) {
      for (let excess = usedBytes() - target; excess > 0; ) {
        const moved = await shard.spill(Math.min(excess, spillBytes))
        const left = usedBytes() - target
        // Everything else in this table is in use, or its operator waits for a lookup and keeps all.
        if (moved === 0 || left >= excess) break
        excess = left
        await options.clock.yield()
      }
    }
  }
  const shrink = async (): Promise<void> => {
    if (usedBytes() <= options.cacheBudgetBytes) return
    running ??= run().finally(() => {
      running = undefined
    })
    await running
  }
  return { usedBytes, shrink }
}
