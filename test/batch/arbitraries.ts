import fc from 'fast-check'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import type { DataType, Schema } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'

/** Types of every kind that may be a key. */
export const keyType: fc.Arbitrary<DataType> = fc.letrec<{ type: DataType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<DataType>(
      { kind: 'boolean' },
      { kind: 'byte' },
      { kind: 'short' },
      { kind: 'int' },
      { kind: 'long' },
      { kind: 'float' },
      { kind: 'double' },
      { kind: 'string' },
      { kind: 'binary' },
      { kind: 'date' },
      { kind: 'timestamp' },
      { kind: 'decimal', precision: 30, scale: 4 },
    ),
    fc.record({
      kind: fc.constant('array' as const),
      element: tie('type'),
      containsNull: fc.constant(true),
    }),
    fc.record({
      kind: fc.constant('struct' as const),
      fields: fc
        .array(tie('type'), { minLength: 1, maxLength: 3 })
        .map((types) => types.map((type, index) => ({ name: `f${index}`, type, nullable: true }))),
    }),
  ),
})).type

const nastyDouble = fc.oneof(
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, Number.MIN_VALUE, 1.5),
  fc.double(),
)

/** A value of a type, NULL included, with the extremes well represented. */
export function valueFor(type: DataType): fc.Arbitrary<Value> {
  return fc.option(presentValue(type), { freq: 6 })
}

function presentValue(type: DataType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'byte':
      return fc.integer({ min: -128, max: 127 })
    case 'short':
      return fc.integer({ min: -32_768, max: 32_767 })
    case 'int':
    case 'date':
      return fc.integer()
    case 'timestamp':
      return fc.maxSafeInteger()
    case 'long':
      return fc.oneof(
        fc.constantFrom(2n ** 53n, 2n ** 53n - 1n, -(2n ** 63n), 2n ** 63n - 1n, 0n),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -5n, max: 5n }),
      )
    case 'decimal':
      return fc.bigInt({ min: -(10n ** 30n) + 1n, max: 10n ** 30n - 1n })
    case 'float':
      return nastyDouble.map(Math.fround)
    case 'double':
      return nastyDouble
    case 'string':
      return fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom('', 'é', '\u0000', '𝄞'),
      )
    case 'binary':
      return fc.uint8Array({ maxLength: 6 })
    case 'array':
      return fc.array(valueFor(type.element), { maxLength: 3 })
    case 'struct':
      return fc.tuple(...type.fields.map((field) => valueFor(field.type)))
    default:
      return fc.constant(null)
  }
}

export interface RowsCase {
  readonly schema: Schema
  readonly rows: readonly (readonly Value[])[]
}

/** Rows of a random schema of key types. */
export const rowsCase: fc.Arbitrary<RowsCase> = fc
  .array(keyType, { minLength: 1, maxLength: 3 })
  .chain((types) => {
    const schema = types.map((type, index) => ({ name: `c${index}`, type, nullable: true }))
    return fc.record({
      schema: fc.constant(schema),
      rows: fc.array(fc.tuple(...types.map(valueFor)), { maxLength: 12 }),
    })
  })

/** The rows with some junk rows between them that a selection leaves out. */
export function withSelection({ schema, rows }: RowsCase, every: number): Batch {
  const padded = rows.flatMap((row, index) =>
    index % every === 0 ? [schema.map(() => null), row] : [row],
  )
  const selection = Int32Array.from(
    padded.flatMap((row, index) => (rows.includes(row) ? [index] : [])),
  )
  return { ...batchOf(schema, padded), selection }
}
