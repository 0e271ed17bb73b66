import fc from 'fast-check'
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

/** The shards of the task that the operator runs in. */
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
}

/** How tight things are. */
export interface Pressure {
  /** Bytes of state in memory. */
  readonly budget: number
  /** Restarts after these epochs. */
  readonly restarts: readonly boolean[]
}

/** Of everything between all in memory and nothing in memory. */
export const pressure: fc.Arbitrary<Pressure> = fc.record({
  budget: fc.constantFrom(1, 1000, 1_000_000),
  restarts: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
})

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
  { name, open, headers, batchesOf }: PressedOperator,
  { budget, restarts }: Pressure,
): Promise<Pressed> {
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
      shards,
      shardCount: shards.length,
      restore: published,
      cacheBudgetBytes: budget,
      clock: handClock(),
      stepBytes: 64,
      snapshotMinBytes: 200,
      snapshotMaxChain: 2,
    })
    const contextOf = (of: string): StateContext => ({
      state: service.operator(of),
      shardOf,
      restoredWatermark,
    })
    const context = contextOf(name)
    return { service, state: context.state, operator: await open(context, contextOf) }
  }
  let life = await begin(Number.MIN_SAFE_INTEGER)
  const results: (readonly string[])[] = []
  const closed: EpochReport[] = []
  for (const header of headers) {
    const { output, rows } = collector()
    life.operator.open(header)
    for (const [input, batch] of batchesOf(header.epoch)) {
      await life.operator.process(input, batch, output)
    }
    closed.push(await life.operator.closeEpoch(header, output))
    const handle = await life.service.persist(header.epoch, life.operator.freeze() ?? [])
    published = foldState(published ?? {}, [handle])
    life.service.published(header.epoch, `snapshot-${header.epoch}`)
    await life.service.settled()
    results.push(rows())
    cold ||= shards.some((shard) => life.state.hasCold(shard))
    if (restarts[header.epoch] !== true) continue
    await life.service.close()
    life = await begin(header.evictWatermark)
  }
  await life.service.close()
  return { results, cold, closed }
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
