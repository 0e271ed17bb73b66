import { expect, test } from 'vitest'
import { spillingState } from '../../properties/spilling-state.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { hashKeys } from '../../src/batch/key-hash.ts'
import { longType, type Schema, timestampType, windowType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Operator } from '../../src/flow/operator.ts'
import type { StateContext } from '../../src/operators/context.ts'
import { type DeduplicateSpec, deduplicateOperator } from '../../src/operators/deduplicate.ts'
import { sessionOperator } from '../../src/operators/session/session-aggregate.ts'
import { SessionTable } from '../../src/operators/session/session-table.ts'
import type { Manifest } from '../../state/manifest.ts'
import { foldState } from '../../state/manifest-state.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { openTaskState } from '../../state/task-state-service.ts'
import { handClock } from '../state/hand-clock.ts'
import { collector } from './pressed-operator.ts'
import { steppedHeaders } from './stepped-headers.ts'

const second = 1_000_000
const schema: Schema = [
  { name: 'key', type: longType, nullable: false },
  { name: 'time', type: timestampType, nullable: false },
]
const spec: DeduplicateSpec = {
  operator: 'deduplicate-0',
  keys: [{ column: 0, name: 'key', type: longType }],
  timeColumn: 1,
  withinMicros: 0,
  watermarkShift: 0,
}

test('entries that are given out while what is due is loaded fall due when they have left', async () => {
  const { state, spill } = spillingState('deduplicate-0', 1)
  let spillsNow = false
  const operator = await deduplicateOperator(spec, {
    state: {
      ...state,
      async *scan(shard, from, to) {
        const found = []
        for await (const entry of state.scan(shard, from, to)) found.push(entry)
        // What is read is what was there before.
        if (spillsNow && to === undefined) spill(1 << 20)
        yield* found
      },
    },
    shardOf: () => 0,
    restoredWatermark: Number.MIN_SAFE_INTEGER,
  })
  const rows = [[[1n, 4]], [[2n, 30]], [], [], [], [], []]
  const due: (number | undefined)[] = []
  for (const header of steppedHeaders([0, 0, 1, 4, 0, 50], false)) {
    operator.open(header)
    const batch = batchOf(
      schema,
      (rows[header.epoch] ?? []).map(([key, time]) => [key ?? null, Number(time) * second]),
    )
    await operator.process(0, batch, collector().output)
    if (header.epoch === 2) spill(1 << 20)
    spillsNow = header.epoch === 3
    const { nextWatermark, progress } = await operator.closeEpoch(header, collector().output)
    due.push(nextWatermark)
    for (const frozen of operator.freeze() ?? []) frozen.encode()
    if (header.epoch === 5) expect(progress?.['deduplicate-0']?.rowsTotal).toBe(0)
  }
  const at = (seconds: number): number => seconds * second
  expect(due).toEqual([at(4), at(4), at(4), at(30), at(30), undefined])
})

const counts: AggregateCall = { name: 'count', args: [], type: longType, nullable: false }
const sessions: Schema = [
  { name: 'key', type: longType, nullable: false },
  { name: 'session', type: windowType, nullable: false },
]

test.each<{
  readonly what: string
  readonly open: (context: StateContext) => Promise<Operator>
  readonly rows: Batch
}>([
  {
    what: 'keys that were seen',
    open: (context) => deduplicateOperator(spec, context),
    rows: batchOf(schema, keysUpTo(5000, [9_000_000])),
  },
  {
    what: 'sessions',
    open: (context) =>
      sessionOperator(
        {
          operator: spec.operator,
          mode: 'append',
          keys: spec.keys,
          aggregates: [{ call: counts, args: [], filter: undefined }],
          sessionColumn: 1,
          position: 1,
          watermarked: true,
          watermarkShift: 0,
          output: [...sessions, { name: 'count', type: longType, nullable: false }],
        },
        context,
      ),
    rows: batchOf(sessions, keysUpTo(5000, [[8_000_000, 9_000_000]])),
  },
])('a restore of $what stays within the memory for state and loses none', async (given) => {
  const files = virtualFileSystem()
  const open = async (token: number, cacheBudgetBytes: number, restore?: Manifest['state']) => {
    const service = await openTaskState({
      files,
      root: 'checkpoint',
      localDir: 'local',
      task: '1/0',
      token,
      storeFactory: memoryStoreFactory(files),
      shards: [0],
      shardCount: 1,
      restore,
      cacheBudgetBytes,
      clock: handClock(),
      stepBytes: 1000,
    })
    const state = service.operator(spec.operator)
    const restoredWatermark = Number.MIN_SAFE_INTEGER
    const operator = await given.open({ state, shardOf: () => 0, restoredWatermark })
    return { service, state, operator }
  }
  const reportOf = async (operator: Operator, header: EpochHeader) => {
    const { progress } = await operator.closeEpoch(header, collector().output)
    return Object.values(progress ?? {})[0]
  }
  const [first, second, third] = steppedHeaders([0, 0, 0], false)
  if (first === undefined || second === undefined || third === undefined) return expect.fail()
  const life = await open(1, 1e9)
  life.operator.open(first)
  await life.operator.process(0, given.rows, collector().output)
  expect((await reportOf(life.operator, first))?.rowsTotal).toBe(5000)
  const handle = await life.service.persist(first.epoch, life.operator.freeze() ?? [])
  await life.service.close()

  const budget = 60_000
  const next = await open(2, budget, foldState({}, [handle]))
  next.operator.open(second)
  const report = await reportOf(next.operator, second)
  expect(report?.memoryUsedBytes).toBeLessThan(budget)
  expect(report?.rowsTotal).toBe(5000)
  expect(report?.storedBytes).toBeGreaterThan(budget)
  next.operator.open(third)
  await next.operator.process(0, given.rows, collector().output)
  expect((await reportOf(next.operator, third))?.rowsTotal).toBe(5000)
  await next.service.close()
})

test('sessions that leave memory give it back before the next epoch begins', () => {
  const table = new SessionTable([longType], [counts], true, {})
  table.openEpoch(0)
  const empty = table.byteLength()
  const { columns } = batchOf(sessions, keysUpTo(5000, [[0, 1]]))
  const [keys] = columns
  if (keys === undefined) return expect.fail()
  const rows = Int32Array.from({ length: 5000 }, (_, row) => row)
  const times = { starts: new Float64Array(5000), ends: new Float64Array(5000).fill(1) }
  const hashes = hashKeys([keys], [longType], rows, rows.length)
  table.add({ keyColumns: [keys], ...times, inputs: [{ args: [] }] }, hashes, rows)
  table.freeze()
  table.compact(new Uint8Array(table.count))
  expect(table.byteLength()).toBe(empty)
})

/** A row for each key, with the same values behind it. */
function keysUpTo(count: number, values: readonly Value[]): readonly (readonly Value[])[] {
  return Array.from({ length: count }, (_, key) => [BigInt(key), ...values])
}
