import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { longType, type Schema, stringType, timestampType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Output } from '../../src/flow/operator.ts'
import type { JoinSpec } from '../../src/operators/join/spec.ts'
import { streamJoinOperator } from '../../src/operators/join/stream-join.ts'
import { volatileState } from '../../src/runtime/volatile-state.ts'
import type { Manifest } from '../../state/manifest.ts'
import { foldState } from '../../state/manifest-state.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { openTaskState } from '../../state/task-state-service.ts'
import { handClock } from '../state/hand-clock.ts'

const second = 1_000_000
const schema: Schema = [
  { name: 'key', type: longType, nullable: true },
  { name: 'time', type: timestampType, nullable: true },
  { name: 'name', type: stringType, nullable: true },
]
const shards = [0, 1, 2, 3]
const shardOf = (hash: number): number => hash & 3

interface JoinRow {
  readonly side: 0 | 1
  readonly key: bigint | null
  readonly seconds: number | null
  readonly name: string
}

const joinRow: fc.Arbitrary<JoinRow> = fc.record({
  side: fc.constantFrom<0 | 1>(0, 1),
  key: fc.option(
    // A key beyond 2^53 makes the tables hold their keys as bytes.
    fc.oneof(
      { weight: 12, arbitrary: fc.bigInt({ min: 0n, max: 5n }) },
      { weight: 1, arbitrary: fc.constant(2n ** 60n + 1n) },
    ),
    { freq: 9 },
  ),
  seconds: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 12 }),
  name: fc.string({ maxLength: 6 }),
})

interface Plan {
  readonly epochs: readonly (readonly JoinRow[])[]
  readonly type: JoinSpec['type']
  /** Seconds from a row's time to the watermark that ends its wait; −1 = it waits for ever. */
  readonly waits: readonly [number, number]
  readonly steps: readonly number[]
  readonly conditional: boolean
}

const plan: fc.Arbitrary<Plan> = fc.record({
  epochs: fc.array(fc.array(joinRow, { maxLength: 14 }), { minLength: 1, maxLength: 8 }),
  type: fc.constantFrom<JoinSpec['type']>(
    'inner',
    'leftOuter',
    'rightOuter',
    'fullOuter',
    'leftSemi',
    'leftAnti',
  ),
  waits: fc.tuple(fc.integer({ min: -1, max: 9 }), fc.integer({ min: -1, max: 9 })),
  steps: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 8 }),
  conditional: fc.boolean(),
})

function specOf({ type, waits, conditional }: Plan): JoinSpec {
  const nulled = schema.map((field) => ({ ...field, nullable: true }))
  const name = (index: number) => ({
    kind: 'column' as const,
    index,
    name: 'name',
    type: stringType,
    nullable: true,
  })
  const side = (wait: number) => ({
    keys: [0],
    time: 1,
    ...(wait < 0 ? {} : { due: { column: 1, offsetMicros: wait * second } }),
  })
  return {
    operator: 'join-0',
    type,
    keyTypes: [longType],
    nullSafe: [false],
    pairs: {
      left: schema,
      right: schema,
      output: type === 'leftSemi' || type === 'leftAnti' ? nulled : [...nulled, ...nulled],
      ...(conditional
        ? {
            condition: {
              kind: 'call' as const,
              name: '<=',
              args: [name(2), name(5)],
              type: { kind: 'boolean' as const },
              nullable: true,
            },
          }
        : {}),
    },
    left: side(waits[0]),
    right: side(waits[1]),
    watermarkShift: 0,
    outputShift: 0,
  }
}

/** Each epoch's watermarks: late is what the one before evicted. */
function headersOf({ epochs, steps }: Plan): readonly EpochHeader[] {
  let late = 0
  return epochs.map((_, epoch) => {
    const evict = late + (steps[epoch] ?? 0) * second
    const header = {
      epoch: epoch as Epoch,
      lateWatermark: late as Micros,
      evictWatermark: evict as Micros,
      processingTime: 0 as Micros,
      idle: [],
      ranges: {},
      ...(epoch === epochs.length - 1 ? { flush: true } : {}),
    }
    late = evict
    return header
  })
}

function batchesOf(rows: readonly JoinRow[], size: number): readonly [0 | 1, Batch][] {
  const cells = (row: JoinRow): Value[] => [
    row.key,
    row.seconds === null ? null : row.seconds * second,
    row.name,
  ]
  const batches: [0 | 1, Batch][] = []
  for (let from = 0; from < rows.length; from += size) {
    const part = rows.slice(from, from + size)
    for (const side of [0, 1] as const) {
      const own = part.filter((row) => row.side === side)
      if (own.length > 0) batches.push([side, batchOf(schema, own.map(cells))])
    }
  }
  return batches
}

const printed = (row: readonly Value[]): string => row.map(String).join('|')

function collector(): { readonly output: Output; readonly rows: () => readonly string[] } {
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

/** All in memory, all left rows before all right ones. */
async function plainly(given: Plan): Promise<readonly (readonly string[])[]> {
  const state = volatileState('join-0', shards.length)
  const context = { state, shardOf, restoredWatermark: Number.MIN_SAFE_INTEGER }
  const operator = await streamJoinOperator(specOf(given), context)
  const results: (readonly string[])[] = []
  for (const header of headersOf(given)) {
    const { output, rows } = collector()
    operator.open(header)
    const all = batchesOf(given.epochs[header.epoch] ?? [], 1000)
    for (const [side, batch] of all) await operator.process(side, batch, output)
    await operator.closeEpoch(header, output)
    operator.freeze()
    results.push(rows())
  }
  return results
}

interface Circumstances {
  readonly budget: number
  readonly batchSize: number
  readonly rotate: number
  /** Restarts after these epochs. */
  readonly restarts: readonly boolean[]
}

/** With state that does not fit in memory, rows mixed in another way, and restarts. */
async function underPressure(
  given: Plan,
  { budget, batchSize, rotate, restarts }: Circumstances,
): Promise<{ readonly results: readonly (readonly string[])[]; readonly cold: boolean }> {
  const files = virtualFileSystem()
  let published: Manifest['state'] | undefined
  let token = 1
  let cold = false
  const begin = async (watermark: number) => {
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
    const state = service.operator('join-0')
    const context = { state, shardOf, restoredWatermark: watermark }
    return { service, state, operator: await streamJoinOperator(specOf(given), context) }
  }
  let life = await begin(Number.MIN_SAFE_INTEGER)
  const results: (readonly string[])[] = []
  for (const header of headersOf(given)) {
    const { output, rows } = collector()
    const all = given.epochs[header.epoch] ?? []
    const at = all.length === 0 ? 0 : rotate % all.length
    life.operator.open(header)
    for (const [side, batch] of batchesOf([...all.slice(at), ...all.slice(0, at)], batchSize)) {
      await life.operator.process(side, batch, output)
    }
    await life.operator.closeEpoch(header, output)
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
  return { results, cold }
}

test('a join gives the same with rows out of memory, in any order within an epoch, over restarts', async () => {
  const circumstances: fc.Arbitrary<Circumstances> = fc.record({
    budget: fc.constantFrom(1, 1000, 1_000_000),
    batchSize: fc.integer({ min: 1, max: 6 }),
    rotate: fc.nat(20),
    restarts: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  })
  let cold = 0
  await fc.assert(
    fc.asyncProperty(plan, circumstances, async (given, how) => {
      const pressed = await underPressure(given, how)
      expect(pressed.results).toEqual(await plainly(given))
      cold += pressed.cold ? 1 : 0
    }),
    { numRuns: 300 },
  )
  expect(cold).toBeGreaterThan(50)
}, 60_000)
