import fc from 'fast-check'
import { expect, test } from 'vitest'
import { spillingState } from '../../properties/spilling-state.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { longType, type Schema, stringType, timestampType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { StateContext } from '../../src/operators/context.ts'
import { type AsofJoinSpec, asofJoinOperator } from '../../src/operators/join/asof-join.ts'
import { collector, pressure, printed, underPressure } from './pressed-operator.ts'
import { steppedHeaders } from './stepped-headers.ts'

const second = 1_000_000
const schema: Schema = [
  { name: 'key', type: longType, nullable: true },
  { name: 'time', type: timestampType, nullable: true },
  { name: 'name', type: stringType, nullable: true },
]

interface AsofRow {
  readonly side: 0 | 1
  readonly key: bigint | null
  readonly seconds: number | null
  readonly name: string
}

interface Plan {
  readonly epochs: readonly (readonly AsofRow[])[]
  readonly type: AsofJoinSpec['type']
  /** Seconds; −1 = without. */
  readonly tolerance: number
  /** How far the watermark goes on in each epoch. */
  readonly steps: readonly number[]
  readonly flush: boolean
  readonly batchSize: number
  /** Left rows come before right ones of the epoch, or behind them. */
  readonly leftFirst: boolean
}

const asofRow: fc.Arbitrary<AsofRow> = fc.record({
  side: fc.constantFrom<0 | 1>(0, 1),
  key: fc.option(
    // A key beyond 2^53 makes the tables hold their keys as bytes.
    fc.oneof(
      { weight: 12, arbitrary: fc.bigInt({ min: 0n, max: 3n }) },
      { weight: 1, arbitrary: fc.constant(2n ** 60n + 1n) },
    ),
    { freq: 9 },
  ),
  seconds: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 12 }),
  name: fc.string({ maxLength: 6 }),
})

const plan: fc.Arbitrary<Plan> = fc.record({
  epochs: fc.array(fc.array(asofRow, { maxLength: 14 }), { minLength: 1, maxLength: 8 }),
  type: fc.constantFrom<AsofJoinSpec['type']>('inner', 'leftOuter'),
  tolerance: fc.integer({ min: -1, max: 9 }),
  steps: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 8 }),
  flush: fc.boolean(),
  batchSize: fc.integer({ min: 1, max: 6 }),
  leftFirst: fc.boolean(),
})

function specOf({ type, tolerance }: Plan): AsofJoinSpec {
  const nulled = schema.map((field) => ({ ...field, nullable: true }))
  return {
    operator: 'asof-0',
    type,
    keyTypes: [longType],
    nullSafe: [false],
    pairs: { left: schema, right: schema, output: [...schema, ...nulled] },
    left: { keys: [0], time: 1 },
    right: { keys: [0], time: 1 },
    ...(tolerance < 0 ? {} : { toleranceMicros: tolerance * second }),
    watermarkShift: 0,
  }
}

/** Each epoch's watermarks: late is what the one before evicted. */
function headersOf({ epochs, steps, flush }: Plan): readonly EpochHeader[] {
  return steppedHeaders(
    epochs.map((_, epoch) => steps[epoch] ?? 0),
    flush,
  )
}

const cells = ({ key, seconds, name }: AsofRow): Value[] => [
  key,
  seconds === null ? null : seconds * second,
  name,
]

/** Rows of one side in their order, those of the two sides mixed in chunks. */
function batchesOf(
  { epochs, batchSize, leftFirst }: Plan,
  epoch: number,
): readonly [0 | 1, Batch][] {
  const rows = epochs[epoch] ?? []
  const batches: [0 | 1, Batch][] = []
  for (let from = 0; from < rows.length; from += batchSize) {
    const part = rows.slice(from, from + batchSize)
    for (const side of leftFirst ? ([0, 1] as const) : ([1, 0] as const)) {
      const own = part.filter((row) => row.side === side)
      if (own.length > 0) batches.push([side, batchOf(schema, own.map(cells))])
    }
  }
  return batches
}

/** The rule itself, over everything that was not late. */
function expectedOf(given: Plan): readonly (readonly string[])[] {
  const { type, tolerance } = given
  const rights: AsofRow[] = []
  let waiting: AsofRow[] = []
  return headersOf(given).map(({ epoch, lateWatermark, evictWatermark }) => {
    const inTime = (given.epochs[epoch] ?? []).filter(
      ({ seconds }) => seconds === null || seconds * second > lateWatermark,
    )
    rights.push(...inTime.filter(({ side }) => side === 1))
    waiting.push(...inTime.filter(({ side }) => side === 0))
    const isReady = ({ key, seconds }: AsofRow): boolean =>
      key === null || seconds === null || seconds * second <= evictWatermark
    const ready = waiting.filter(isReady)
    waiting = waiting.filter((row) => !isReady(row))
    const lines = ready.flatMap((row) => {
      const [best] = rights
        .filter(({ key, seconds }) => {
          if (key === null || key !== row.key || seconds === null || row.seconds === null)
            return false
          const age = row.seconds - seconds
          return age >= 0 && (tolerance < 0 || age <= tolerance)
        })
        .toReversed()
        .toSorted((a, b) => Number(b.seconds) - Number(a.seconds))
      if (best === undefined && type === 'inner') return []
      return [printed([...cells(row), ...(best === undefined ? [null, null, null] : cells(best))])]
    })
    return lines.sort()
  })
}

test('each left row gets the newest right row at or before it, with rows out of memory and over restarts', async () => {
  let [cold, pairs] = [0, 0]
  await fc.assert(
    fc.asyncProperty(plan, pressure, async (given, how) => {
      const operator = {
        name: 'asof-0',
        open: (context: StateContext) => asofJoinOperator(specOf(given), context),
        headers: headersOf(given),
        batchesOf: (epoch: number) => batchesOf(given, epoch),
      }
      const found = await underPressure(operator, how)
      expect(found.results).toEqual(expectedOf(given))
      cold += found.cold ? 1 : 0
      pairs += found.results.flat().filter((line) => !line.endsWith('null|null|null')).length
    }),
    { numRuns: 400 },
  )
  expect(cold).toBeGreaterThan(50)
  expect(pairs).toBeGreaterThan(300)
}, 60_000)

test('of many rows of one time the last counts, also when they come back from outside of memory', async () => {
  const given: Plan = {
    epochs: [[], [], [], []],
    type: 'inner',
    tolerance: -1,
    steps: [0, 0, 0, 9],
    flush: false,
    batchSize: 1,
    leftFirst: true,
  }
  const { state, spill } = spillingState('asof-0', 1)
  const restoredWatermark = Number.MIN_SAFE_INTEGER
  const operator = await asofJoinOperator(specOf(given), {
    state,
    shardOf: () => 0,
    restoredWatermark,
  })
  const rights = Array.from({ length: 600 }, (_, number): AsofRow => {
    return { side: 1, key: 1n, seconds: 5, name: String(number) }
  })
  const left: AsofRow = { side: 0, key: 1n, seconds: 7, name: 'left' }
  const { output, rows } = collector()
  for (const header of headersOf(given)) {
    operator.open(header)
    if (header.epoch === 0) await operator.process(1, batchOf(schema, rights.map(cells)), output)
    if (header.epoch === 3) await operator.process(0, batchOf(schema, [cells(left)]), output)
    await operator.closeEpoch(header, output)
    for (const frozen of operator.freeze() ?? []) frozen.encode()
    // What changed in the last two epochs stays.
    if (header.epoch === 2) expect(spill(1 << 20)).toBeGreaterThan(600 * 20)
  }
  expect(rows()).toEqual(['1|7000000|left|1|5000000|599'])
})
