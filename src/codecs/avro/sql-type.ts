import {
  binaryType,
  type DataType,
  dateType,
  doubleType,
  type Field,
  longType,
  stringType,
  timestampType,
  voidType,
} from '../../batch/schema.ts'
import { StreamError, unreachable } from '../../core/error.ts'
import { type AvroSchema, type AvroUnion, valueBranches } from './schema.ts'

/** The type of the values of a schema, and whether NULL is one of them. */
export interface SqlType {
  readonly type: DataType
  readonly nullable: boolean
}

const precisionMax = 38

/**
 * The SQL type of a schema, as Spark has it: unions with null are nullable, other unions structs of
 * `member0`, `member1` and so on, of which one is not NULL.
 * @throws StreamError `SCHEMA_TEXT_INVALID` for what no column holds
 */
export function sqlTypeOfAvro(schema: AvroSchema): SqlType {
  return typeOf(schema, [])
}

/** `around` are the names of the records that the schema stands in. */
function typeOf(schema: AvroSchema, around: readonly string[]): SqlType {
  switch (schema.kind) {
    case 'null':
      return { type: voidType, nullable: true }
    case 'union':
      return unionType(schema, around)
    case 'array': {
      const { type, nullable } = typeOf(schema.items, around)
      return always({ kind: 'array', element: type, containsNull: nullable })
    }
    case 'map': {
      const { type, nullable } = typeOf(schema.values, around)
      return always({ kind: 'map', key: stringType, value: type, valueContainsNull: nullable })
    }
    case 'record': {
      const { name, fields } = schema
      if (around.includes(name)) {
        throw unusable(name, 'the record contains itself, and the type of a column cannot')
      }
      const inside = [...around, name]
      const columns = fields.map((field): Field => {
        return { name: field.name, ...typeOf(field.schema, inside) }
      })
      return always({ kind: 'struct', fields: columns })
    }
    case 'enum':
      return always(stringType)
    case 'fixed':
    case 'bytes':
    case 'int':
    case 'long':
      return always(numberOrBytes(schema))
    case 'boolean':
    case 'float':
    case 'double':
    case 'string':
      return always({ kind: schema.kind })
    default:
      return unreachable(schema)
  }
}

function always(type: DataType): SqlType {
  return { type, nullable: false }
}

function numberOrBytes(
  schema: Extract<AvroSchema, { readonly kind: 'fixed' | 'bytes' | 'int' | 'long' }>,
): DataType {
  const { logical } = schema
  switch (logical?.kind) {
    case 'date':
      return dateType
    case 'timestamp':
      return timestampType
    case 'decimal': {
      const { precision, scale } = logical
      if (precision > precisionMax) {
        throw unusable(
          `decimal(${precision},${scale})`,
          `columns hold up to ${precisionMax} digits`,
        )
      }
      return { kind: 'decimal', precision, scale }
    }
    default:
      return schema.kind === 'int' || schema.kind === 'long' ? { kind: schema.kind } : binaryType
  }
}

function unionType(union: AvroUnion, around: readonly string[]): SqlType {
  const values = valueBranches(union)
  const nullable = values.length < union.branches.length
  const widest = numbersOf(union)
  if (widest !== undefined) return { type: widest, nullable }
  const [first] = values
  if (first === undefined) return { type: voidType, nullable }
  if (values.length === 1) return { ...typeOf(first, around), nullable }
  const fields = values.map((branch, index): Field => {
    return { name: `member${index}`, type: typeOf(branch, around).type, nullable: true }
  })
  return { type: { kind: 'struct', fields }, nullable }
}

/** The type of a union of two kinds of numbers one of which holds the other. */
export function numbersOf(union: AvroUnion): DataType | undefined {
  const values = valueBranches(union)
  if (values.some((branch) => 'logical' in branch && branch.logical !== undefined)) return undefined
  const kinds = values.map(({ kind }) => kind).toSorted()
  switch (kinds.join()) {
    case 'int,long':
      return longType
    case 'double,float':
      return doubleType
    default:
      return undefined
  }
}

function unusable(name: string, why: string): StreamError<'SCHEMA_TEXT_INVALID'> {
  return new StreamError('SCHEMA_TEXT_INVALID', { kind: 'Avro', name, why })
}
