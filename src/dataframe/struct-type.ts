import { parseSchema, parseType } from '../batch/ddl.ts'
import { plainFields, plainType } from '../batch/plain-type.ts'
import type { TypedField } from '../batch/row-type.ts'
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
export interface StructType<Fields extends readonly Field[] = readonly Field[]> {
  readonly kind: 'struct'
  /** Their types make the TypeScript type of rows, see `DataFrame.as`. */
  readonly fields: Fields
  /** The names of the fields, in order. */
  readonly names: readonly string[]
  /**
   * The same with one field more.
   *
   * @param type - a type of the `types` helpers, or DDL text such as `'array<string>'`
   * @param nullable - whether the field may be NULL; default `true`
   */
  add<const Name extends string, const T extends DataType | string, const B extends boolean = true>(
    name: Name,
    type: T,
    nullable?: B,
  ): StructType<readonly [...Fields, TypedField<Name, TypeOfText<T>, B>]>
  /** The same with a field made by `StructField`. */
  add<const F extends Field>(field: F): StructType<readonly [...Fields, F]>
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
export function StructType<const Fields extends readonly Field[] = readonly []>(
  fields?: Fields,
): StructType<Fields> {
  // Types follow the fields one by one; the compiler cannot see that of a growing list.
  return structType(fields ?? []) as unknown as StructType<Fields>
}

function structType(fields: readonly Field[]): Omit<StructType, 'add'> {
  const add = (
    first: string | Field,
    type?: DataType | string,
    nullable: boolean = true,
  ): Omit<StructType, 'add'> => {
    if (typeof first !== 'string') return structType([...fields, first])
    if (type === undefined) {
      throw new StreamError('SCHEMA_INVALID', { why: `the field ${first} has no type` })
    }
    return structType([...fields, StructField(first, type, nullable)])
  }
  const made = {
    kind: 'struct' as const,
    fields,
    names: fields.map((field) => field.name),
    add,
    simpleString: () => typeText({ kind: 'struct', fields }),
    toDdl: () => schemaText(fields),
  }
  return made
}

/** One field of a `StructType`. */
export function StructField<
  const Name extends string,
  const T extends DataType | string,
  const B extends boolean = true,
>(name: Name, type: T, nullable?: B): TypedField<Name, TypeOfText<T>, B> {
  const plain = plainType(typeof type === 'string' ? parseType(type) : type)
  // What the text or helper says is what it is parsed to.
  return { name, type: plain as TypeOfText<T>, nullable: (nullable ?? true) as B }
}

/** The data type that a DDL text of one word stands for; any for longer texts. */
export type TypeOfText<T> = T extends DataType
  ? T
  : T extends string
    ? Lowercase<T> extends keyof TextTypes
      ? TextTypes[Lowercase<T>]
      : DataType
    : DataType

interface TextTypes {
  readonly boolean: typeof booleanType
  readonly byte: typeof byteType
  readonly tinyint: typeof byteType
  readonly short: typeof shortType
  readonly smallint: typeof shortType
  readonly int: typeof intType
  readonly integer: typeof intType
  readonly long: typeof longType
  readonly bigint: typeof longType
  readonly float: typeof floatType
  readonly double: typeof doubleType
  readonly string: typeof stringType
  readonly binary: typeof binaryType
  readonly date: typeof dateType
  readonly timestamp: typeof timestampType
}

/** `true` or `false`. */
export const BooleanType = (): typeof booleanType => booleanType
/** 8 bits with sign. */
export const ByteType = (): typeof byteType => byteType
/** 16 bits with sign. */
export const ShortType = (): typeof shortType => shortType
/** 32 bits with sign. */
export const IntegerType = (): typeof intType => intType
/** 64 bits with sign; a `bigint` in rows. */
export const LongType = (): typeof longType => longType
/** 32-bit floating point. */
export const FloatType = (): typeof floatType => floatType
/** 64-bit floating point, JavaScript's `number`. */
export const DoubleType = (): typeof doubleType => doubleType
/** UTF-8 text. */
export const StringType = (): typeof stringType => stringType
/** Bytes; a `Uint8Array` in rows. */
export const BinaryType = (): typeof binaryType => binaryType
/** A day of the calendar; `YYYY-MM-DD` in rows. */
export const DateType = (): typeof dateType => dateType
/** A moment with microseconds; a `Date` in rows. */
export const TimestampType = (): typeof timestampType => timestampType

/** An exact decimal number; text in rows. Spark's default is 10 digits, none behind the point. */
export function DecimalType(
  precision: number = 10,
  scale: number = 0,
): Extract<DataType, { kind: 'decimal' }> {
  const whole = Number.isInteger(precision) && Number.isInteger(scale)
  if (!whole || precision < 1 || precision > 38 || scale < 0 || scale > precision) {
    throw new StreamError('SCHEMA_INVALID', {
      why: `decimal(${precision},${scale}) is outside 1 to 38 digits with at most as many behind the point`,
    })
  }
  return { kind: 'decimal', precision, scale }
}

/** A list of values of one type; an array in rows. */
export function ArrayType<const E extends DataType>(
  element: E,
  containsNull: boolean = true,
): { readonly kind: 'array'; readonly element: E; readonly containsNull: boolean } {
  // The same type without methods.
  return { kind: 'array', element: plainType(element) as E, containsNull }
}

/** Values by key; a `Map` in rows. */
export function MapType<const K extends DataType, const V extends DataType>(
  key: K,
  value: V,
  valueContainsNull: boolean = true,
): {
  readonly kind: 'map'
  readonly key: K
  readonly value: V
  readonly valueContainsNull: boolean
} {
  // The same types without methods.
  return { kind: 'map', key: plainType(key) as K, value: plainType(value) as V, valueContainsNull }
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
