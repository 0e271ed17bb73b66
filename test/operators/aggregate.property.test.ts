import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { rowsOf } from '../../src/batch/read.ts'
import {
  type DataType,
  intType,
  longType,
  type Schema,
  timestampType,
  windowType,
} from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { aggregateOperator } from '../../src/operators/aggregate/aggregate.ts'
import type { AggregateSpec } from '../../src/operators/aggregate/spec.ts'
import type { StateContext } from '../../src/operators/context.ts'
import { volatileState } from '../../src/runtime/volatile-state.ts'
import type { FrozenState } from '../../state/frozen.ts'
import { holdsUnderPressure, type PressedOperator, pressure } from './pressed-operator.ts'

const second = 1_000_000
const input: Schema = [
  { name: 'key', type: longType, nullable: true },
  { name: 'time', type: timestampType, nullable: true },
  { name: 'amount', type: intType, nullable: true },
]

interface Row {
  readonly key: bigint | null
  readonly seconds: number
  readonly amount: number | null
}

const row: fc.Arbitrary<Row> = fc.record({
  key: fc.option(fc.oneof(fc.bigInt({ min: 0n, max: 3n }), fc.constant(2n ** 60n + 1n)), {
    freq: 8,
  }),
  seconds: fc.integer({ min: 0, max: 60 }),
  amount: fc.option(fc.integer({ min: -5, max: 5 }), { freq: 8 }),
})

const epochs = fc.array(fc.array(row, { maxLength: 12 }), { minLength: 1, maxLength: 6 })
const windows = fc.constantFrom([10, 10, 0], [10, 5, 0], [15, 10, 3], [20, 5, -7])
const modes = fc.constantFrom<AggregateSpec['mode']>('append', 'update', 'complete')
const delay = 8

function call(name: 'count' | 'sum' | 'min' | 'max', type: DataType): AggregateCall {
  const argument = {
    kind: 'column' as const,
    index: 2,
    name: 'amount',
    type: intType,
    nullable: true,
  }
  return { name, args: name === 'count' ? [] : [argument], type, nullable: name !== 'count' }
}

function specOf(
  mode: AggregateSpec['mode'],
  [size = 10, slide = 10, start = 0]: readonly number[],
): AggregateSpec {
  const calls = [
    call('count', longType),
    call('sum', longType),
    call('min', intType),
    call('max', intType),
  ]
  return {
    operator: 'aggregate-0',
    mode,
    keys: [{ column: 0, type: longType }],
    aggregates: calls.map((each) => ({
      call: each,
      args: each.args.length === 0 ? [] : [2],
      filter: undefined,
    })),
    bucketing: {
      kind: 'window',
      timeColumn: 1,
      windows: {
        sizeMicros: size * second,
        slideMicros: slide * second,
        startMicros: start * second,
      },
      position: 0,
    },
    watermarked: true,
    output: [
      { name: 'window', type: windowType, nullable: false },
      { name: 'key', type: longType, nullable: true },
      ...calls.map((each) => ({ name: each.name, type: each.type, nullable: true })),
    ],
    global: false,
    watermarkShift: 0,
  }
}

/** The rules of time and emission, one row and one window at a time, without state of its own. */
function model(
  runs: readonly (readonly Row[])[],
  mode: AggregateSpec['mode'],
  [size = 10, slide = 10, start = 0]: readonly number[],
): { rows: string[][]; late: number } {
  const groups = new Map<string, { end: number; values: (number | null)[]; label: string }>()
  const output: string[][] = []
  let late = 0
  let lateMark = 0
  let evictMark = 0
  let seen = 0
  for (const rows of runs) {
    const changed = new Set<string>()
    for (const { key, seconds, amount } of rows) {
      let accepted = false
      const first = Math.floor((seconds - start - size) / slide) * slide + start
      for (let from = first; from <= seconds; from += slide) {
        if (from > seconds || from + size <= seconds) continue
        if (mode !== 'complete' && from + size <= lateMark) continue
        accepted = true
        const label = `${from}|${key}`
        const group = groups.get(label) ?? { end: from + size, values: [], label }
        group.values.push(amount)
        groups.set(label, group)
        changed.add(label)
      }
      if (!accepted) late++
    }
    const print = (label: string): string => {
      const present = (groups.get(label)?.values ?? []).filter((value) => value !== null)
      const sum = present.length === 0 ? null : present.reduce((a, b) => a + b, 0)
      const min = present.length === 0 ? null : Math.min(...present)
      const max = present.length === 0 ? null : Math.max(...present)
      return `${label}|${groups.get(label)?.values.length}|${sum}|${min}|${max}`
    }
    if (mode === 'complete') output.push([...groups.keys()].map(print).sort())
    else {
      const closed = [...groups.values()]
        .filter(({ end }) => end <= evictMark)
        .map(({ label }) => label)
      output.push((mode === 'append' ? closed : [...changed]).map(print).sort())
      for (const label of closed) groups.delete(label)
    }
    lateMark = evictMark
    seen = Math.max(seen, ...rows.map(({ seconds }) => seconds))
    evictMark = Math.max(evictMark, seen - delay)
  }
  return { rows: output, late }
}

/** Times of the headers of each epoch, as the coordinator would decide them. */
function headersOf(runs: readonly (readonly Row[])[]): readonly EpochHeader[] {
  let lateMark = 0
  let evictMark = 0
  let seen = 0
  return runs.map((rows, epoch) => {
    const header = {
      epoch: epoch as Epoch,
      lateWatermark: (lateMark * second) as Micros,
      evictWatermark: (evictMark * second) as Micros,
      processingTime: 0 as Micros,
      idle: [],
      ranges: {},
    }
    lateMark = evictMark
    seen = Math.max(seen, ...rows.map(({ seconds }) => seconds))
    evictMark = Math.max(evictMark, seen - delay)
    return header
  })
}

/** State that begins with these blocks, by shard. */
function restored(blocks: readonly FrozenState[], watermark: number): StateContext {
  return {
    state: {
      ...volatileState('aggregate-0', 8),
      attach(shard, table) {
        for (const block of blocks) if (block.shard === shard) table.load(block.encode())
        return Promise.resolve()
      },
    },
    shardOf: (hash) => hash & 7,
    restoredWatermark: watermark,
  }
}

interface Epochs {
  readonly rows: string[][]
  late: number
  /** Changes of each epoch, encoded one epoch later than they were frozen. */
  readonly frozen: (readonly FrozenState[])[]
}

async function runEpochs(
  runs: readonly (readonly Row[])[],
  spec: AggregateSpec,
  context: StateContext,
  from = 0,
): Promise<Epochs> {
  const operator = await aggregateOperator(spec, context)
  const result: Epochs = { rows: [], late: 0, frozen: [] }
  let pending: readonly FrozenState[] = []
  const settle = (): void => {
    result.frozen.push(pending.map((each) => ({ ...each, encode: () => block(each) })))
  }
  const blocks = new Map<FrozenState, Uint8Array>()
  const block = (each: FrozenState): Uint8Array => {
    const known = blocks.get(each) ?? each.encode()
    blocks.set(each, known)
    return known
  }
  for (const header of headersOf(runs).slice(from)) {
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
    operator.open(header)
    const rows = runs[header.epoch] ?? []
    const values = rows.map(cells)
    const half = Math.floor(values.length / 2)
    await operator.process(0, batchOf(input, values.slice(0, half)), out)
    await operator.process(0, batchOf(input, values.slice(half)), out)
    // Now before groups are closed, now after: either may come first.
    if (header.epoch % 2 === 0) for (const each of pending) block(each)
    await operator.closeEpoch(header, out)
    if (header.epoch > from) {
      for (const each of pending) block(each)
      settle()
    }
    pending = operator.freeze() ?? []
    result.rows.push(emitted.flatMap(rowsOf).map(printed).sort())
  }
  for (const each of pending) block(each)
  settle()
  return result
}

async function engine(
  runs: readonly (readonly Row[])[],
  spec: AggregateSpec,
): Promise<{ rows: string[][]; late: number }> {
  const { rows, late } = await runEpochs(runs, spec, restored([], Number.MIN_SAFE_INTEGER))
  return { rows, late }
}

const cells = ({ key, seconds, amount }: Row): Value[] => [key, seconds * second, amount]

function printed([window, ...rest]: readonly Value[]): string {
  const start = Array.isArray(window) ? (window[0] as number) / second : window
  return `${start}|${rest.map(String).join('|')}`
}

test('windowed aggregation emits what the rules say, epoch by epoch, in every mode', async () => {
  await fc.assert(
    fc.asyncProperty(epochs, windows, modes, async (runs, window, mode) => {
      expect(await engine(runs, specOf(mode, window))).toEqual(model(runs, mode, window))
    }),
    { numRuns: 1000 },
  )
})

/** Groups by key and plain event time, which close one by one inside their bucket. */
function timeKeySpec(mode: AggregateSpec['mode']): AggregateSpec {
  const spec = specOf(mode, [])
  const time = { name: 'time', type: timestampType, nullable: true }
  return {
    ...spec,
    keys: [...spec.keys, { column: 1, type: timestampType }],
    bucketing: { kind: 'timeKey', key: 1 },
    output: [...spec.output.slice(1, 2), time, ...spec.output.slice(2)],
  }
}

test('what was frozen is the state at the barrier, encoded later or not, and goes on from there', async () => {
  await fc.assert(
    fc.asyncProperty(epochs, windows, modes, fc.nat(), async (runs, window, mode, cut) => {
      const spec = cut % 2 === 0 ? specOf(mode, window) : timeKeySpec(mode)
      const whole = await runEpochs(runs, spec, restored([], Number.MIN_SAFE_INTEGER))
      const from = 1 + (cut % runs.length)
      const blocks = whole.frozen.slice(0, from).flat()
      const watermark = headersOf(runs)[from - 1]?.evictWatermark ?? 0
      const rest = await runEpochs(runs, spec, restored(blocks, watermark), from)
      expect(rest.rows).toEqual(whole.rows.slice(from))
    }),
    { numRuns: 500 },
  )
})

test('groups out of memory, files being written and restarts change nothing', async () => {
  let cold = 0
  await fc.assert(
    fc.asyncProperty(
      epochs,
      fc.oneof(windows, fc.constant(undefined)),
      modes,
      pressure,
      async (runs, window, mode, how) => {
        const spec = window === undefined ? timeKeySpec(mode) : specOf(mode, window)
        const operator: PressedOperator = {
          name: spec.operator,
          open: (context) => aggregateOperator(spec, context),
          headers: headersOf(runs),
          batchesOf: (epoch) => [[0, batchOf(input, (runs[epoch] ?? []).map(cells))]],
        }
        cold += (await holdsUnderPressure(operator, how)) ? 1 : 0
      },
    ),
    { numRuns: 300 },
  )
  expect(cold).toBeGreaterThan(50)
}, 60_000)
