/**
 * One SQL value outside of columns, as the interpreter, literals and state codecs see it.
 *
 * | type | value |
 * |---|---|
 * | boolean | `boolean` |
 * | byte, short, int, float, double | `number` (−0 is written as 0 in keys) |
 * | long | `bigint` always |
 * | decimal | `bigint`, unscaled |
 * | date | `number`, days since 1970-01-01 |
 * | timestamp | `number`, whole microseconds since 1970 UTC |
 * | string | `string` |
 * | binary | `Uint8Array` |
 * | array | `Value[]` |
 * | struct | `Value[]` in field order |
 * | map | `MapValue`, entries in insertion order |
 * | any | `null` for SQL NULL |
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | MapValue

export interface MapValue {
  readonly entries: readonly (readonly [Value, Value])[]
}
