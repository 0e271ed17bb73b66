import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf } from '../../src/batch/build.ts'
import { longType, type Schema, timestampType } from '../../src/batch/schema.ts'
import { deduplicateOperator } from '../../src/operators/deduplicate.ts'
import { type PressedOperator, pressure, printed, underPressure } from './pressed-operator.ts'
import { steppedHeaders } from './stepped-headers.ts'

const second = 1_000_000
const within = 3
const schema: Schema = [
  { name: 'key', type: longType, nullable: true },
  { name: 'time', type: timestampType, nullable: true },
]

type Row = readonly [key: bigint | null, seconds: number | null]

interface Plan {
  readonly epochs: readonly (readonly Row[])[]
  /** How far the watermark goes on in each epoch. */
  readonly steps: readonly number[]
  readonly batchSize: number
}

const row: fc.Arbitrary<Row> = fc.tuple(
  fc.option<bigint, null>(
    // A key beyond 2^53 makes the tables hold their keys as bytes.
    fc.oneof(
      { weight: 30, arbitrary: fc.bigInt({ min: 0n, max: 9n }) },
      { weight: 1, arbitrary: fc.constant(2n ** 60n + 1n) },
    ),
    { freq: 9 },
  ),
  fc.option<number, null>(fc.integer({ min: 0, max: 40 }), { freq: 12 }),
)

const plan: fc.Arbitrary<Plan> = fc
  .record({
    epochs: fc.array(
      fc.record({
        before: fc.array(row, { maxLength: 9 }),
        after: fc.array(row, { maxLength: 9 }),
        // Seldom far, so that what falls due stays for some epochs.
        step: fc.oneof(
          { weight: 3, arbitrary: fc.integer({ min: 0, max: 1 }) },
          { weight: 1, arbitrary: fc.integer({ min: 4, max: 8 }) },
        ),
      }),
      { minLength: 6, maxLength: 8 },
    ),
    crowdIn: fc.integer({ min: 0, max: 3 }),
    batchSize: fc.constantFrom(1, 7, 3000),
  })
  .map(({ epochs, crowdIn, batchSize }) => {
    let watermark = 0
    const all = epochs.map(({ before, after, step }, epoch) => {
      const rows = epoch === crowdIn ? crowdAt(watermark + 1) : []
      watermark += step
      return [...before, ...rows, ...after]
    })
    return { epochs: all, steps: epochs.map(({ step }) => step), batchSize }
  })

/** So many keys at once that the table is squeezed when they have gone. */
function crowdAt(seconds: number): readonly Row[] {
  return Array.from({ length: 1600 }, (_, k) => [BigInt(100 + k), seconds])
}

const headersOf = ({ steps }: Plan) => steppedHeaders(steps, false)

const cells = ([key, seconds]: Row) => [key, seconds === null ? null : seconds * second]

/** Rules D1 and D2, over a map that is never small. */
function expectedOf(given: Plan): readonly (readonly string[])[] {
  const seen = new Map<bigint | null, number>()
  return headersOf(given).map(({ epoch, lateWatermark, evictWatermark }) => {
    const first: string[] = []
    for (const each of given.epochs[epoch] ?? []) {
      const [key, seconds] = each
      if ((seconds !== null && seconds * second <= lateWatermark) || seen.has(key)) continue
      seen.set(key, seconds === null ? Number.POSITIVE_INFINITY : (seconds + within) * second)
      first.push(printed(cells(each)))
    }
    for (const [key, expiry] of seen) if (expiry <= evictWatermark) seen.delete(key)
    return first.sort()
  })
}

function pressedOperator(given: Plan): PressedOperator {
  return {
    name: 'deduplicate-0',
    open: (context) =>
      deduplicateOperator(
        {
          operator: 'deduplicate-0',
          keys: [{ column: 0, name: 'key', type: longType }],
          timeColumn: 1,
          withinMicros: within * second,
          watermarkShift: 0,
        },
        context,
      ),
    headers: headersOf(given),
    batchesOf(epoch) {
      const { batchSize } = given
      const rows = given.epochs[epoch] ?? []
      return Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, k) => [
        0,
        batchOf(schema, rows.slice(k * batchSize, (k + 1) * batchSize).map(cells)),
      ])
    },
    isOneShard: true,
    stepBytes: 2000,
  }
}

test('the first row of each key comes out, with keys out of memory, files being written and over restarts', async () => {
  let cold = 0
  await fc.assert(
    fc.asyncProperty(plan, pressure, async (given, how) => {
      const found = await underPressure(pressedOperator(given), how)
      expect(found.results).toEqual(expectedOf(given))
      cold += found.cold ? 1 : 0
    }),
    { numRuns: 100, interruptAfterTimeLimit: 40_000 },
  )
  expect(cold).toBeGreaterThan(15)
}, 60_000)

test('a snapshot that is written while keys are forgotten holds those that stay', async () => {
  const regulars = Array.from({ length: 10 }, (_, k): Row => [BigInt(k), 30])
  const course = fc.record({
    forgetsAt: fc.integer({ min: 0, max: 4 }),
    settlesAt: fc.integer({ min: 1, max: 6 }),
    restartsAt: fc.integer({ min: 2, max: 6 }),
    slowness: fc.integer({ min: 1, max: 60 }),
    budget: fc.constantFrom(1000, 1_000_000),
  })
  await fc.assert(
    fc.asyncProperty(course, async ({ forgetsAt, settlesAt, restartsAt, ...how }) => {
      const only = (at: number): boolean[] => Array.from({ length: 8 }, (_, epoch) => epoch === at)
      const given: Plan = {
        epochs: [
          [...crowdAt(1), ...regulars],
          ...Array.from({ length: 6 }, (_, k): Row[] => [[BigInt(11 + k), 30]]),
          regulars,
        ],
        steps: only(forgetsAt).map((forgets) => (forgets ? 5 : 0)),
        batchSize: 3000,
      }
      const pressed = { ...how, settles: only(settlesAt), restarts: only(restartsAt) }
      const found = await underPressure(pressedOperator(given), pressed)
      expect(found.results).toEqual(expectedOf(given))
    }),
    { numRuns: 150 },
  )
}, 60_000)
