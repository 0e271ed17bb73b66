import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnOf } from '../../src/batch/build.ts'
import { ByteWriter } from '../../src/batch/byte-writer.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { valueAt } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { resolveAggregate } from '../../src/expr/resolve-aggregate.ts'
import type { Accumulator } from '../../src/operators/aggregate/accumulator.ts'
import { makeAccumulator } from '../../src/operators/aggregate/make-accumulator.ts'

const schema = parseSchema('l BIGINT, s STRING, x DOUBLE')

function callOf(text: string): AggregateCall {
  return resolveAggregate(parseExpression(text), { schema })
}

function made(call: AggregateCall): Accumulator {
  const accumulator = makeAccumulator(call)
  accumulator.resize(1)
  return accumulator
}

function add(accumulator: Accumulator, call: AggregateCall, values: readonly Value[]): void {
  const [argument] = call.args
  if (argument === undefined) throw new RangeError('the aggregate has no argument')
  const column = columnOf(argument.type, values)
  accumulator.update(new Int32Array(values.length), undefined, values.length, [column])
}

function resultOf(accumulator: Accumulator, call: AggregateCall): Value {
  return valueAt(accumulator.finish(Int32Array.of(0)), call.type, 0)
}

function stateBytes(accumulator: Accumulator): number {
  const writer = new ByteWriter()
  accumulator.encode(0, writer)
  return writer.length
}

const deviations = [0.2, 0.05, 0.01]

test.each(deviations)(
  'approx_count_distinct(…, %d) is within four deviations, over any split',
  (sd) => {
    const errors: number[] = []
    const law = fc.property(
      fc.constantFrom('l', 's'),
      fc.integer({ min: 1, max: 60_000 }),
      fc.bigInt({ min: 0n, max: 2n ** 40n }),
      fc.integer({ min: 1, max: 4 }),
      (column, distinct, start, parts) => {
        const call = callOf(`approx_count_distinct(${column}, ${sd})`)
        const all = Array.from({ length: distinct }, (_, index): Value => {
          const value = start + BigInt(index)
          return column === 'l' ? value : `user-${value}`
        })
        const accumulators = Array.from({ length: parts }, () => made(call))
        // Every value comes twice, to different parts.
        accumulators.forEach((accumulator, part) => {
          const isMine = (_: Value, index: number): boolean =>
            index % parts === part || (index + 1) % parts === part
          add(accumulator, call, all.filter(isMine))
        })
        const total = made(call)
        for (const accumulator of accumulators) total.merge(0, accumulator, 0)
        const error = Number(resultOf(total, call)) / distinct - 1
        errors.push(error)
        // Small counts are whole numbers.
        expect(Math.abs(error)).toBeLessThanOrEqual(4 * sd + 0.5 / distinct)
        expect(stateBytes(total)).toBeLessThanOrEqual(2 ** (call.accuracy ?? 0) + 5)
      },
    )
    fc.assert(law, { numRuns: 60, seed: 5 })
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
    expect(Math.abs(mean)).toBeLessThanOrEqual((3 * sd) / Math.sqrt(errors.length))
    expect(deviation).toBeLessThanOrEqual(1.2 * sd)
    expect(deviation).toBeGreaterThan(sd / 20)
  },
)

/** Shapes that make summaries work hard: sorted, one value, few values, two scales. */
const shapes: Readonly<Record<string, (random: () => number, index: number) => number>> = {
  random: (random) => random(),
  ascending: (_, index) => index,
  descending: (_, index) => -index,
  equal: () => 7,
  few: (random) => Math.floor(random() * 5),
  skewed: (random, index) => (index % 10 === 0 ? random() * 1e9 : random()),
}

test.each(Object.entries(shapes))(
  'percentile_approx of %s numbers has the rank that was asked for, within rows ÷ accuracy',
  (_name, shape) => {
    const law = fc.property(
      fc.integer({ min: 1, max: 30_000 }),
      fc.constantFrom(20, 100, 1000),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(),
      (count, accuracy, parts, seed) => {
        const percentages = [0, 0.01, 0.25, 0.5, 0.9, 1]
        const call = callOf(`percentile_approx(x, array(${percentages.join(', ')}), ${accuracy})`)
        const random = seededRandom(seed).next
        const values = Array.from({ length: count }, (_, index) => shape(random, index))
        const total = made(call)
        const size = Math.ceil(count / parts)
        for (let from = 0; from < count; from += size) {
          const part = made(call)
          for (let at = from; at < Math.min(count, from + size); at += 1500) {
            add(part, call, values.slice(at, Math.min(at + 1500, from + size)))
          }
          total.merge(0, part, 0)
        }
        const sorted = Float64Array.from(values).sort()
        const result = resultOf(total, call)
        percentages.forEach((percentage, at) => {
          const value = Array.isArray(result) ? Number(result[at]) : Number.NaN
          const rank = Math.max(1, Math.ceil(percentage * count))
          const lowest = sorted.findIndex((each) => each >= value) + 1
          const highest = sorted.findLastIndex((each) => each <= value) + 1
          // The value is one of the given ones, and one of its ranks is near enough.
          expect(sorted[lowest - 1]).toBe(value)
          const error = Math.max(0, lowest - rank, rank - highest)
          expect(error).toBeLessThanOrEqual(count / accuracy)
        })
        const numbers = stateBytes(total) / 8
        expect(numbers).toBeLessThanOrEqual(Math.max(3000, accuracy * 12))
      },
    )
    fc.assert(law, { numRuns: 25, seed: 9 })
  },
)

test('percentile_approx is exact while there are fewer rows than half the accuracy', () => {
  const call = callOf('percentile_approx(x, 0.37, 1000)')
  const values = Array.from({ length: 499 }, (_, index) => ((index * 193) % 499) * 2)
  const whole = made(call)
  add(whole, call, values)
  expect(resultOf(whole, call)).toBe(Math.ceil(0.37 * 499) * 2 - 2)
})
