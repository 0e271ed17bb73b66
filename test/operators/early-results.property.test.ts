import fc from 'fast-check'
import { expect, test } from 'vitest'
import { spillingState } from '../../properties/spilling-state.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { hashValues } from '../../src/batch/key-hash.ts'
import { rowsOf } from '../../src/batch/read.ts'
import {
  booleanType,
  longType,
  type Schema,
  timestampType,
  windowType,
} from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { EpochReport, Operator } from '../../src/flow/operator.ts'
import { aggregateOperator } from '../../src/operators/aggregate/aggregate.ts'
import type { AggregateSpec, Bucketing } from '../../src/operators/aggregate/spec.ts'
import type { FrozenState } from '../../state/frozen.ts'
import { laneOfShard, shardOf, shardsOfLane } from '../../state/key-group.ts'

const second = 1_000_000
const delay = 8
const input: Schema = [
  { name: 'key', type: longType, nullable: true },
  { name: 'time', type: timestampType, nullable: true },
]

interface Row {
  readonly key: number
  readonly seconds: number
}

/** Rows of an epoch, and how long after the epoch before it is decided. */
interface EpochInput {
  readonly rows: readonly Row[]
  readonly passed: number
}

type Shape = 'time' | readonly [size: number, slide: number]

const row = fc.record({ key: fc.nat(4), seconds: fc.integer({ min: 0, max: 70 }) })
const epochs: fc.Arbitrary<readonly EpochInput[]> = fc.array(
  fc.record({ rows: fc.array(row, { maxLength: 6 }), passed: fc.constantFrom(0, 1, 4, 11) }),
  { minLength: 1, maxLength: 12 },
)
const shapes = fc.constantFrom<Shape>([10, 10], [10, 5], [15, 10], 'time')
const intervals = fc.constantFrom(0, 5, 10)

function specOf(
  shape: Shape,
  mode: AggregateSpec['mode'],
  every: number | undefined,
): AggregateSpec {
  const isTime = shape === 'time'
  const bucketing: Bucketing = isTime
    ? { kind: 'timeKey', key: 1 }
    : {
        kind: 'window',
        timeColumn: 1,
        windows: { sizeMicros: shape[0] * second, slideMicros: shape[1] * second, startMicros: 0 },
        position: 1,
      }
  return {
    operator: 'aggregate-0',
    mode,
    keys: [{ column: 0, type: longType }, ...(isTime ? [{ column: 1, type: timestampType }] : [])],
    aggregates: [
      {
        call: { name: 'count', args: [], type: longType, nullable: false },
        args: [],
        filter: undefined,
      },
    ],
    bucketing,
    watermarked: true,
    ...(every === undefined ? {} : { early: { everyMicros: every * second } }),
    output: [
      { name: 'key', type: longType, nullable: true },
      isTime
        ? { name: 'time', type: timestampType, nullable: true }
        : { name: 'window', type: windowType, nullable: false },
      { name: 'n', type: longType, nullable: false },
      ...(every === undefined ? [] : [{ name: 'is_final', type: booleanType, nullable: false }]),
    ],
    global: false,
    watermarkShift: 0,
  }
}

/** The times of every epoch, as the coordinator would decide them. */
function headersOf(given: readonly EpochInput[]): readonly EpochHeader[] {
  let [late, evict, seen, clock] = [0, 0, 0, 1_000_003]
  return given.map(({ rows, passed }, epoch) => {
    const previous = clock
    clock += passed
    const header: EpochHeader = {
      epoch: epoch as Epoch,
      lateWatermark: (late * second) as Micros,
      evictWatermark: (evict * second) as Micros,
      processingTime: (clock * second) as Micros,
      ...(epoch === 0 ? {} : { previousTime: (previous * second) as Micros }),
      idle: [],
      ranges: {},
    }
    late = evict
    seen = Math.max(seen, ...rows.map(({ seconds }) => seconds))
    evict = Math.max(evict, seen - delay)
    return header
  })
}

interface ModelGroup {
  readonly label: string
  readonly end: number
  rows: number
  isSent: boolean
}

/** The rules one row at a time; `every` absent: append mode, in which only closed groups leave. */
function model(
  given: readonly EpochInput[],
  shape: Shape,
  every: number | undefined,
): { readonly rows: string[][]; readonly waits: boolean[] } {
  const waits: boolean[] = []
  const groups: ModelGroup[] = []
  const clocks: number[] = []
  const rows = headersOf(given).map((header, at) => {
    const [late, evict, now] = [
      header.lateWatermark,
      header.evictWatermark,
      header.processingTime,
    ].map((micros) => micros / second) as [number, number, number]
    for (const { key, seconds } of given[at]?.rows ?? []) {
      for (const [start, end] of placesOf(shape, seconds)) {
        if (end <= late) continue
        const label = `${key}|${start}`
        const known = groups.find((each) => each.label === label)
        const group = known ?? { label, end, rows: 0, isSent: false }
        if (known === undefined) groups.push(group)
        group.rows += 1
        group.isSent = false
      }
    }
    const output: string[] = []
    for (const group of groups.filter(({ end }) => end <= evict)) {
      output.push(`${group.label}|${group.rows}${every === undefined ? '' : '|true'}`)
      groups.splice(groups.indexOf(group), 1)
    }
    const isFirst = (interval: number): boolean =>
      clocks.every((before) => Math.floor(before / interval) < Math.floor(now / interval))
    if (every === 0 || (every !== undefined && isFirst(every))) {
      for (const group of groups.filter(({ isSent }) => !isSent)) {
        output.push(`${group.label}|${group.rows}|false`)
        group.isSent = true
      }
    }
    clocks.push(now)
    waits.push(groups.some(({ isSent }) => !isSent))
    return output.sort()
  })
  return { rows, waits }
}

function placesOf(shape: Shape, seconds: number): (readonly [number, number])[] {
  if (shape === 'time') return [[seconds, seconds]]
  const [size, slide] = shape
  const places: (readonly [number, number])[] = []
  for (let start = -100 * slide; start <= seconds; start += slide) {
    if (start + size > seconds) places.push([start, start + size])
  }
  return places
}

const layout = { shardCount: 4, groupsPerShard: 16 }

interface Way {
  readonly lanes: readonly number[]
  readonly spills: boolean
}

interface Task {
  readonly operator: Operator
  readonly spill: (maxBytes: number) => number
}

interface Block {
  readonly shard: number
  readonly block: Uint8Array
}

async function open(
  spec: AggregateSpec,
  lanes: number,
  blocks: readonly Block[],
  { watermark, startsCold }: { readonly watermark: number; readonly startsCold: boolean },
): Promise<readonly Task[]> {
  const tasks: Task[] = []
  for (let lane = 0; lane < lanes; lane++) {
    const shards = shardsOfLane(lane, { shardCount: layout.shardCount, lanes })
    const mine = blocks.filter(({ shard }) => shards.includes(shard))
    const { state, spill } = spillingState(spec.operator, layout.shardCount, mine, {
      startsCold,
    })
    const operator = await aggregateOperator(spec, {
      state: { ...state, shards },
      shardOf: (hash) => shardOf(hash, layout),
      restoredWatermark: watermark,
    })
    tasks.push({ operator, spill })
  }
  return tasks
}

/** What each epoch gives out; the tasks are built anew with another number of lanes before each epoch. */
async function engine(
  given: readonly EpochInput[],
  spec: AggregateSpec,
  { lanes, spills }: Way,
): Promise<{ readonly rows: string[][]; readonly reports: EpochReport[][] }> {
  const blocks: Block[] = []
  const rows: string[][] = []
  const reports: EpochReport[][] = []
  let tasks: readonly Task[] = []
  let frozen: FrozenState[] = []
  let watermark = Number.MIN_SAFE_INTEGER
  let count = 0
  for (const [at, header] of headersOf(given).entries()) {
    const wanted = lanes[at % lanes.length] ?? 1
    if (wanted !== count) {
      for (const each of frozen) blocks.push({ shard: each.shard, block: each.encode() })
      frozen = []
      tasks = await open(spec, wanted, blocks, { watermark, startsCold: spills })
      count = wanted
    }
    const emitted: Batch[] = []
    const said: EpochReport[] = []
    for (const [lane, { operator, spill }] of tasks.entries()) {
      const mine = (given[at]?.rows ?? []).filter((each) => laneOf(spec, each, count) === lane)
      const values = mine.map(({ key, seconds }): Value[] => [BigInt(key), seconds * second])
      const output = {
        emit: (batch: Batch) => void emitted.push(batch),
        emitSide: () => undefined,
      }
      operator.open(header)
      const half = Math.floor(values.length / 2)
      await operator.process(0, batchOf(input, values.slice(0, half)), output)
      await operator.process(0, batchOf(input, values.slice(half)), output)
      said.push(await operator.closeEpoch(header, output))
      for (const each of frozen) blocks.push({ shard: each.shard, block: each.encode() })
      frozen = []
      frozen.push(...(operator.freeze() ?? []))
      for (const each of frozen) blocks.push({ shard: each.shard, block: each.encode() })
      frozen = []
      if (spills) spill(1 << 20)
    }
    watermark = header.evictWatermark
    rows.push(
      emitted
        .flatMap((batch) => rowsOf(batch))
        .map(printed)
        .sort(),
    )
    reports.push(said)
  }
  return { rows, reports }
}

function laneOf({ keys }: AggregateSpec, { key, seconds }: Row, lanes: number): number {
  const types = keys.map(({ type }) => type)
  const hash = hashValues(types, [BigInt(key), seconds * second].slice(0, keys.length))
  return laneOfShard(shardOf(hash, layout), { shardCount: layout.shardCount, lanes })
}

function printed([key, place, ...rest]: readonly Value[]): string {
  const start = Array.isArray(place) ? place[0] : place
  return [key, Number(start) / second, ...rest].map(String).join('|')
}

const ways: readonly (readonly [string, Way])[] = [
  ['in memory', { lanes: [1], spills: false }],
  ['out of memory', { lanes: [1], spills: true }],
  ['restored on other lanes all the time', { lanes: [1, 2, 3], spills: false }],
  ['restored on other lanes, out of memory', { lanes: [1, 1, 3, 3, 3, 2], spills: true }],
]

test.each(ways)('early results are what the rules say, with state %s', async (_, way) => {
  await fc.assert(
    fc.asyncProperty(epochs, shapes, intervals, async (given, shape, every) => {
      const { rows } = await engine(given, specOf(shape, 'update', every), way)
      expect(rows).toEqual(model(given, shape, every).rows)
    }),
    { numRuns: 300 },
  )
})

test.each(ways)('append mode gives out each group once, with state %s', async (_, way) => {
  await fc.assert(
    fc.asyncProperty(epochs, shapes, async (given, shape) => {
      const { rows } = await engine(given, specOf(shape, 'append', undefined), way)
      expect(rows).toEqual(model(given, shape, undefined).rows)
    }),
    { numRuns: 300 },
  )
})

test.each(ways)(
  'an epoch is asked for when something is due and not before, with state %s',
  async (_, way) => {
    await fc.assert(
      fc.asyncProperty(epochs, shapes, intervals, async (given, shape, every) => {
        const { reports } = await engine(given, specOf(shape, 'update', every), way)
        const { waits } = model(given, shape, every)
        headersOf(given).forEach(({ processingTime }, at) => {
          const timers = (reports[at] ?? []).flatMap(({ nextTimer }) => nextTimer ?? [])
          expect(timers.length > 0).toBe(waits[at])
          for (const timer of timers) {
            expect(timer % (every * second)).toBe(0)
            expect(timer).toBeGreaterThan(processingTime)
            expect(timer).toBeLessThanOrEqual(processingTime + every * second)
          }
        })
      }),
      { numRuns: 100 },
    )
  },
)
