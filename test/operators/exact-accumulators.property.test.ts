import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnOf } from '../../src/batch/build.ts'
import { ByteWriter } from '../../src/batch/byte-writer.ts'
import { valueAt } from '../../src/batch/read.ts'
import { longType } from '../../src/batch/schema.ts'
import { ByteReader } from '../../src/batch/value-codec.ts'
import type { Accumulator } from '../../src/operators/aggregate/accumulator.ts'
import { ExactExtremeAccumulator } from '../../src/operators/aggregate/exact-extreme.ts'
import { ExactSumAccumulator } from '../../src/operators/aggregate/sums.ts'

const limit = 2n ** 63n
const long = fc.oneof(
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n) - 1n, limit - 1n, -limit),
)
const batches = fc.array(
  fc.array(fc.record({ group: fc.nat({ max: 2 }), value: fc.option(long) }), { maxLength: 6 }),
  { minLength: 1, maxLength: 4 },
)

const kinds: Record<
  string,
  { make: () => Accumulator; fold: (values: bigint[]) => bigint | null }
> = {
  min: {
    make: () => new ExactExtremeAccumulator(longType, 'min'),
    fold: (values) => values.reduce<bigint | null>((a, b) => (a === null || b < a ? b : a), null),
  },
  max: {
    make: () => new ExactExtremeAccumulator(longType, 'max'),
    fold: (values) => values.reduce<bigint | null>((a, b) => (a === null || b > a ? b : a), null),
  },
  sum: {
    make: () => new ExactSumAccumulator(longType, longType, false),
    fold: (values) => (values.length === 0 ? null : values.reduce((a, b) => a + b)),
  },
}

test.each(Object.entries(kinds))(
  '%s of longs is exact, merged, written and read back',
  (_, { make, fold }) => {
    fc.assert(
      fc.property(batches, (given) => {
        const groups = [0, 1, 2].map((group) =>
          given.flatMap((rows) =>
            rows.flatMap(({ group: of, value }) => (of === group && value !== null ? [value] : [])),
          ),
        )
        const expected = groups.map(fold)
        fc.pre(expected.every((value) => value === null || BigInt.asIntN(64, value) === value))
        const total = make()
        total.resize(4)
        const parts = [make(), make()]
        for (const part of parts) part.resize(4)
        for (const [index, rows] of given.entries()) {
          const part = parts[index % 2]
          const column = columnOf(
            longType,
            rows.map(({ value }) => value),
          )
          const slots = Int32Array.from(rows, ({ group }) => group)
          part?.update(slots, undefined, rows.length, [column])
        }
        for (const part of parts) for (const slot of [0, 1, 2]) total.merge(slot, part, slot)
        const copy = make()
        copy.resize(4)
        for (const slot of [0, 1, 2]) {
          const writer = new ByteWriter()
          total.encode(slot, writer)
          copy.decode(slot, new ByteReader(writer.take()))
        }
        copy.move(2, 3)
        const column = copy.finish(Int32Array.of(0, 1, 3))
        expect([0, 1, 2].map((row) => valueAt(column, longType, row))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  },
)
