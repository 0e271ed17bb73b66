import { parseSchema, parseType } from '../batch/ddl.ts'
import {
  binaryType,
  booleanType,
  byteType,
  type DataType,
  dateType,
  doubleType,
  type Field,
  floatType,
  intType,
  longType,
  type Schema,
  schemaText,
  shortType,
  stringType,
  timestampType,
  typeText,
} from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'

/** A list of named, typed columns; also the type of a struct column. Immutable. */
export interface StructType {
  readonly kind: 'struct'
  readonly fields: readonly Field[]
  /** The names of the fields, in order. */
  readonly names: readonly string[]
  /**
   * The same with one field more.
   *
   * @param type - a type of the `types` helpers, or DDL text such as `'array<string>'`
   * @param nullable - whether the field may be NULL; default `true`
   */
  add(name: string, type: DataType | string, nullable?: boolean): StructType
  /** The same with a field made by `StructField`. */
  add(field: Field): StructType
  /** The type as text, for example `struct<id:bigint,name:string>`. */
  simpleString(): string
  /** The fields as DDL text, which `.schema(…)` reads back. */
  toDdl(): string
}

/** Where a schema may be given: built with the `types` helpers, a list of fields, or DDL text. */
export type SchemaLike = StructType | Schema | string

/**
 * Builds a schema, or the type of a struct column. Called without `new`.
 *
 * @example
 * ```ts
 * import { LongType, StringType, StructField, StructType } from 'millrace/types'
 *
 * const schema = StructType([StructField('id', LongType(), false)]).add('name', StringType())
 * const same = StructType().add('id', 'long', false).add('name', 'string')
 * if (schema.simpleString() !== same.simpleString()) throw new Error('differ')
 * ```
 */
export function StructType(fields: readonly Field[] = []): StructType {
  const add = (
    first: string | Field,
    type?: DataType | string,
    nullable: boolean = true,
  ): StructType => {
    if (typeof first !== 'string') return StructType([...fields, first])
    if (type === undefined) {
      throw new StreamError('SCHEMA_INVALID', { why: `the field ${first} has no type` })
    }
    return StructType([...fields, StructField(first, type, nullable)])
  }
  return {
    kind: 'struct',
    fields,
    names: fields.map((field) => field.name),
    add,
    simpleString: () => typeText({ kind: 'struct', fields }),
    toDdl: () => schemaText(fields),
  }
}

/** One field of a `StructType`. */
export function StructField(
  name: string,
  type: DataType | string,
  nullable: boolean = true,
): Field {
  return { name, type: plainType(typeof type === 'string' ? parseType(type) : type), nullable }
}

/** `true` or `false`. */
export const BooleanType = (): DataType => booleanType
/** 8 bits with sign. */
export const ByteType = (): DataType => byteType
/** 16 bits with sign. */
export const ShortType = (): DataType => shortType
/** 32 bits with sign. */
export const IntegerType = (): DataType => intType
/** 64 bits with sign; a `bigint` in rows. */
export const LongType = (): DataType => longType
/** 32-bit floating point. */
export const FloatType = (): DataType => floatType
/** 64-bit floating point, JavaScript's `number`. */
export const DoubleType = (): DataType => doubleType
/** UTF-8 text. */
export const StringType = (): DataType => stringType
/** Bytes; a `Uint8Array` in rows. */
export const BinaryType = (): DataType => binaryType
/** A day of the calendar; `YYYY-MM-DD` in rows. */
export const DateType = (): DataType => dateType
/** A moment with microseconds; a `Date` in rows. */
export const TimestampType = (): DataType => timestampType

/** An exact decimal number; text in rows. Spark's default is 10 digits, none behind the point. */
export function DecimalType(precision: number = 10, scale: number = 0): DataType {
  const whole = Number.isInteger(precision) && Number.isInteger(scale)
  if (!whole || precision < 1 || precision > 38 || scale < 0 || scale > precision) {
    throw new StreamError('SCHEMA_INVALID', {
      why: `decimal(${precision},${scale}) is outside 1 to 38 digits with at most as many behind the point`,
    })
  }
  return { kind: 'decimal', precision, scale }
}

/** A list of values of one type; an array in rows. */
export function ArrayType(element: DataType, containsNull: boolean = true): DataType {
  return { kind: 'array', element: plainType(element), containsNull }
}

/** Values by key; a `Map` in rows. */
export function MapType(
  key: DataType,
  value: DataType,
  valueContainsNull: boolean = true,
): DataType {
  return { kind: 'map', key: plainType(key), value: plainType(value), valueContainsNull }
}

/**
 * Reads a schema in any of its forms as plain data, which plans and workers need.
 * @throws StreamError `SCHEMA_INVALID`
 */
export function schemaFrom(given: SchemaLike): Schema {
  if (typeof given === 'string') return parseSchema(given)
  const fields = 'fields' in given ? given.fields : given
  if (!Array.isArray(fields)) {
    throw new StreamError('SCHEMA_INVALID', { why: `${typeof given} is not a schema` })
  }
  return plainFields(fields)
}

/** The type without the methods that a `StructType` carries. */
export function plainType(type: DataType): DataType {
  switch (type.kind) {
    case 'struct':
      return { kind: 'struct', fields: plainFields(type.fields) }
    case 'array':
      return { ...type, element: plainType(type.element) }
    case 'map':
      return { ...type, key: plainType(type.key), value: plainType(type.value) }
    default:
      return type
  }
}

function plainFields(fields: readonly Field[]): Schema {
  return fields.map(({ name, type, nullable }) => ({ name, type: plainType(type), nullable }))
}
