import { formatDecimal, parseDecimal, rescale } from '../batch/decimal-text.ts'
import { type DataType, isNumeric, sameType, typeText } from '../batch/schema.ts'
import { formatDate, formatTimestamp, parseDate, parseTimestamp } from '../batch/time-text.ts'
import type { Value } from '../batch/value.ts'
import { StreamError, unreachable } from '../core/error.ts'
import { doubleText, floatText, parseDouble, parseInteger, trimAll } from './number-text.ts'
import { bigintOf, booleanOf, bytesOf, listOf, mapOf, numberOf, textOf } from './value-of.ts'

const microsPerDay = 86_400_000_000
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** True when `CAST(from AS to)` is allowed at all; a value may still not fit. */
export function canCast(from: DataType, to: DataType): boolean {
  if (from.kind === 'void' || sameType(from, to)) return true
  if (to.kind === 'string') return true
  if (from.kind === 'string') return isAtomic(to)
  if (isNumeric(from)) return isNumeric(to) || ['boolean', 'timestamp'].includes(to.kind)
  switch (from.kind) {
    case 'boolean':
      return isNumeric(to)
    case 'date':
      return to.kind === 'timestamp'
    case 'timestamp':
      return to.kind === 'date' || isNumeric(to)
    case 'array':
      return to.kind === 'array' && canCast(from.element, to.element)
    case 'map':
      return to.kind === 'map' && canCast(from.key, to.key) && canCast(from.value, to.value)
    case 'struct':
      return (
        to.kind === 'struct' &&
        from.fields.length === to.fields.length &&
        from.fields.every((field, index) => canCast(field.type, to.fields[index]?.type ?? to))
      )
    default:
      return false
  }
}

function isAtomic(type: DataType): boolean {
  return !['array', 'map', 'struct', 'void'].includes(type.kind)
}

export interface CastTypes {
  readonly from: DataType
  readonly to: DataType
  /** `try_cast`: NULL for what does not fit, also inside of lists and structs. */
  readonly safe?: boolean
}

/**
 * Casts one value by Spark's ANSI rules.
 * @throws StreamError `CAST_INVALID_INPUT` or `TIMESTAMP_OUT_OF_RANGE` unless `safe`
 */
export function castValue(value: Value, types: CastTypes): Value {
  const { from, to, safe = false } = types
  if (value === null) return null
  if (sameType(from, to)) return value
  const cast = castAny(value, from, to, safe)
  if (cast !== undefined) return cast
  if (safe) return null
  if (to.kind === 'timestamp' && isNumeric(from)) {
    throw new StreamError('TIMESTAMP_OUT_OF_RANGE', { value: valueText(value, from) })
  }
  throw invalid(value, from, to)
}

function invalid(value: Value, from: DataType, to: DataType): StreamError<'CAST_INVALID_INPUT'> {
  const text = valueText(value, from)
  return new StreamError('CAST_INVALID_INPUT', {
    value: from.kind === 'string' ? JSON.stringify(text) : text,
    from: typeText(from).toUpperCase(),
    to: typeText(to).toUpperCase(),
  })
}

/** `undefined` when the value does not fit. */
function castAny(value: Value, from: DataType, to: DataType, safe: boolean): Value | undefined {
  switch (to.kind) {
    case 'boolean':
      return toBoolean(value, from)
    case 'byte':
    case 'short':
    case 'int':
    case 'long':
      return toIntegral(value, from, to.kind)
    case 'float': {
      const number = toDouble(value, from)
      return number === undefined ? undefined : Math.fround(number)
    }
    case 'double':
      return toDouble(value, from)
    case 'decimal':
      return toDecimal(value, from, to)
    case 'string':
      return valueText(value, from)
    case 'binary':
      return from.kind === 'string' ? encoder.encode(textOf(value)) : undefined
    case 'date':
      if (from.kind === 'timestamp') return Math.floor(numberOf(value) / microsPerDay)
      return from.kind === 'string' ? parseDate(trimAll(textOf(value))) : undefined
    case 'timestamp':
      return toTimestamp(value, from)
    case 'array':
    case 'map':
    case 'struct':
      return castNested(value, from, to, safe)
    case 'void':
      return undefined
    default:
      return unreachable(to)
  }
}

const trueTexts = ['t', 'true', 'y', 'yes', '1']
const falseTexts = ['f', 'false', 'n', 'no', '0']

function toBoolean(value: Value, from: DataType): boolean | undefined {
  if (from.kind === 'string') {
    const text = trimAll(textOf(value)).toLowerCase()
    return trueTexts.includes(text) ? true : falseTexts.includes(text) ? false : undefined
  }
  if (from.kind === 'long' || from.kind === 'decimal') return bigintOf(value) !== 0n
  return isNumeric(from) ? numberOf(value) !== 0 : undefined
}

const ranges = { byte: 127n, short: 32_767n, int: 2_147_483_647n, long: 2n ** 63n - 1n }

/** A whole number as the given type, or `undefined` when it leaves the range. */
export function integral(value: bigint, kind: keyof typeof ranges): Value | undefined {
  const most = ranges[kind]
  if (value > most || value < -most - 1n) return undefined
  return kind === 'long' ? value : Number(value)
}

function toIntegral(value: Value, from: DataType, kind: keyof typeof ranges): Value | undefined {
  const whole = toWhole(value, from)
  return whole === undefined ? undefined : integral(whole, kind)
}

function toWhole(value: Value, from: DataType): bigint | undefined {
  switch (from.kind) {
    case 'byte':
    case 'short':
    case 'int':
      return BigInt(numberOf(value))
    case 'long':
      return bigintOf(value)
    case 'float':
    case 'double': {
      const truncated = Math.trunc(numberOf(value))
      return Number.isFinite(truncated) ? BigInt(truncated) : undefined
    }
    case 'decimal':
      return bigintOf(value) / 10n ** BigInt(from.scale)
    case 'boolean':
      return booleanOf(value) ? 1n : 0n
    case 'timestamp':
      return BigInt(Math.floor(numberOf(value) / 1_000_000))
    case 'string':
      return parseInteger(textOf(value))
    default:
      return undefined
  }
}

/** A value of a numeric, boolean, timestamp or text type as a double. */
export function toDouble(value: Value, from: DataType): number | undefined {
  switch (from.kind) {
    case 'byte':
    case 'short':
    case 'int':
    case 'float':
    case 'double':
      return numberOf(value)
    case 'long':
      return Number(bigintOf(value))
    case 'decimal':
      return Number(formatDecimal(bigintOf(value), from.scale))
    case 'boolean':
      return booleanOf(value) ? 1 : 0
    case 'timestamp':
      return numberOf(value) / 1_000_000
    case 'string':
      return parseDouble(textOf(value))
    default:
      return undefined
  }
}

type DecimalType = Extract<DataType, { kind: 'decimal' }>

function toDecimal(value: Value, from: DataType, to: DecimalType): bigint | undefined {
  switch (from.kind) {
    case 'string':
      return parseDecimal(trimAll(textOf(value)), to.precision, to.scale)
    case 'float':
    case 'double':
      return parseDecimal(String(numberOf(value)), to.precision, to.scale)
    case 'decimal':
      return within(rescale(bigintOf(value), from.scale, to.scale), to)
    case 'timestamp':
      return within(rescale(BigInt(numberOf(value)), 6, to.scale), to)
    default: {
      const whole = toWhole(value, from)
      return whole === undefined ? undefined : within(rescale(whole, 0, to.scale), to)
    }
  }
}

function within(unscaled: bigint, type: DecimalType): bigint | undefined {
  const limit = 10n ** BigInt(type.precision)
  return unscaled < limit && unscaled > -limit ? unscaled : undefined
}

function toTimestamp(value: Value, from: DataType): number | undefined {
  switch (from.kind) {
    case 'string':
      return parseTimestamp(trimAll(textOf(value)))
    case 'date':
      return safe(numberOf(value) * microsPerDay)
    case 'float':
    case 'double':
      return safe(Math.trunc(numberOf(value) * 1_000_000))
    case 'decimal': {
      const micros = (bigintOf(value) * 1_000_000n) / 10n ** BigInt(from.scale)
      return safe(Number(micros))
    }
    default: {
      const seconds = toWhole(value, from)
      return seconds === undefined ? undefined : safe(Number(seconds * 1_000_000n))
    }
  }
}

function safe(micros: number): number | undefined {
  return Number.isSafeInteger(micros) ? micros + 0 : undefined
}

function castNested(value: Value, from: DataType, to: DataType, safe: boolean): Value | undefined {
  if (from.kind === 'array' && to.kind === 'array') {
    const types = { from: from.element, to: to.element, safe }
    return listOf(value).map((item) => castValue(item, types))
  }
  if (from.kind === 'map' && to.kind === 'map') {
    const keys = { from: from.key, to: to.key, safe }
    const values = { from: from.value, to: to.value, safe }
    const entries = mapOf(value).entries.map(
      ([key, item]) => [castValue(key, keys), castValue(item, values)] as const,
    )
    // A map has no NULL keys: a key that does not fit spoils the whole map.
    return entries.some(([key]) => key === null) ? undefined : { entries }
  }
  if (from.kind === 'struct' && to.kind === 'struct') {
    return listOf(value).map((item, index) => {
      const source = from.fields[index]
      const target = to.fields[index]
      if (source === undefined || target === undefined) return null
      return castValue(item, { from: source.type, to: target.type, safe })
    })
  }
  return undefined
}

/** A value as text, as `CAST(x AS STRING)` writes it: `1.0`, `2016-03-27 09:00:05`, `{1, a}`, `[1, 2]`. */
export function valueText(value: Value, type: DataType): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'float':
      return floatText(numberOf(value))
    case 'double':
      return doubleText(numberOf(value))
    case 'decimal':
      return formatDecimal(bigintOf(value), type.scale)
    case 'date':
      return formatDate(numberOf(value))
    case 'timestamp':
      return formatTimestamp(numberOf(value))
    case 'binary':
      return decoder.decode(bytesOf(value))
    case 'array':
      return `[${listOf(value)
        .map((item) => valueText(item, type.element))
        .join(', ')}]`
    case 'struct':
      return `{${listOf(value)
        .map((item, index) => valueText(item, type.fields[index]?.type ?? { kind: 'void' }))
        .join(', ')}}`
    case 'map':
      return `{${mapOf(value)
        .entries.map(
          ([key, item]) => `${valueText(key, type.key)} -> ${valueText(item, type.value)}`,
        )
        .join(', ')}}`
    default:
      return String(value)
  }
}
