import { unreachable } from '../core/error.ts'
import type { Batch, Column } from './batch.ts'
import type { ColumnBuilder } from './column-builder.ts'
import { BitsBuilder, BytesBuilder, ExactBuilder, NumberBuilder } from './flat-builders.ts'
import { ListBuilder, MapBuilder, StructBuilder, VoidBuilder } from './nested-builders.ts'
import type { DataType, Schema } from './schema.ts'
import type { Value } from './value.ts'

export type { ColumnBuilder } from './column-builder.ts'

/** A builder for values of `type`. */
export function columnBuilder(type: DataType): ColumnBuilder {
  switch (type.kind) {
    case 'boolean':
      return new BitsBuilder()
    case 'byte':
      return new NumberBuilder('i8', (capacity) => new Int8Array(capacity))
    case 'short':
      return new NumberBuilder('i16', (capacity) => new Int16Array(capacity))
    case 'int':
    case 'date':
      return new NumberBuilder('i32', (capacity) => new Int32Array(capacity))
    case 'float':
      return new NumberBuilder('f32', (capacity) => new Float32Array(capacity))
    case 'double':
    case 'timestamp':
      return new NumberBuilder('f64', (capacity) => new Float64Array(capacity))
    case 'long':
      return new ExactBuilder('i64')
    case 'decimal':
      return new ExactBuilder('i128')
    case 'string':
    case 'binary':
      return new BytesBuilder()
    case 'array':
      return new ListBuilder(columnBuilder(type.element))
    case 'map':
      return new MapBuilder(columnBuilder(type.key), columnBuilder(type.value))
    case 'struct':
      return new StructBuilder(type.fields.map((field) => columnBuilder(field.type)))
    case 'void':
      return new VoidBuilder()
    default:
      return unreachable(type)
  }
}

/** The values as one column. */
export function columnOf(type: DataType, values: readonly Value[]): Column {
  const builder = columnBuilder(type)
  for (const value of values) builder.append(value)
  return builder.finish()
}

/** Rows, as lists of values in column order, as a batch. */
export function batchOf(schema: Schema, rows: readonly (readonly Value[])[]): Batch {
  return {
    schema,
    rowCount: rows.length,
    columns: schema.map((field, index) =>
      columnOf(
        field.type,
        rows.map((row) => row[index] ?? null),
      ),
    ),
  }
}

/** Collects whole rows. */
export interface BatchBuilder {
  readonly rowCount: number
  readonly columns: readonly ColumnBuilder[]
  appendRow(values: readonly Value[]): void
  finish(): Batch
}

export function batchBuilder(schema: Schema): BatchBuilder {
  const columns = schema.map((field) => columnBuilder(field.type))
  return {
    columns,
    get rowCount() {
      return columns[0]?.length ?? 0
    },
    appendRow(values) {
      for (let index = 0; index < columns.length; index++) {
        columns[index]?.append(values[index] ?? null)
      }
    },
    finish() {
      const rowCount = columns[0]?.length ?? 0
      return { schema, rowCount, columns: columns.map((column) => column.finish()) }
    },
  }
}
