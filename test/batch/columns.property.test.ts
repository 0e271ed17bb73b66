import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Column } from '../../src/batch/batch.ts'
import { batchOf, columnOf } from '../../src/batch/build.ts'
import { ByteWriter } from '../../src/batch/byte-writer.ts'
import { compareBytes, compareNullable } from '../../src/batch/compare.ts'
import { toRows } from '../../src/batch/edge-row.ts'
import { fromRows } from '../../src/batch/from-rows.ts'
import { gatherRows } from '../../src/batch/gather.ts'
import { encodeKey, encodeKeyAt, KeyReader } from '../../src/batch/key-codec.ts'
import { hashKeys, hashValues } from '../../src/batch/key-hash.ts'
import { bufferOf, packRows } from '../../src/batch/pack.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { DataType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { ByteReader, encodeValue } from '../../src/batch/value-codec.ts'
import { keyType, rowsCase, valueFor, withSelection } from './arbitraries.ts'

const typed = keyType.chain((type) =>
  fc.record({ type: fc.constant(type), left: valueFor(type), right: valueFor(type) }),
)

/** −0 is 0 in SQL, so values are compared after it is gone. */
function plain(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (value instanceof Uint8Array) return [...value]
  return Array.isArray(value) ? value.map(plain) : value
}

test('rows come back from a batch as they went in', () => {
  fc.assert(
    fc.property(rowsCase, ({ schema, rows }) => {
      expect(rowsOf(batchOf(schema, rows)).map(plain)).toEqual(rows.map(plain))
    }),
  )
})

test('rows as objects make a batch that gives the same objects back', () => {
  fc.assert(
    fc.property(rowsCase, fc.integer({ min: 1, max: 3 }), (rows, every) => {
      const objects = toRows(withSelection(rows, every))
      expect(toRows(fromRows(rows.schema, objects)).map(plain)).toEqual(objects.map(plain))
    }),
  )
})

test('packing keeps the selected rows, in one buffer, also through a transfer', () => {
  fc.assert(
    fc.property(rowsCase, fc.integer({ min: 1, max: 3 }), (rows, every) => {
      const batch = withSelection(rows, every)
      const packed = packRows(batch)
      expect(packed.selection).toBeUndefined()
      const buffer = bufferOf(packed)
      const moved = structuredClone(packed, { transfer: buffer === undefined ? [] : [buffer] })
      expect(rowsOf(moved).map(plain)).toEqual(rows.rows.map(plain))
      if (rows.rows.length > 0) expect(buffer?.byteLength).toBe(0)
    }),
  )
})

test('rows gathered from several batches are those rows, in that order', () => {
  const places = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 })
  fc.assert(
    fc.property(rowsCase, places, ({ schema, rows }, wanted) => {
      fc.pre(rows.length > 0)
      // One has no NULL where another does, and integers of another layout.
      const parts = [rows.slice(0, 1), rows, rows.slice(rows.length >> 1)]
      const batches = parts.map((part) => batchOf(schema, part))
      const which = Int32Array.from(wanted, ([part]) => part % parts.length)
      const at = Int32Array.from(wanted, ([, row], k) => row % (parts[which[k] ?? 0]?.length ?? 1))
      const gathered = gatherRows({ batches, which, rows: at })
      const expected = wanted.map((_, k) => parts[which[k] ?? 0]?.[at[k] ?? 0]?.map(plain))
      expect(rowsOf(gathered).map((row) => row.map(plain))).toEqual(expected)
    }),
  )
})

test('key bytes sort as SQL sorts the values, nulls first, and can be read back', () => {
  fc.assert(
    fc.property(typed, ({ type, left, right }) => {
      const bytes = (value: Value): Uint8Array => {
        const writer = new ByteWriter()
        encodeKey(writer, type, value)
        return writer.take()
      }
      const order = compareNullable(type, left, right)
      expect(Math.sign(compareBytes(bytes(left), bytes(right)))).toBe(Math.sign(order))
      expect(plain(new KeyReader(bytes(left)).read(type))).toEqual(plain(left))
    }),
    { numRuns: 500 },
  )
})

test('a value read back from its compact form is the same value', () => {
  fc.assert(
    fc.property(typed, ({ type, left }) => {
      const writer = new ByteWriter()
      encodeValue(writer, type, left)
      expect(plain(new ByteReader(writer.take()).value(type))).toEqual(plain(left))
    }),
  )
})

test('hash and key bytes go by value, never by column layout', () => {
  fc.assert(
    fc.property(rowsCase, ({ schema, rows }) => {
      const types = schema.map((field) => field.type)
      const columns = batchOf(schema, rows).columns
      const variants = columns.map((column, index) =>
        otherLayout(column, types[index], rows, index),
      )
      const hashes = [...hashKeys(columns, types, undefined, rows.length)]
      expect([...hashKeys(variants, types, undefined, rows.length)]).toEqual(hashes)
      expect(rows.map((row) => hashValues(types, row))).toEqual(hashes)
      rows.forEach((row, at) => {
        types.forEach((type, index) => {
          const fromValue = new ByteWriter()
          encodeKey(fromValue, type, row[index] ?? null)
          for (const column of [columns[index], variants[index]]) {
            const fromColumn = new ByteWriter()
            if (column !== undefined) encodeKeyAt(fromColumn, type, column, at)
            expect(fromColumn.take()).toEqual(fromValue.view())
          }
        })
      })
    }),
  )
})

/** The same values in the other layout that their type may have. */
function otherLayout(
  column: Column,
  type: DataType | undefined,
  rows: readonly (readonly Value[])[],
  index: number,
): Column {
  if (type?.kind === 'long' && column.layout === 'f64') {
    const values = BigInt64Array.from(column.values, BigInt)
    return { ...column, layout: 'i64', values }
  }
  if (type?.kind === 'string' && column.layout === 'bytes') {
    const texts = [...new Set(rows.map((row) => (row[index] as string | null) ?? ''))]
    const dictionary = columnOf(type, texts)
    const codes = Int32Array.from(rows, (row) => texts.indexOf((row[index] as string | null) ?? ''))
    if (dictionary.layout !== 'bytes') return column
    const { validity } = column
    return { layout: 'dictionary', codes, dictionary, ...(validity ? { validity } : {}) }
  }
  return column
}

test('a number in the sum of both halves of a long hashes like the big integer', () => {
  const types: DataType[] = [{ kind: 'long' }]
  const hashes = new Set(
    [0n, 1n, -1n, 2n ** 32n, -(2n ** 32n), 2n ** 53n - 1n].map((v) => hashValues(types, [v])),
  )
  expect(hashes.size).toBe(6)
})
