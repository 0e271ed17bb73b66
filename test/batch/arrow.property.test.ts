import { Table, tableFromIPC, tableToIPC } from 'apache-arrow'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toArrow } from '../../src/batch/arrow.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'

const row = fc.tuple(
  fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  fc.option(fc.string({ unit: 'grapheme', maxLength: 5 })),
  fc.option(fc.boolean()),
  fc.option(fc.double({ noNaN: true })),
  fc.option(fc.array(fc.integer(), { maxLength: 3 })),
  fc.option(fc.integer({ min: 0, max: 4_000_000_000 }).map((ms) => ms * 1000)),
)

test('a batch written as Arrow IPC is read back by apache-arrow with the same values', () => {
  const schema = parseSchema('a LONG, b STRING, c BOOLEAN, d DOUBLE, e ARRAY<INT>, f TIMESTAMP')
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const table = tableFromIPC(tableToIPC(new Table([toArrow(batchOf(schema, rows))])))
      const read = table.toArray().map((each) => {
        const [a, b, c, d, e, f] = each.toArray() as unknown[]
        const items = e === null ? null : [...(e as Iterable<number>)]
        return [a, b, c, d, items, f === null ? null : Number(f)]
      })
      const expected = rows.map(([a, b, c, d, e, f]) => [
        a,
        b,
        c,
        d,
        e,
        f === null ? null : f / 1000,
      ])
      expect(read).toEqual(expected)
    }),
  )
})
