import type { ColumnOrLiteral } from './column.ts'
import { ofColumn, ofColumns, withValues } from './functions-core.ts'

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
