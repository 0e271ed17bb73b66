import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cell, type Checksum, checksumSink } from '../../bench/checksum.ts'
import type { Batch, Column } from '../../src/batch/batch.ts'
import {
  booleanType,
  doubleType,
  longType,
  type Schema,
  stringType,
  timestampType,
} from '../../src/batch/schema.ts'

const schema: Schema = [
  { name: 'id', type: longType, nullable: true },
  { name: 'at', type: timestampType, nullable: true },
  { name: 'share', type: doubleType, nullable: true },
  { name: 'text', type: stringType, nullable: true },
  { name: 'flag', type: booleanType, nullable: true },
]

type Row = readonly [number | null, number | null, number | null, string | null, boolean | null]

const row = fc.tuple(
  fc.option(fc.maxSafeInteger(), { nil: null }),
  fc.option(fc.maxSafeInteger(), { nil: null }),
  fc.option(fc.double({ noNaN: true }), { nil: null }),
  fc.option(fc.string({ unit: 'grapheme' }), { nil: null }),
  fc.option(fc.boolean(), { nil: null }),
)
const rows = fc.array(row, { maxLength: 30 })

function sumOfValues(list: readonly (readonly Cell[])[]): Checksum {
  const sink = checksumSink(schema)
  for (const cells of list) sink.row(cells)
  return sink.result()
}

function sumOfBatch(batch: Batch): Checksum {
  const sink = checksumSink(schema)
  sink.batch(batch)
  return sink.result()
}

function validityOf(values: readonly unknown[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8))
  for (const [index, value] of values.entries()) {
    if (value !== null) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
  }
  return bits
}

function bytesColumn(values: readonly (string | null)[]): Extract<Column, { layout: 'bytes' }> {
  const parts = values.map((value) => Buffer.from(value ?? '', 'utf8'))
  const offsets = new Int32Array(values.length + 1)
  for (const [index, part] of parts.entries()) {
    offsets[index + 1] = (offsets[index] ?? 0) + part.length
  }
  return { layout: 'bytes', offsets, data: Buffer.concat(parts), validity: validityOf(values) }
}

function dictionaryColumn(values: readonly (string | null)[]): Column {
  const distinct = [...new Set(values.map((value) => value ?? ''))]
  return {
    layout: 'dictionary',
    codes: Int32Array.from(values, (value) => distinct.indexOf(value ?? '')),
    dictionary: bytesColumn(distinct),
    validity: validityOf(values),
  }
}

/** The same rows as columns; the wide layouts are other representations of the same values. */
function batchOf(list: readonly Row[], wide: boolean): Batch {
  const ids = list.map(([id]) => id)
  const times = list.map(([, at]) => at)
  const shares = list.map(([, , share]) => share)
  const texts = list.map(([, , , text]) => text)
  const flags = list.map(([, , , , flag]) => flag)
  const columns: readonly Column[] = [
    wide
      ? {
          layout: 'i64',
          values: BigInt64Array.from(ids, (id) => BigInt(id ?? 0)),
          validity: validityOf(ids),
        }
      : {
          layout: 'f64',
          values: Float64Array.from(ids, (id) => id ?? 0),
          validity: validityOf(ids),
        },
    {
      layout: 'f64',
      values: Float64Array.from(times, (at) => at ?? 0),
      validity: validityOf(times),
    },
    {
      layout: 'f64',
      values: Float64Array.from(shares, (s) => s ?? 0),
      validity: validityOf(shares),
    },
    wide ? dictionaryColumn(texts) : bytesColumn(texts),
    {
      layout: 'bits',
      values: validityOf(flags.map((flag) => (flag === true ? flag : null))),
      validity: validityOf(flags),
    },
  ]
  return { schema, rowCount: list.length, columns }
}

test('rows as values and rows as columns of any layout have the same checksum', () => {
  fc.assert(
    fc.property(rows, fc.boolean(), (list, wide) => {
      expect(sumOfBatch(batchOf(list, wide))).toEqual(sumOfValues(list))
    }),
  )
})

test('the order of the rows does not count', () => {
  fc.assert(
    fc.property(rows, (list) => {
      expect(sumOfValues([...list].reverse())).toEqual(sumOfValues(list))
    }),
  )
})

test('one changed value changes the checksum', () => {
  fc.assert(
    fc.property(
      rows.filter((list) => list.length > 0),
      row,
      fc.nat(),
      fc.nat({ max: 4 }),
      (list, other, place, column) => {
        const at = place % list.length
        const before = list[at]?.[column] ?? null
        const after = other[column] ?? null
        fc.pre(before !== after)
        const changed = list.map((cells, index) =>
          index === at ? cells.map((cell, c) => (c === column ? after : cell)) : cells,
        )
        expect(sumOfValues(changed).hash).not.toBe(sumOfValues(list).hash)
      },
    ),
  )
})

test('a selection leaves the other rows out', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const even = list.flatMap((_, index) => (index % 2 === 0 ? [index] : []))
      const batch = { ...batchOf(list, false), selection: Int32Array.from(even) }
      expect(sumOfBatch(batch)).toEqual(sumOfValues(list.filter((_, index) => index % 2 === 0)))
    }),
  )
})

test('two equal rows are not the same as none', () => {
  const twice: Row = [1, 2, 0.5, 'a', true]
  expect(sumOfValues([twice, twice])).not.toEqual(sumOfValues([]))
  expect(sumOfValues([twice, twice]).rows).toBe(2)
})
