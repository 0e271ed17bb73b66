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
  stringType,
  windowType,
} from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { sessionOperator } from '../../src/operators/session/session-aggregate.ts'
import type { SessionSpec } from '../../src/operators/session/spec.ts'
import type { FrozenState } from '../../state/frozen.ts'
import {
  collector,
  holdsUnderPressure,
  type PressedOperator,
  pressure,
} from './pressed-operator.ts'
import { spillingState } from './spilling-state.ts'

const second = 1_000_000
const shardCount = 8
const input: Schema = [
  { name: 'key', type: stringType, nullable: true },
  { name: 'session', type: windowType, nullable: false },
  { name: 'amount', type: intType, nullable: true },
]

interface Row {
  readonly key: string | null
  readonly start: number
  readonly end: number
  readonly amount: number | null
}

const row: fc.Arbitrary<Row> = fc
  .record({
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 8 }),
    start: fc.integer({ min: 0, max: 80 }),
    // Most gaps are equal; some are far longer or shorter, so that sessions lie inside of others.
    gap: fc.oneof({ weight: 4, arbitrary: fc.constant(5) }, fc.constantFrom(1, 2, 30)),
    amount: fc.option(fc.integer({ min: -5, max: 5 }), { freq: 8 }),
  })
  .map(({ key, start, gap, amount }) => ({ key, start, end: start + gap, amount }))

const epochs = fc.array(fc.array(row, { maxLength: 12 }), { minLength: 1, maxLength: 8 })
const modes = fc.constantFrom<SessionSpec['mode']>('append', 'complete')
const delay = 8

function call(
  name: 'count' | 'sum' | 'min' | 'max' | 'collect_list',
  type: DataType,
): AggregateCall {
  const argument = {
    kind: 'column' as const,
    index: 2,
    name: 'amount',
    type: intType,
    nullable: true,
  }
  return { name, args: name === 'count' ? [] : [argument], type, nullable: name !== 'count' }
}

function specOf(mode: SessionSpec['mode']): SessionSpec {
  const calls = [
    call('count', longType),
    call('sum', longType),
    call('min', intType),
    call('max', intType),
    call('collect_list', { kind: 'array', element: intType, containsNull: false }),
  ]
  return {
    operator: 'session-0',
    mode,
    keys: [{ column: 0, type: stringType }],
    aggregates: calls.map((each) => ({
      call: each,
      args: each.args.length === 0 ? [] : [2],
      filter: undefined,
    })),
    sessionColumn: 1,
    position: 1,
    watermarked: true,
    watermarkShift: 0,
    output: [
      { name: 'key', type: stringType, nullable: true },
      { name: 'session', type: windowType, nullable: false },
      ...calls.map((each) => ({ name: each.name, type: each.type, nullable: true })),
    ],
  }
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
    seen = Math.max(seen, ...rows.map(({ start }) => start))
    evictMark = Math.max(evictMark, seen - delay)
    return header
  })
}

interface Answer {
  readonly rows: string[][]
  readonly late: number[]
  /** Late groups: sessions of late rows before any merging. */
  readonly dropped: number[]
  /** The smallest watermark at which something happens, as of each barrier. */
  readonly next: (number | undefined)[]
}

/**
 * The rules with nothing but lists of rows: each row is a session, and as long as any two of a key
 * overlap or touch they become one.
 */
function model(runs: readonly (readonly Row[])[], mode: SessionSpec['mode']): Answer {
  const answer: Answer = { rows: [], late: [], dropped: [], next: [] }
  let open: (readonly Row[])[] = []
  const arrivals = runs.flat()
  const startOf = (session: readonly Row[]): number => Math.min(...session.map((r) => r.start))
  const endOf = (session: readonly Row[]): number => Math.max(...session.map((r) => r.end))
  const print = (session: readonly Row[]): string => {
    const inOrder = [...session].sort((a, b) => arrivals.indexOf(a) - arrivals.indexOf(b))
    const present = inOrder.flatMap(({ amount }) => (amount === null ? [] : [amount]))
    const sum = present.length === 0 ? null : present.reduce((a, b) => a + b, 0)
    const min = present.length === 0 ? null : Math.min(...present)
    const max = present.length === 0 ? null : Math.max(...present)
    const key = session[0]?.key
    return `${key}|${startOf(session)}-${endOf(session)}|${session.length}|${sum}|${min}|${max}|${present}`
  }
  for (const header of headersOf(runs)) {
    const rows = runs[header.epoch] ?? []
    const inTime = rows.filter(
      ({ end }) => mode === 'complete' || end * second > header.lateWatermark,
    )
    answer.late.push(rows.length - inTime.length)
    const lateRows = rows.filter((each) => !inTime.includes(each))
    answer.dropped.push(
      new Set(lateRows.map((each) => `${each.key} ${each.start} ${each.end}`)).size,
    )
    open.push(...inTime.map((each) => [each]))
    for (;;) {
      const pair = open
        .flatMap((left) => open.map((right) => [left, right] as const))
        .find(
          ([left, right]) =>
            left !== right &&
            left[0]?.key === right[0]?.key &&
            startOf(left) <= endOf(right) &&
            startOf(right) <= endOf(left),
        )
      if (pair === undefined) break
      const [left, right] = pair
      open = [...open.filter((each) => each !== left && each !== right), [...left, ...right]]
    }
    const isOver = (each: readonly Row[]): boolean => endOf(each) * second <= header.evictWatermark
    answer.rows.push(
      open
        .filter((each) => mode === 'complete' || isOver(each))
        .map(print)
        .sort(),
    )
    if (mode === 'append') open = open.filter((each) => !isOver(each))
    answer.next.push(
      open.length === 0 || mode === 'complete' ? undefined : Math.min(...open.map(endOf)) * second,
    )
  }
  return answer
}

interface Run extends Answer {
  /** What was frozen at each barrier. */
  readonly frozen: { readonly shard: number; readonly block: Uint8Array }[][]
  readonly spilled: number
  /** Memory in use at each barrier. */
  readonly bytes: readonly number[]
}

interface RunOptions {
  readonly blocks?: Run['frozen'][number]
  readonly from?: number
  /** Bytes that may leave memory after each epoch. */
  readonly spillBytes?: number
}

async function runEpochs(
  runs: readonly (readonly Row[])[],
  mode: SessionSpec['mode'],
  { blocks = [], from = 0, spillBytes = 0 }: RunOptions = {},
): Promise<Run> {
  const { state, spill } = spillingState('session-0', shardCount, blocks)
  const headers = headersOf(runs)
  const restoredWatermark = headers[from - 1]?.evictWatermark ?? Number.MIN_SAFE_INTEGER
  const context = { state, shardOf: (hash: number) => hash & 7, restoredWatermark }
  const operator = await sessionOperator(specOf(mode), context)
  const answer: Answer = { rows: [], late: [], dropped: [], next: [] }
  const frozen: Run['frozen'] = []
  let spilled = 0
  const bytes: number[] = []
  let pending: readonly FrozenState[] = []
  // Encoded one epoch later, as a slow disk would: what changed meanwhile must not show.
  const encode = (): void => {
    frozen.push(pending.map((each) => ({ shard: each.shard, block: each.encode() })))
    pending = []
  }
  for (const header of headers.slice(from)) {
    const emitted: Batch[] = []
    let late = 0
    const output = {
      emit(batch: Batch) {
        emitted.push(batch)
        return undefined
      },
      emitSide(_name: string, batch: Batch) {
        late += rowsOf(batch).length
        return undefined
      },
    }
    operator.open(header)
    const values = (runs[header.epoch] ?? []).map(cells)
    const half = Math.floor(values.length / 2)
    await operator.process(0, batchOf(input, values.slice(0, half)), output)
    await operator.process(0, batchOf(input, values.slice(half)), output)
    const report = await operator.closeEpoch(header, output)
    if (header.epoch > from) encode()
    pending = operator.freeze() ?? []
    answer.rows.push(emitted.flatMap(rowsOf).map(printed).sort())
    answer.late.push(late)
    const { rowsDroppedByWatermark = 0, custom } = report.progress?.['session-0'] ?? {}
    expect(custom?.['numLateInputRows']).toBe(late)
    answer.dropped.push(rowsDroppedByWatermark)
    answer.next.push(report.nextWatermark)
    bytes.push(report.progress?.['session-0']?.memoryUsedBytes ?? 0)
    if (spillBytes > 0) spilled += spill(spillBytes)
  }
  encode()
  return { ...answer, frozen, spilled, bytes }
}

const cells = ({ key, start, end, amount }: Row): Value[] => [
  key,
  [start * second, end * second],
  amount,
]

function printed([key, session, ...rest]: readonly Value[]): string {
  const [start, end] = session as readonly [number, number]
  return `${key}|${start / second}-${end / second}|${rest.map(String).join('|')}`
}

test('sessions merge, close and come out as the rules say, epoch by epoch', async () => {
  let late = 0
  await fc.assert(
    fc.asyncProperty(epochs, modes, async (runs, mode) => {
      const { rows, late: lateRows, dropped, next } = await runEpochs(runs, mode)
      expect({ rows, late: lateRows, dropped, next }).toEqual(model(runs, mode))
      late += lateRows.reduce((sum, count) => sum + count, 0)
    }),
    { numRuns: 1000 },
  )
  expect(late).toBeGreaterThan(1000)
})

test('the order of rows inside an epoch changes nothing', async () => {
  const shuffled = epochs.chain((runs) =>
    fc.tuple(
      fc.constant(runs),
      fc.tuple(...runs.map((rows) => fc.shuffledSubarray(rows, { minLength: rows.length }))),
    ),
  )
  await fc.assert(
    fc.asyncProperty(shuffled, modes, async ([runs, others], mode) => {
      const [one, other] = [await runEpochs(runs, mode), await runEpochs(others, mode)]
      // Lists go by that order.
      const withoutLists = ({ rows }: Answer) =>
        rows.map((lines) => lines.map((line) => line.slice(0, line.lastIndexOf('|'))))
      expect(withoutLists(other)).toEqual(withoutLists(one))
      expect(other.next).toEqual(one.next)
    }),
    { numRuns: 500 },
  )
})

test('what was frozen at any barrier goes on as if there had been no stop', async () => {
  await fc.assert(
    fc.asyncProperty(epochs, modes, async (runs, mode) => {
      const whole = await runEpochs(runs, mode)
      for (let from = 1; from < runs.length; from++) {
        const blocks = whole.frozen.slice(0, from).flat()
        const rest = await runEpochs(runs, mode, { blocks, from })
        expect(rest.rows).toEqual(whole.rows.slice(from))
        expect(rest.next).toEqual(whole.next.slice(from))
      }
    }),
    { numRuns: 300 },
  )
})

test('sessions that leave memory between epochs come back when rows or time ask for them', async () => {
  let spilled = 0
  await fc.assert(
    fc.asyncProperty(
      epochs,
      modes,
      fc.constantFrom(40, 100_000),
      async (runs, mode, spillBytes) => {
        const run = await runEpochs(runs, mode, { spillBytes })
        const { rows, late, next } = model(runs, mode)
        expect(run.rows).toEqual(rows)
        expect(run.late).toEqual(late)
        // A session out of memory may be noted to end earlier than it does, never later.
        run.next.forEach((time, epoch) => {
          expect(time ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(
            next[epoch] ?? Number.POSITIVE_INFINITY,
          )
        })
        spilled += run.spilled
      },
    ),
    { numRuns: 1000 },
  )
  expect(spilled).toBeGreaterThan(100_000)
})

test('sessions out of memory, files being written and restarts change nothing', async () => {
  let cold = 0
  await fc.assert(
    fc.asyncProperty(epochs, modes, pressure, async (runs, mode, how) => {
      const operator: PressedOperator = {
        name: 'session-0',
        open: (context) => sessionOperator(specOf(mode), context),
        headers: headersOf(runs),
        batchesOf: (epoch) => [[0, batchOf(input, (runs[epoch] ?? []).map(cells))]],
      }
      cold += (await holdsUnderPressure(operator, how)) ? 1 : 0
    }),
    { numRuns: 300 },
  )
  expect(cold).toBeGreaterThan(50)
}, 60_000)

test('many sessions are closed, and their slots used again', async () => {
  const keys = 3000
  const runs = Array.from({ length: 40 }, (_, epoch) =>
    Array.from(
      { length: keys },
      (_, key): Row => ({
        key: `k${key}`,
        start: epoch * 20 + (key % 3),
        end: epoch * 20 + (key % 3) + 5,
        amount: 1,
      }),
    ),
  )
  const run = await runEpochs(runs, 'append')
  // What came two epochs ago has been over since the last one.
  expect(run.rows.map((rows) => rows.length)).toEqual(runs.map((_, at) => (at < 2 ? 0 : keys)))
  expect(new Set(run.rows.flat()).size).toBe(38 * keys)
  expect(run.rows.flat().filter((line) => !line.endsWith('|1|1|1|1|1'))).toEqual([])
  expect(Math.max(...run.bytes)).toBe(Math.max(...run.bytes.slice(0, 20)))
})

test('late rows of many sessions are counted without a table for each', async () => {
  const { state } = spillingState('session-0', 1)
  const context = { state, shardOf: () => 0, restoredWatermark: Number.MIN_SAFE_INTEGER }
  const operator = await sessionOperator(specOf('append'), context)
  const count = 20_000
  const [, header] = headersOf([[{ key: null, start: 1000, end: 1005, amount: 1 }], [], []])
  if (header === undefined) return expect.fail()
  const batch = batchOf(
    input,
    Array.from({ length: count }, (_, row) => ['a', [row, row + 5], 1]),
  )
  const before = process.memoryUsage().arrayBuffers
  operator.open({ ...header, lateWatermark: header.evictWatermark })
  await operator.process(0, batch, { emit: () => undefined, emitSide: () => undefined })
  const bytesPerRow = (process.memoryUsage().arrayBuffers - before) / count
  const report = await operator.closeEpoch(header, collector().output)
  expect(report.progress?.['session-0']?.rowsDroppedByWatermark).toBe(count)
  expect(bytesPerRow).toBeLessThan(500)
})
