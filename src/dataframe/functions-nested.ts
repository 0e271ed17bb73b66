import { plainType } from '../batch/plain-type.ts'
import type { DataType } from '../batch/schema.ts'
import { schemaText, typeText } from '../batch/schema.ts'
import { type CallOptions, optionsOf } from './call-options.ts'
import { type Column, type ColumnOrLiteral, type ColumnOrName, callOf, nameOf } from './column.ts'
import { ofColumn, ofColumns, withValues } from './functions-core.ts'
import { literal } from './literal.ts'

/** A struct of columns; their names are the names of its fields. */
export const struct = ofColumns('struct')
/** A struct of names and values in turn: `named_struct(lit('a'), col('x'))`. */
export const named_struct = ofColumns('named_struct')
/** An array of columns. */
export const array = ofColumns('array')
/** A map of keys and values in turn. */
export const create_map = ofColumns('map')
/** The element of an array by 1-based position, from the end when negative, or of a map by key. */
export const element_at = withValues<[key: ColumnOrLiteral]>('element_at')
/** How many elements; NULL for NULL. */
export const size = ofColumn('size')
/** True where the array holds the value. */
export const array_contains = withValues<[value: ColumnOrLiteral]>('array_contains')
/** The keys of a map. */
export const map_keys = ofColumn('map_keys')
/** The values of a map. */
export const map_values = ofColumn('map_values')

/** The element of an array by 0-based position, NULL where there is none. */
export const get = withValues<[position: ColumnOrLiteral]>('get')
/** Like `element_at`, with NULL where there is no such position. */
export const try_element_at = withValues<[key: ColumnOrLiteral]>('try_element_at')
/** The same as `size`. */
export const cardinality = ofColumn('size')
/** How many elements an array has. */
export const array_size = ofColumn('array_size')
/** Each value once, in the order of first appearance. */
export const array_distinct = ofColumn('array_distinct')
/** The elements in order, NULL first; descending when `ascending` is false, NULL last. */
export const sort_array = withValues<[ascending?: boolean]>('sort_array')
/** Some elements: from a 1-based position, counted from the end when negative. */
export const slice = withValues<[start: ColumnOrLiteral, length: ColumnOrLiteral]>('slice')
/** The elements as one text; NULLs are left out unless there is a text for them. */
export const array_join = withValues<[delimiter: string, nullReplacement?: string]>('array_join')

/**
 * JSON text as a struct, array or map; NULL where the text is not readable. With the option
 * `schema.registry.url` values are BINARY with the frame of a schema registry in front, which is taken off.
 *
 * @param schema - a `StructType` or other type, or DDL text: `'id LONG, tags ARRAY<STRING>'`
 */
export function from_json(
  column: ColumnOrName,
  schema: DataType | string,
  options: CallOptions = {},
): Column {
  return callOf('from_json', nameOf(column), literal(ddlOf(schema)), ...optionsOf(options))
}

/**
 * A struct, array or map as JSON text; LONG as plain digits, NULL fields left out. With the options
 * `schema.registry.url`, `subject` and `jsonSchema` (the text that is registered) it is BINARY, with the
 * frame of a schema registry in front.
 */
export function to_json(column: ColumnOrName, options: CallOptions = {}): Column {
  return callOf('to_json', nameOf(column), ...optionsOf(options))
}

/** A line of CSV as a struct. */
export function from_csv(
  column: ColumnOrName,
  schema: DataType | string,
  options: CallOptions = {},
): Column {
  return callOf('from_csv', nameOf(column), literal(ddlOf(schema)), ...optionsOf(options))
}

/** A struct as a line of CSV. */
export function to_csv(column: ColumnOrName, options: CallOptions = {}): Column {
  return callOf('to_csv', nameOf(column), ...optionsOf(options))
}

/** The part of a JSON text at a path such as `$.a[0].b`, as text. */
export const get_json_object = withValues<[path: string]>('get_json_object')

function ddlOf(schema: DataType | string): string {
  if (typeof schema === 'string') return schema
  const type = plainType(schema)
  return type.kind === 'struct' ? schemaText(type.fields) : typeText(type)
}
