import { parseDecimal } from '../batch/decimal-text.ts'
import type { DataType, Field, Schema } from '../batch/schema.ts'
import { typeText } from '../batch/schema.ts'
import { parseDate, parseTimestamp } from '../batch/time-text.ts'
import type { MapValue, Value } from '../batch/value.ts'
import { StreamError, unreachable } from '../core/error.ts'
import { compactText, type JsonEntry, type JsonNode, textOf } from './text.ts'

/** How text becomes a time; patterns of the user or ISO. `undefined` = it does not. */
export interface TimeReaders {
  readonly timestamp: (text: string) => number | undefined
  readonly date: (text: string) => number | undefined
}

export const isoTimes: TimeReaders = { timestamp: parseTimestamp, date: parseDate }

/** Says that a node does not fit the type asked for. */
export const misfit = Symbol('misfit')

/** Collects why values did not fit; the first one is reported. */
export interface Faults {
  first: string | undefined
}

/**
 * The values of an object in schema order; a missing key is NULL, of a repeated key the last counts.
 * A value that does not fit becomes NULL and is noted in `faults`; the other columns are kept.
 */
export function structFrom(
  fields: Schema,
  entries: readonly JsonEntry[],
  times: TimeReaders,
  faults: Faults,
): Value[] {
  return fields.map((field) => {
    const key = Buffer.from(field.name, 'utf8').toString('latin1')
    const entry = entries.findLast((candidate) => candidate.key === key)
    if (entry === undefined) return null
    const value = valueFrom(field.type, entry.node, times, faults)
    if (value !== misfit) return value
    faults.first ??= describe(field, entry.node)
    return null
  })
}

function describe(field: Field, node: JsonNode): string {
  return `${field.name} is not ${typeText(field.type)}: ${compactText(node).slice(0, 60)}`
}

/** One value by Spark's rules for JSON: no text where a number belongs, integers as seconds for times. */
export function valueFrom(
  type: DataType,
  node: JsonNode,
  times: TimeReaders,
  faults: Faults,
): Value | typeof misfit {
  if (node.kind === 'null') return null
  switch (type.kind) {
    case 'boolean':
      return node.kind === 'true' ? true : node.kind === 'false' ? false : misfit
    case 'byte':
      return integer(node, 127)
    case 'short':
      return integer(node, 32_767)
    case 'int':
      return integer(node, 2_147_483_647)
    case 'long': {
      const exact = wholeNumber(node)
      return exact === undefined || BigInt.asIntN(64, exact) !== exact ? misfit : exact
    }
    case 'float':
    case 'double': {
      const value = floating(node)
      return value === misfit || type.kind === 'double' ? value : Math.fround(value)
    }
    case 'decimal': {
      const text = node.kind === 'string' ? textOf(node.bytes) : numberText(node)
      return text === undefined
        ? misfit
        : (parseDecimal(text, type.precision, type.scale) ?? misfit)
    }
    case 'string':
      return node.kind === 'string' ? textOf(node.bytes) : compactText(node)
    case 'binary':
      return node.kind === 'string' ? base64(textOf(node.bytes)) : misfit
    case 'date':
      return node.kind === 'string' ? (times.date(textOf(node.bytes)) ?? misfit) : misfit
    case 'timestamp':
      return timestamp(node, times)
    case 'array':
      return arrayFrom(type.element, node, times, faults)
    case 'map':
      return mapFrom(type.value, node, times, faults)
    case 'struct':
      return node.kind === 'object' ? structFrom(type.fields, node.entries, times, faults) : misfit
    case 'void':
      return null
    default:
      return unreachable(type)
  }
}

/** JSON has text keys only, and one value per key. */
export function checkJsonSchema(schema: Schema): void {
  const names = new Set<string>()
  for (const field of schema) {
    if (names.has(field.name)) {
      throw new StreamError('SCHEMA_INVALID', { why: `the column ${field.name} occurs twice` })
    }
    names.add(field.name)
    checkType(field.type)
  }
}

function checkType(type: DataType): void {
  if (type.kind === 'struct') checkJsonSchema(type.fields)
  else if (type.kind === 'array') checkType(type.element)
  else if (type.kind === 'map') {
    if (type.key.kind !== 'string') {
      throw new StreamError('SCHEMA_INVALID', {
        why: `the keys of a JSON object are strings, not ${typeText(type.key)}`,
      })
    }
    checkType(type.value)
  }
}

function numberText(node: JsonNode): string | undefined {
  return node.kind === 'number' ? node.text : undefined
}

function wholeNumber(node: JsonNode): bigint | undefined {
  const text = numberText(node)
  return text === undefined || /[.eE]/.test(text) ? undefined : BigInt(text)
}

function integer(node: JsonNode, max: number): number | typeof misfit {
  const exact = wholeNumber(node)
  if (exact === undefined || exact > BigInt(max) || exact < -BigInt(max) - 1n) return misfit
  return Number(exact)
}

function floating(node: JsonNode): number | typeof misfit {
  const text = numberText(node)
  if (text !== undefined) return Number(text)
  if (node.kind !== 'string') return misfit
  switch (textOf(node.bytes)) {
    case 'NaN':
      return Number.NaN
    case 'Infinity':
    case '+Infinity':
    case 'INF':
    case '+INF':
      return Number.POSITIVE_INFINITY
    case '-Infinity':
    case '-INF':
      return Number.NEGATIVE_INFINITY
    default:
      return misfit
  }
}

function timestamp(node: JsonNode, times: TimeReaders): number | typeof misfit {
  if (node.kind === 'string') return times.timestamp(textOf(node.bytes)) ?? misfit
  const seconds = wholeNumber(node)
  if (seconds === undefined) return misfit
  const micros = Number(seconds) * 1_000_000
  return Number.isSafeInteger(micros) ? micros : misfit
}

function base64(text: string): Uint8Array | typeof misfit {
  const fits = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  return fits ? Uint8Array.from(Buffer.from(text, 'base64')) : misfit
}

function arrayFrom(
  element: DataType,
  node: JsonNode,
  times: TimeReaders,
  faults: Faults,
): Value | typeof misfit {
  if (node.kind !== 'array') return misfit
  const values: Value[] = []
  for (const item of node.items) {
    const value = valueFrom(element, item, times, faults)
    if (value === misfit) return misfit
    values.push(value)
  }
  return values
}

function mapFrom(
  type: DataType,
  node: JsonNode,
  times: TimeReaders,
  faults: Faults,
): MapValue | typeof misfit {
  if (node.kind !== 'object') return misfit
  const entries = new Map<string, Value>()
  for (const { key, node: item } of node.entries) {
    const value = valueFrom(type, item, times, faults)
    if (value === misfit) return misfit
    entries.set(textOf(Buffer.from(key, 'latin1')), value)
  }
  return { entries: [...entries] }
}
