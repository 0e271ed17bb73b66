import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOracle } from '../../properties/oracles/evaluate.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { hashValues } from '../../src/batch/key-hash.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { intType, type Schema, stringType, timestampType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { TimeMode } from '../../src/flow/stateful-processor.ts'
import type { StateContext } from '../../src/operators/context.ts'
import { processOperator } from '../../src/operators/process/process-operator.ts'
import { processSpec } from '../../src/physical/process-spec.ts'
import type { Process } from '../../src/plan/logical.ts'
import type { FrozenState } from '../../state/frozen.ts'
import { laneOfShard, shardsOfLane } from '../../state/key-group.ts'
import { calm, type PressedOperator, pressure, underPressure } from './pressed-operator.ts'
import { operation, scriptProcessor } from './script-processor.ts'
import { spillingState } from './spilling-state.ts'

const second = 1_000_000
const shardCount = 4
const input: Schema = [
  { name: 'k', type: stringType, nullable: true },
  { name: 't', type: timestampType, nullable: true },
  { name: 'op', type: stringType, nullable: true },
  { name: 'n', type: intType, nullable: true },
]
const output: Schema = [
  { name: 'k', type: stringType, nullable: true },
  { name: 'shown', type: stringType, nullable: false },
]

interface EpochInput {
  readonly rows: readonly (readonly Value[])[]
  /** How far the clock goes on before the epoch, milliseconds. */
  readonly passedMs: number
}

const row = fc
  .record({
    k: fc.option(fc.oneof(fc.constantFrom('a', 'b', 'é'), fc.constantFrom(...'cdefghijkl')), {
      freq: 8,
    }),
    t: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 8 }),
    op: operation,
    n: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ k, t, op, n }): readonly Value[] => [k, t === null ? null : t * second, op, n])

const epochs: fc.Arbitrary<readonly EpochInput[]> = fc.array(
  fc.record({
    rows: fc.oneof(fc.array(row, { maxLength: 14 }), fc.array(row, { maxLength: 2 })),
    passedMs: fc.constantFrom(0, 200, 1000, 3000, 7000),
  }),
  { minLength: 1, maxLength: 9 },
)

const modes = fc.constantFrom<TimeMode>('none', 'processingTime', 'eventTime')

function planOf(timeMode: TimeMode, isAsync: boolean): Process {
  return {
    kind: 'process',
    input: {
      kind: 'watermark',
      column: 1,
      delayMicros: 2 * second,
      node: 'w',
      rules: { late: 'output', nullTime: 'keep' },
      input: {
        kind: 'scan',
        source: 'in',
        format: 'memory',
        options: {},
        schema: input,
        streaming: true,
      },
    },
    keys: [0],
    shown: 4,
    program: {
      name: 'script',
      source: () => scriptProcessor(timeMode, isAsync) as never,
      edge: {},
    },
    style: 'processor',
    timeMode,
    output,
  }
}

/** Headers as the coordinator would decide them; the last one ends the input if asked for. */
function headersOf(runs: readonly EpochInput[], flushes: boolean): readonly EpochHeader[] {
  let [late, evict, seen, clock] = [0, 0, 0, 0]
  return runs.map(({ rows, passedMs }, epoch) => {
    clock += passedMs * 1000
    const isLast = flushes && epoch === runs.length - 1
    const header: EpochHeader = {
      epoch: epoch as Epoch,
      lateWatermark: late as Micros,
      evictWatermark: (isLast ? Number.MAX_SAFE_INTEGER : evict) as Micros,
      processingTime: clock as Micros,
      idle: [],
      ranges: {},
      ...(isLast ? { flush: true } : {}),
    }
    late = evict
    seen = Math.max(seen, ...rows.map(([, time]) => Number(time ?? 0)))
    evict = Math.max(evict, seen - 2 * second)
    return header
  })
}

interface Ways {
  readonly lanes: number
  /** After which epoch everything is restored from what was frozen; each one without. */
  readonly restarts: 'every' | 'none'
  readonly spills: boolean
}

interface Task {
  readonly operator: Awaited<ReturnType<typeof processOperator>>
  readonly spill: (maxBytes: number) => number
}

async function openTasks(
  plan: Process,
  lanes: number,
  blocks: readonly { readonly shard: number; readonly block: Uint8Array }[],
): Promise<readonly Task[]> {
  const tasks: Task[] = []
  for (let lane = 0; lane < lanes; lane++) {
    const shards = shardsOfLane(lane, { shardCount, lanes })
    const mine = blocks.filter(({ shard }) => shards.includes(shard))
    const { state, spill } = spillingState('process-0', shardCount, mine)
    const context: StateContext = {
      state: { ...state, shards },
      shardOf: (hash) => (hash >>> 0) % shardCount,
      restoredWatermark: Number.MIN_SAFE_INTEGER,
    }
    tasks.push({ operator: await processOperator(processSpec(plan, 'process-0'), context), spill })
  }
  return tasks
}

/** The output of each epoch as the operator gives it, over some tasks and restarts. */
async function engine(
  plan: Process,
  runs: readonly EpochInput[],
  headers: readonly EpochHeader[],
  { lanes, restarts, spills }: Ways,
): Promise<{ rows: Value[][][]; late: number }> {
  const blocks: { shard: number; block: Uint8Array }[] = []
  let tasks = await openTasks(plan, lanes, blocks)
  const result: { rows: Value[][][]; late: number } = { rows: [], late: 0 }
  let pending: readonly FrozenState[] = []
  for (const header of headers) {
    const emitted: Batch[] = []
    const out = {
      emit(batch: Batch) {
        emitted.push(batch)
        return undefined
      },
      emitSide(_name: string, batch: Batch) {
        result.late += rowsOf(batch).length
        return undefined
      },
    }
    const rows = runs[header.epoch]?.rows ?? []
    const frozen: FrozenState[] = []
    for (const [lane, { operator, spill }] of tasks.entries()) {
      operator.open(header)
      const mine = rows.filter(([key]) => laneOf(key, lanes) === lane)
      const half = mine.length >> 1
      await operator.process(0, batchOf(input, mine.slice(0, half)), out)
      await operator.process(0, batchOf(input, mine.slice(half)), out)
      await operator.closeEpoch(header, out)
      frozen.push(...(operator.freeze() ?? []))
      if (spills) spill(1 << 20)
    }
    // Encoded one epoch after it was frozen, as a slow disk would have it.
    for (const each of pending) blocks.push({ shard: each.shard, block: each.encode() })
    pending = frozen
    result.rows.push(emitted.flatMap(rowsOf))
    if (restarts === 'none') continue
    for (const each of pending) blocks.push({ shard: each.shard, block: each.encode() })
    pending = []
    tasks = await openTasks(plan, lanes, blocks)
  }
  return result
}

function laneOf(key: Value | undefined, lanes: number): number {
  const hash = hashValues([stringType], [key ?? null])
  return laneOfShard((hash >>> 0) % shardCount, { shardCount, lanes })
}

/** What the rules say, by an interpreter that keeps plain lists. */
function model(
  plan: Process,
  runs: readonly EpochInput[],
  headers: readonly EpochHeader[],
): { rows: Value[][][]; late: number } {
  const oracle = createOracle(plan, 'update')
  const rows = headers.map((header) =>
    oracle.epoch(header, () => runs[header.epoch]?.rows ?? []).map((made) => [...made]),
  )
  return { rows, late: oracle.lateRows.length }
}

function sorted(epoch: readonly Value[][]): readonly string[] {
  return epoch.map((made) => JSON.stringify(made)).sort()
}

test('a program sees the state, rows, timers and times that the rules say, in their order', async () => {
  let shown = 0
  await fc.assert(
    fc.asyncProperty(epochs, modes, fc.boolean(), async (runs, mode, flushes) => {
      const plan = planOf(mode, false)
      const headers = headersOf(runs, flushes)
      const expected = model(plan, runs, headers)
      const ways: Ways = { lanes: 1, restarts: 'none', spills: false }
      expect(await engine(plan, runs, headers, ways)).toEqual(expected)
      shown += expected.rows.flat().length
    }),
    { numRuns: 600 },
  )
  expect(shown).toBeGreaterThan(1000)
})

test('restarts at every barrier, lanes, entries out of memory and waiting handlers change nothing', async () => {
  const ways = fc.record({
    lanes: fc.constantFrom(1, 3),
    restarts: fc.constantFrom<Ways['restarts']>('every', 'none'),
    spills: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(epochs, modes, ways, fc.boolean(), async (runs, mode, way, isAsync) => {
      const headers = headersOf(runs, false)
      const expected = model(planOf(mode, false), runs, headers)
      const found = await engine(planOf(mode, isAsync), runs, headers, way)
      expect(found.rows.map(sorted)).toEqual(expected.rows.map(sorted))
      expect(found.late).toBe(expected.late)
    }),
    { numRuns: 600 },
  )
})

test('state out of memory, files being written and restarts change nothing', async () => {
  let cold = 0
  const program = (plan: Process, runs: readonly EpochInput[]): PressedOperator => ({
    name: 'process-0',
    open: (context) => processOperator(processSpec(plan, 'process-0'), context),
    headers: headersOf(runs, false),
    batchesOf: (epoch) => [[0, batchOf(input, runs[epoch]?.rows ?? [])]],
  })
  await fc.assert(
    fc.asyncProperty(epochs, modes, pressure, fc.boolean(), async (runs, mode, how, isAsync) => {
      const found = await underPressure(program(planOf(mode, isAsync), runs), how)
      const { results, closed } = await underPressure(program(planOf(mode, false), runs), calm)
      const rowsOfEach = (reports: typeof closed) =>
        reports.map(({ progress }) => progress?.['process-0']?.rowsTotal)
      expect(found.results).toEqual(results)
      expect(rowsOfEach(found.closed)).toEqual(rowsOfEach(closed))
      cold += found.cold ? 1 : 0
    }),
    { numRuns: 300 },
  )
  expect(cold).toBeGreaterThan(50)
}, 60_000)

test('while an epoch is open each message is answered at once', async () => {
  const plan = planOf('processingTime', false)
  const [task] = await openTasks(plan, 1, [])
  const said: unknown[] = []
  const out = {
    emit(batch: Batch) {
      said.push(...rowsOf(batch).map(([k]) => k))
      return undefined
    },
    emitSide: () => undefined,
  }
  const [{ ranges: _, ...open } = {} as EpochHeader] = headersOf([{ rows: [], passedMs: 0 }], false)
  task?.operator.open(open)
  const show = (k: string): Value[] => [k, null, 'show', 0]
  await task?.operator.process(0, batchOf(input, [show('a'), show('b'), show('a')]), out)
  expect(said).toEqual(['a', 'a', 'b'])
  await task?.operator.process(0, batchOf(input, [show('a')]), out)
  expect(said).toEqual(['a', 'a', 'b', 'a'])
  await task?.operator.closeEpoch(open, out)
  expect(said).toHaveLength(4)
})
