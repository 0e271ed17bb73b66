import { StreamError, unreachable } from '../core/error.ts'
import type { Batch } from './batch.ts'
import { formatDecimal, parseDecimal } from './decimal-text.ts'
import { forEachRow, rowAt } from './read.ts'
import { type DataType, type Schema, typeText } from './schema.ts'
import { formatDate, parseDate, parseTimestamp } from './time-text.ts'
import type { MapValue, Value } from './value.ts'

/**
 * A row as user code sees it: a plain object by column name. LONG is `bigint` (or `number` with
 * `longAs: "number"`), TIMESTAMP is `Date` when it has whole milliseconds and ISO text with
 * microseconds otherwise, DATE is `YYYY-MM-DD`, DECIMAL is text, BINARY is `Uint8Array`, STRUCT is an
 * object, MAP is a `Map`.
 */
export type EdgeRow = Readonly<Record<string, unknown>>

export interface EdgeOptions {
  readonly longAs?: 'bigint' | 'number'
}

/** The live rows of a batch as objects, in order. */
export function toRows(batch: Batch, options: EdgeOptions = {}): EdgeRow[] {
  const rows: EdgeRow[] = []
  forEachRow(batch, (row) => {
    rows.push(toRow(batch.schema, rowAt(batch, row), options))
  })
  return rows
}

/** One row as an object. */
export function toRow(
  schema: Schema,
  values: readonly Value[],
  options: EdgeOptions = {},
): EdgeRow {
  const row: Record<string, unknown> = {}
  schema.forEach((field, index) => {
    row[field.name] = toEdge(field.type, values[index] ?? null, options)
  })
  return row
}

/** One value in its form for user code. */
export function toEdge(type: DataType, value: Value, options: EdgeOptions = {}): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'long':
      return options.longAs === 'number' ? safeNumber(value as bigint) : value
    case 'decimal':
      return formatDecimal(value as bigint, type.scale)
    case 'date':
      return formatDate(value as number)
    case 'timestamp':
      return timestampToEdge(value as number)
    case 'array':
      return (value as readonly Value[]).map((item) => toEdge(type.element, item, options))
    case 'struct':
      return toRow(type.fields, value as readonly Value[], options)
    case 'map':
      return new Map(
        (value as MapValue).entries.map(([key, item]) => [
          toEdge(type.key, key, options),
          toEdge(type.value, item, options),
        ]),
      )
    case 'boolean':
    case 'byte':
    case 'short':
    case 'int':
    case 'float':
    case 'double':
    case 'string':
    case 'binary':
    case 'void':
      return value
    default:
      return unreachable(type)
  }
}

/**
 * Reads a row given by user code: an object by column name, or a list in column order. Missing columns
 * are NULL.
 * @throws StreamError `CAST_INVALID_INPUT` if a value does not fit its column
 */
export function fromRow(schema: Schema, row: EdgeRow | readonly unknown[]): Value[] {
  if (Array.isArray(row)) {
    return schema.map((field, index) => checked(field.type, field.nullable, row[index]))
  }
  const named = row as EdgeRow
  return schema.map((field) => checked(field.type, field.nullable, named[field.name]))
}

function checked(type: DataType, nullable: boolean, given: unknown): Value {
  const value = fromEdge(type, given)
  if (value === null && !nullable) return misfit(type, given)
  return value
}

/** Reads one value given by user code; `undefined` is NULL. */
export function fromEdge(type: DataType, given: unknown): Value {
  if (given === null || given === undefined) return null
  switch (type.kind) {
    case 'boolean':
      return typeof given === 'boolean' ? given : misfit(type, given)
    case 'byte':
      return integer(type, given, 127)
    case 'short':
      return integer(type, given, 32_767)
    case 'int':
      return integer(type, given, 2_147_483_647)
    case 'long':
      return long(type, given)
    case 'float':
      return typeof given === 'number' ? Math.fround(given) : misfit(type, given)
    case 'double':
      return typeof given === 'number' ? given : misfit(type, given)
    case 'decimal': {
      const text = typeof given === 'number' || typeof given === 'bigint' ? String(given) : given
      const value =
        typeof text === 'string' ? parseDecimal(text, type.precision, type.scale) : undefined
      return value ?? misfit(type, given)
    }
    case 'string':
      return typeof given === 'string' ? given : misfit(type, given)
    case 'binary':
      return given instanceof Uint8Array ? given : misfit(type, given)
    case 'date':
      return dateFrom(type, given)
    case 'timestamp':
      return timestampFrom(type, given)
    case 'array':
      return Array.isArray(given)
        ? given.map((item) => fromEdge(type.element, item))
        : misfit(type, given)
    case 'struct':
      return typeof given === 'object'
        ? fromRow(type.fields, given as EdgeRow | readonly unknown[])
        : misfit(type, given)
    case 'map':
      return mapFrom(type, given)
    case 'void':
      return misfit(type, given)
    default:
      return unreachable(type)
  }
}

function integer(type: DataType, given: unknown, max: number): number {
  const value = typeof given === 'bigint' ? Number(given) : given
  const fits = typeof value === 'number' && Number.isInteger(value)
  return fits && value <= max && value >= -max - 1 ? value + 0 : misfit(type, given)
}

function long(type: DataType, given: unknown): bigint {
  if (typeof given === 'bigint' && BigInt.asIntN(64, given) === given) return given
  // A number beyond 2^53 has already lost digits: refused, never rounded.
  return Number.isSafeInteger(given) ? BigInt(given as number) : misfit(type, given)
}

function dateFrom(type: DataType, given: unknown): number {
  if (given instanceof Date && !Number.isNaN(given.getTime())) {
    return Math.floor(given.getTime() / 86_400_000)
  }
  return (typeof given === 'string' ? parseDate(given) : undefined) ?? misfit(type, given)
}

function timestampFrom(type: DataType, given: unknown): number {
  if (given instanceof Date) {
    const micros = given.getTime() * 1000
    if (Number.isNaN(micros)) return misfit(type, given)
    if (Number.isSafeInteger(micros)) return micros
    throw new StreamError('TIMESTAMP_OUT_OF_RANGE', { value: given.toISOString() })
  }
  return (typeof given === 'string' ? parseTimestamp(given) : undefined) ?? misfit(type, given)
}

function mapFrom(type: Extract<DataType, { kind: 'map' }>, given: unknown): Value {
  if (typeof given !== 'object' || given === null) return misfit(type, given)
  const entries = given instanceof Map ? [...given] : Object.entries(given)
  return {
    entries: entries.map(
      ([key, item]) => [fromEdge(type.key, key), fromEdge(type.value, item)] as const,
    ),
  }
}

function timestampToEdge(micros: number): Date | string {
  if (micros % 1000 === 0) return new Date(micros / 1000)
  const iso = new Date(Math.floor(micros / 1000)).toISOString()
  const rest = micros - Math.floor(micros / 1000) * 1000
  return `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

function safeNumber(value: bigint): number {
  const near = Number(value)
  if (Number.isSafeInteger(near)) return near
  throw new StreamError('ARITHMETIC_OVERFLOW', {
    operation: 'longAs "number"',
    type: 'a safe integer',
    values: String(value),
  })
}

function misfit(type: DataType, given: unknown): never {
  throw new StreamError('CAST_INVALID_INPUT', {
    value: typeof given === 'string' ? JSON.stringify(given) : String(given),
    from: given === null ? 'null' : typeof given,
    to: typeText(type).toUpperCase(),
  })
}
