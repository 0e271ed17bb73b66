import fc from 'fast-check'
import { expect } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { EpochReport, Operator, Output } from '../../src/flow/operator.ts'
import type { StateContext } from '../../src/operators/context.ts'
import type { Manifest } from '../../state/manifest.ts'
import { foldState } from '../../state/manifest-state.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { openTaskState } from '../../state/task-state-service.ts'
import { handClock } from '../state/hand-clock.ts'

/** The shards of the task that the operator runs in, unless it wants one. */
export const shards = [0, 1, 2, 3]
export const shardOf = (hash: number): number => hash & 3

/** An operator and what it is given. */
export interface PressedOperator {
  /** The name of its state. */
  readonly name: string
  readonly open: (
    context: StateContext,
    /** That of another state of it, by name. */
    contextOf: (name: string) => StateContext,
  ) => Promise<Operator>
  readonly headers: readonly EpochHeader[]
  /** The batches of an epoch, each with the input it comes in by. */
  readonly batchesOf: (epoch: number) => readonly (readonly [number, Batch])[]
  /** Bytes of state that are read or written between two turns. Default: an entry or two. */
  readonly stepBytes?: number
  /** One shard instead of four. */
  readonly isOneShard?: boolean
}

/** How tight things are. */
export interface Pressure {
  /** Bytes of state in memory. */
  readonly budget: number
  /** Restarts after these epochs. */
  readonly restarts: readonly boolean[]
  /** Waits after these epochs until nothing is under way; else files are written while the next ones run. */
  readonly settles: readonly boolean[]
  /** Microtasks that pass before work in the background goes on. */
  readonly slowness: number
}

/** For each epoch: often few, as what goes on over several epochs is cut short by them. */
const flags = fc.constantFrom(2, 8).chain((rarity) =>
  fc.array(
    fc.nat(rarity - 1).map((number) => number === rarity - 1),
    { minLength: 8, maxLength: 8 },
  ),
)

/** Of everything between all in memory and nothing in memory. */
export const pressure: fc.Arbitrary<Pressure> = fc.record({
  budget: fc.constantFrom(1, 1000, 1_000_000),
  restarts: flags,
  settles: flags,
  slowness: fc.constantFrom(1, 5, 20, 60),
})

/** All in memory, and nothing under way between two epochs. */
export const calm: Pressure = {
  budget: 1e9,
  restarts: [],
  settles: Array.from({ length: 8 }, () => true),
  slowness: 1,
}

export interface Pressed {
  /** The rows of each epoch as sorted text. */
  readonly results: readonly (readonly string[])[]
  /** True if state was out of memory after an epoch. */
  readonly cold: boolean
  /** What the operator said of each epoch. */
  readonly closed: readonly EpochReport[]
}

/** Runs it with state that does not fit in memory, and restarts: the rows of each epoch as sorted text. */
export async function underPressure(
  { name, open, headers, batchesOf, stepBytes = 64, isOneShard = false }: PressedOperator,
  { budget, restarts, settles, slowness }: Pressure,
): Promise<Pressed> {
  const mine = isOneShard ? [0] : shards
  const files = virtualFileSystem()
  let published: Manifest['state'] | undefined
  let token = 1
  let cold = false
  const begin = async (restoredWatermark: number) => {
    const service = await openTaskState({
      files,
      root: 'checkpoint',
      localDir: 'local',
      task: '1/0',
      token: token++,
      storeFactory: memoryStoreFactory(files),
      shards: mine,
      shardCount: mine.length,
      restore: published,
      cacheBudgetBytes: budget,
      clock: { ...handClock(), yield: () => turns(slowness) },
      stepBytes,
      snapshotMinBytes: 200,
      snapshotMaxChain: 2,
    })
    const contextOf = (of: string): StateContext => ({
      state: service.operator(of),
      shardOf: isOneShard ? () => 0 : shardOf,
      restoredWatermark,
    })
    const context = contextOf(name)
    return { service, state: context.state, operator: await open(context, contextOf) }
  }
  let life = await begin(Number.MIN_SAFE_INTEGER)
  const persist = async (epoch: EpochHeader['epoch']): Promise<void> => {
    const { service, operator } = life
    const handle = await service.persist(epoch, operator.freeze() ?? [])
    published = foldState(published ?? {}, [handle])
    service.published(epoch, `snapshot-${epoch}`)
  }
  const results: (readonly string[])[] = []
  const closed: EpochReport[] = []
  /** Of the epochs that may not be durable yet, oldest first. */
  let underWay: Promise<void>[] = []
  for (const header of headers) {
    const { output, rows } = collector()
    // An epoch begins when the one before the last is durable.
    while (underWay.length > 1) await underWay.shift()
    life.operator.open(header)
    for (const [input, batch] of batchesOf(header.epoch)) {
      await life.operator.process(input, batch, output)
    }
    closed.push(await life.operator.closeEpoch(header, output))
    underWay.push(persist(header.epoch))
    results.push(rows())
    const restartsNow = restarts[header.epoch] === true
    const settlesNow = settles[header.epoch] === true
    if (restartsNow || settlesNow) {
      await Promise.all(underWay)
      underWay = []
    }
    if (settlesNow) await life.service.settled()
    cold ||= mine.some((shard) => life.state.hasCold(shard))
    if (!restartsNow) continue
    await life.service.close()
    life = await begin(header.evictWatermark)
  }
  await Promise.all(underWay)
  await life.service.close()
  return { results, cold, closed }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

/** Holds the operator to what it gives with everything in memory, and says whether anything left it. */
export async function holdsUnderPressure(
  operator: PressedOperator,
  how: Pressure,
): Promise<boolean> {
  const found = await underPressure(operator, how)
  expect(found.results).toEqual((await underPressure(operator, calm)).results)
  return found.cold
}

/** Gathers what is put out, as sorted text. */
export function collector(): { readonly output: Output; readonly rows: () => readonly string[] } {
  const batches: Batch[] = []
  const emit = (batch: Batch): undefined => {
    batches.push(batch)
    return undefined
  }
  return {
    output: { emit, emitSide: () => undefined },
    rows: () => batches.flatMap(rowsOf).map(printed).sort(),
  }
}

/** One row as text. */
export const printed = (row: readonly Value[]): string => row.map(String).join('|')
