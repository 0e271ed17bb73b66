import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aggregated } from '../../properties/oracles/aggregates.ts'
import { columnOf } from '../../src/batch/build.ts'
import { ByteWriter } from '../../src/batch/byte-writer.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { valueAt } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { ByteReader } from '../../src/batch/value-codec.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import { noContext } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { resolveAggregate } from '../../src/expr/resolve-aggregate.ts'
import type { Accumulator } from '../../src/operators/aggregate/accumulator.ts'
import { makeAccumulator } from '../../src/operators/aggregate/make-accumulator.ts'

const schema = parseSchema(
  'i INT, l BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,2), s STRING, b BOOLEAN, t TIMESTAMP, g STRUCT<p: INT, q: STRING>',
)

const nullable = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(values, { freq: 6 })
const double = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => value / 1000),
)
const cells: readonly fc.Arbitrary<Value>[] = [
  nullable(fc.integer({ min: -4, max: 4 })),
  nullable(
    fc.oneof(
      fc.bigInt({ min: -2n, max: 2n }),
      fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 62n)),
    ),
  ),
  nullable(double),
  nullable(double),
  nullable(fc.bigInt({ min: -300n, max: 300n })),
  nullable(fc.constantFrom('', 'a', 'b', 'é', 'A')),
  nullable(fc.boolean()),
  nullable(fc.integer({ min: 0, max: 5 })),
  nullable(fc.tuple(nullable(fc.integer({ min: 0, max: 1 })), nullable(fc.constantFrom('p', '')))),
]

interface Row {
  readonly group: number
  /** Which of the parts that are merged later takes the row. */
  readonly part: number
  readonly values: readonly Value[]
}

const row: fc.Arbitrary<Row> = fc.record({
  group: fc.nat({ max: 2 }),
  part: fc.nat({ max: 2 }),
  values: fc.tuple(...cells),
})
/** Batches of rows; an epoch ends after every second batch. */
const batches = fc.array(fc.array(row, { maxLength: 8 }), { minLength: 1, maxLength: 5 })

const expressions = [
  ...[
    'count(1)',
    'count(i, s)',
    'sum(i)',
    'sum(d)',
    'try_sum(l)',
    'try_avg(d)',
    'sum(x)',
    'avg(i)',
    'avg(d)',
    'avg(x)',
  ],
  ...['min(l)', 'max(l)', 'min(s)', 'max(d)', 'max(b)', 'min(g)', 'product(x)', 'count_if(b)'],
  ...['stddev(x)', 'stddev_pop(x)', 'variance(x)', 'var_pop(d)', 'skewness(x)', 'kurtosis(x)'],
  ...['stddev(i)', 'skewness(i)', 'kurtosis(i)', 'corr(i, x)', 'corr(x, y)'],
  ...['covar_pop(x, y)', 'covar_samp(x, y)', 'bool_and(b)', 'bool_or(b)'],
  ...['bit_and(l)', 'bit_or(i)', 'bit_xor(l)'],
  ...['first(s)', 'last(s)', 'first(g, true)', 'last(l) IGNORE NULLS', 'any_value(x)'],
  ...['min_by(s, x)', 'max_by(s, i)', 'min_by(l, g)', 'max_by(x, s)', 'rows_with_max(s, i)'],
  ...['collect_list(s)', 'collect_set(i)', 'collect_set(l)', 'collect_set(g)', 'array_agg(x)'],
  ...['count(DISTINCT s)', 'count(DISTINCT l)', 'count(DISTINCT i, s)', 'count(DISTINCT 1)'],
  ...['sum(DISTINCT i)', 'sum(DISTINCT d)', 'avg(DISTINCT x)', 'stddev(DISTINCT i)'],
  ...['collect_list(DISTINCT s)', 'first(DISTINCT b)', 'mode(i)', 'mode(s)', 'mode(g)'],
  ...['median(x)', 'median(d)', 'percentile(i, 0.3)', 'percentile(x, array(0, 0.25, 1))'],
  ...['percentile_approx(x, 0.5)', 'approx_percentile(i, array(0.1, 0.9), 50)'],
  ...['percentile_approx(i, 0.75)', 'percentile_approx(d, 1.0)', 'percentile_approx(t, 0)'],
  ...['approx_count_distinct(s)', 'approx_count_distinct(i, 0.005)'],
]

function callOf(text: string): AggregateCall {
  return resolveAggregate(parseExpression(text), { schema })
}

function add(
  accumulator: Accumulator,
  call: AggregateCall,
  rows: readonly Row[],
  arrival: { readonly epoch: number; readonly first: number } | undefined,
  isMine: (row: Row) => boolean,
): void {
  const columns = call.args.map((arg) =>
    columnOf(
      arg.type,
      rows.map(({ values }) => interpret(arg, (index) => values[index] ?? null, noContext)),
    ),
  )
  const mine = rows.flatMap((each, index) => (isMine(each) ? [index] : []))
  const slots = Int32Array.from(mine, (index) => rows[index]?.group ?? 0)
  accumulator.update(slots, Int32Array.from(mine), mine.length, columns, arrival)
}

function resultsOf(call: AggregateCall, accumulator: Accumulator, slots: readonly number[]) {
  const column = accumulator.finish(Int32Array.from(slots))
  return slots.map((_, at) => valueAt(column, call.type, at))
}

/** Equal, with doubles to nine digits of the larger of both and of 1. */
function close(left: Value, right: Value): boolean {
  if (typeof left === 'number' && typeof right === 'number') {
    if (Object.is(left, right)) return true
    const scale = Math.max(Math.abs(left), Math.abs(right), 1)
    return Math.abs(left - right) <= 1e-9 * scale
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((each, at) => close(each, right[at]))
  }
  return left === right
}

function expectClose(actual: readonly Value[], expected: readonly Value[]): void {
  if (!close(actual, expected)) expect(actual).toEqual(expected)
}

test.each(expressions)('%s is what its definition says, all at once', (text) => {
  const call = callOf(text)
  fc.assert(
    fc.property(batches, (given) => {
      const all = makeAccumulator(call)
      all.resize(3)
      for (const rows of given) add(all, call, rows, undefined, () => true)
      const expected = [0, 1, 2].map((group) =>
        aggregated(
          call,
          given.flat().flatMap((each) => (each.group === group ? [each.values] : [])),
          noContext,
        ),
      )
      expectClose(resultsOf(call, all, [0, 1, 2]), expected)
    }),
    { numRuns: 60 },
  )
})

test.each(expressions)(
  '%s in parts, written, read back and merged in any order, is the same',
  (text) => {
    const call = callOf(text)
    fc.assert(
      fc.property(batches, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (given, order) => {
        const all = makeAccumulator(call)
        all.resize(3)
        const parts = [0, 1, 2].map(() => makeAccumulator(call))
        for (const part of parts) part.resize(3)
        given.forEach((rows, batch) => {
          const first = batch % 2 === 0 ? 0 : (given[batch - 1]?.length ?? 0)
          const arrival = { epoch: batch >> 1, first }
          add(all, call, rows, undefined, () => true)
          parts.forEach((part, at) => {
            add(part, call, rows, arrival, (each) => each.part === at)
          })
        })
        const total = makeAccumulator(call)
        total.resize(4)
        for (const at of order) {
          const part = parts[at]
          const copy = makeAccumulator(call)
          copy.resize(3)
          for (const slot of [0, 1, 2]) {
            const before = encoded(part, slot)
            copy.decode(slot, new ByteReader(before))
            total.merge(slot, copy, slot)
            // Who is merged in stays as it was.
            expect(encoded(copy, slot)).toEqual(before)
            expectClose(resultsOf(call, copy, [slot]), resultsOf(call, part ?? copy, [slot]))
          }
        }
        total.move(2, 3)
        total.clearFrom(2)
        expectClose(resultsOf(call, total, [0, 1]), resultsOf(call, all, [0, 1]))
        const nothing = makeAccumulator(call)
        nothing.resize(3)
        expectClose(resultsOf(call, total, [2]), resultsOf(call, nothing, [2]))
        expect(total.byteLength()).toBeGreaterThanOrEqual(nothing.byteLength())
      }),
      { numRuns: 60 },
    )
  },
)

function encoded(accumulator: Accumulator | undefined, slot: number): Uint8Array {
  const writer = new ByteWriter()
  accumulator?.encode(slot, writer)
  return writer.take()
}
