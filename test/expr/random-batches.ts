import type { Batch, Column } from '../../src/batch/batch.ts'
import { columnOf } from '../../src/batch/build.ts'
import type { DataType, Schema } from '../../src/batch/schema.ts'
import { type Dice, randomValue } from './random-values.ts'

const inner: DataType = {
  kind: 'struct',
  fields: [
    { name: 'a', type: { kind: 'int' }, nullable: true },
    { name: 'b', type: { kind: 'string' }, nullable: true },
    { name: 'c', type: { kind: 'long' }, nullable: true },
    { name: 'd', type: { kind: 'boolean' }, nullable: true },
  ],
}

/** The types that columns have, one column each. */
export const columnTypes: readonly DataType[] = [
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
  { kind: 'decimal', precision: 10, scale: 2 },
  { kind: 'decimal', precision: 38, scale: 6 },
  { kind: 'array', element: { kind: 'string' }, containsNull: true },
  { kind: 'array', element: { kind: 'int' }, containsNull: true },
  { kind: 'map', key: { kind: 'string' }, value: { kind: 'int' }, valueContainsNull: true },
  inner,
  { kind: 'struct', fields: [{ name: 'deep', type: inner, nullable: true }] },
  {
    kind: 'struct',
    fields: [
      { name: 'start', type: { kind: 'timestamp' }, nullable: false },
      { name: 'end', type: { kind: 'timestamp' }, nullable: false },
    ],
  },
]

/** Two columns per type, so that functions of two columns meet different ones. */
export const inputSchema: Schema = columnTypes.flatMap((type, index) => [
  { name: `a${index}`, type, nullable: true },
  { name: `b${index}`, type, nullable: true },
])

/** A batch in which each column has a layout, nulls and a spread of its own; maybe under a selection. */
export function randomBatch(dice: Dice, rowCount: number, used: ReadonlySet<number>): Batch {
  const wideShare = dice.pick([0, 0, 0.3])
  const columns = inputSchema.map((field, index) =>
    used.has(index)
      ? randomColumn(dice, field.type, rowCount, dice.chance(wideShare))
      : ({ layout: 'void' } as const),
  )
  const batch = { schema: inputSchema, rowCount, columns }
  if (dice.chance(0.5)) return batch
  const rows = Array.from({ length: rowCount }, (_, row) => row).filter(() => dice.chance(0.7))
  return { ...batch, selection: Int32Array.from(rows) }
}

function randomColumn(dice: Dice, type: DataType, rowCount: number, wide: boolean): Column {
  if (dice.chance(0.03)) return { layout: 'void' }
  const nulls = dice.pick([0, 0.3])
  if (type.kind === 'struct') {
    // The children have values under null structs too: only the struct's own bits say that it is null.
    const children = type.fields.map((field) => randomColumn(dice, field.type, rowCount, wide))
    return nulls === 0
      ? { layout: 'struct', children }
      : { layout: 'struct', children, validity: randomBits(dice, rowCount) }
  }
  const spread = { nulls, wide }
  const values = Array.from({ length: rowCount }, () => randomValue(dice, type, spread))
  const column = columnOf(type, values)
  return type.kind === 'string' && dice.chance(0.5) ? asDictionary(column, rowCount) : column
}

function randomBits(dice: Dice, rowCount: number): Uint8Array {
  return Uint8Array.from({ length: (rowCount + 7) >> 3 }, () => dice.below(256))
}

function asDictionary(column: Column, rowCount: number): Column {
  if (column.layout !== 'bytes' || rowCount === 0) return column
  const { validity, ...dictionary } = column
  const codes = Int32Array.from({ length: rowCount }, (_, row) => row)
  return {
    layout: 'dictionary',
    codes,
    dictionary,
    ...(validity === undefined ? {} : { validity }),
  }
}
