import { formatDecimal, parseDecimal } from '../batch/decimal-text.ts'
import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { unreachable } from '../core/error.ts'
import { valueText } from './cast.ts'
import { compactJson, type JsonNode } from './json-node.ts'
import { doubleText, floatText } from './number-text.ts'
import type { TextOptions } from './text-options.ts'
import { bigintOf, bytesOf, listOf, mapOf, numberOf, textOf } from './value-of.ts'

export type Fields = Extract<DataType, { kind: 'struct' }>['fields']

/** A reading of JSON, and whether something in it did not fit and is NULL therefore. */
export interface JsonReading {
  readonly options: TextOptions
  misfits: boolean
}

/**
 * The values of an object in the order of the fields; a missing key is NULL, of a repeated key the
 * last counts. A value that does not fit becomes NULL; the other fields are kept.
 */
export function structFromJson(
  fields: Fields,
  entries: readonly (readonly [string, JsonNode])[],
  reading: JsonReading,
): Value[] {
  return fields.map(({ name, type }) => {
    const entry = entries.findLast(([key]) => key === name)
    if (entry === undefined) return null
    const value = fromJson(type, entry[1], reading)
    if (value === undefined) reading.misfits = true
    return value ?? null
  })
}

/** One value by Spark's rules for JSON: no text where a number belongs; `undefined` when it does not fit. */
export function fromJson(type: DataType, node: JsonNode, reading: JsonReading): Value | undefined {
  if (node.kind === 'null') return null
  switch (type.kind) {
    case 'boolean':
      return node.kind === 'true' ? true : node.kind === 'false' ? false : undefined
    case 'byte':
      return integer(node, 7n)
    case 'short':
      return integer(node, 15n)
    case 'int':
      return integer(node, 31n)
    case 'long':
      return wholeNumber(node, 63n)
    case 'float':
    case 'double': {
      const value = floating(node)
      return value === undefined || type.kind === 'double' ? value : Math.fround(value)
    }
    case 'decimal':
      return node.kind === 'string' || node.kind === 'number'
        ? parseDecimal(node.text, type.precision, type.scale)
        : undefined
    case 'string':
      return node.kind === 'string' ? node.text : compactJson(node)
    case 'binary':
      return node.kind === 'string' ? base64(node.text) : undefined
    case 'date':
      return node.kind === 'string' ? reading.options.readDate(node.text) : undefined
    case 'timestamp':
      return timestamp(node, reading)
    case 'array':
      return node.kind === 'array' ? arrayFrom(type.element, node.items, reading) : undefined
    case 'map':
      return node.kind === 'object' ? mapFrom(type.value, node.entries, reading) : undefined
    case 'struct':
      return node.kind === 'object' ? structFromJson(type.fields, node.entries, reading) : undefined
    case 'void':
      return null
    default:
      return unreachable(type)
  }
}

function wholeNumber(node: JsonNode, bits: bigint): bigint | undefined {
  if (node.kind !== 'number' || /[.eE]/.test(node.text)) return undefined
  const exact = BigInt(node.text)
  const limit = 1n << bits
  return exact < limit && exact >= -limit ? exact : undefined
}

function integer(node: JsonNode, bits: bigint): number | undefined {
  const exact = wholeNumber(node, bits)
  return exact === undefined ? undefined : Number(exact)
}

const specialDoubles: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ...['Infinity', '+Infinity', 'INF', '+INF'].map((text) => [text, Infinity] as const),
  ...['-Infinity', '-INF'].map((text) => [text, -Infinity] as const),
])

function floating(node: JsonNode): number | undefined {
  if (node.kind === 'number') return Number(node.text)
  return node.kind === 'string' ? specialDoubles.get(node.text) : undefined
}

function timestamp(node: JsonNode, { options }: JsonReading): number | undefined {
  if (node.kind === 'string') return options.readTimestamp(node.text)
  const seconds = wholeNumber(node, 63n)
  if (seconds === undefined) return undefined
  const micros = Number(seconds) * 1_000_000
  return Number.isSafeInteger(micros) ? micros : undefined
}

function base64(text: string): Uint8Array | undefined {
  const fits = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  return fits ? Uint8Array.from(Buffer.from(text, 'base64')) : undefined
}

function arrayFrom(
  element: DataType,
  items: readonly JsonNode[],
  reading: JsonReading,
): Value | undefined {
  const values: Value[] = []
  for (const item of items) {
    const value = fromJson(element, item, reading)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}

function mapFrom(
  type: DataType,
  entries: readonly (readonly [string, JsonNode])[],
  reading: JsonReading,
): Value | undefined {
  const found = new Map<string, Value>()
  for (const [key, item] of entries) {
    const value = fromJson(type, item, reading)
    if (value === undefined) return undefined
    found.set(key, value)
  }
  return { entries: [...found] }
}

/** A value as JSON text. Fields that are NULL are left out, as in Spark; elsewhere NULL is `null`. */
export function toJson(value: Value, type: DataType, options: TextOptions): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'string':
      return JSON.stringify(textOf(value))
    case 'binary':
      return `"${Buffer.from(bytesOf(value)).toString('base64')}"`
    case 'timestamp':
      return JSON.stringify(options.writeTimestamp(numberOf(value)))
    case 'date':
      return JSON.stringify(options.writeDate(numberOf(value)))
    case 'float':
      return floatingJson(numberOf(value), floatText)
    case 'double':
      return floatingJson(numberOf(value), doubleText)
    case 'decimal':
      return formatDecimal(bigintOf(value), type.scale)
    case 'array':
      return `[${listOf(value)
        .map((item) => toJson(item, type.element, options))
        .join(',')}]`
    case 'map': {
      const parts = mapOf(value).entries.map(([key, item]) => {
        const name = JSON.stringify(valueText(key, type.key))
        return `${name}:${toJson(item, type.value, options)}`
      })
      return `{${parts.join(',')}}`
    }
    case 'struct': {
      const parts = listOf(value).flatMap((item, index) => {
        const field = type.fields[index]
        if (item === null || field === undefined) return []
        return [`${JSON.stringify(field.name)}:${toJson(item, field.type, options)}`]
      })
      return `{${parts.join(',')}}`
    }
    default:
      return String(value)
  }
}

/** What is no JSON number is written as text, which reading understands. */
function floatingJson(value: number, text: (value: number) => string): string {
  return Number.isFinite(value) ? text(value) : `"${text(value)}"`
}
