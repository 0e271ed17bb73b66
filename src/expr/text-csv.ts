import { parseDecimal } from '../batch/decimal-text.ts'
import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { castValue, integral, valueText } from './cast.ts'
import { parseDouble } from './number-text.ts'
import type { TextOptions } from './text-options.ts'
import { numberOf } from './value-of.ts'

export interface CsvField {
  readonly text: string
  /** An empty value in quotes is a text; without them it is NULL. */
  readonly isQuoted: boolean
}

/** Splits a line of CSV; `undefined` when a quote is never closed. A doubled quote inside is a quote. */
export function csvFields(line: string, options: TextOptions): readonly CsvField[] | undefined {
  const { separator, quote } = options
  const fields: CsvField[] = []
  let at = 0
  for (;;) {
    const isQuoted = quote !== '' && line.startsWith(quote, at)
    const inner = isQuoted ? quotedPart(line, at + quote.length, options) : { text: '', end: at }
    if (inner === undefined) return undefined
    const found = separator === '' ? -1 : line.indexOf(separator, inner.end)
    const stop = found < 0 ? line.length : found
    fields.push({ text: inner.text + line.slice(inner.end, stop), isQuoted })
    if (stop >= line.length) return fields
    at = stop + separator.length
  }
}

function quotedPart(
  line: string,
  start: number,
  { quote, escapeChar }: TextOptions,
): { readonly text: string; readonly end: number } | undefined {
  let text = ''
  let at = start
  while (at < line.length) {
    const character = line.charAt(at)
    const next = line.charAt(at + 1)
    const isEscape = character === escapeChar && (next === quote || next === escapeChar)
    const isDoubled = character === quote && next === quote
    if (next !== '' && (isEscape || isDoubled)) {
      text += next
      at += 2
    } else if (character === quote) return { text, end: at + 1 }
    else {
      text += character
      at++
    }
  }
  return undefined
}

/** A value as it is written: in quotes where the bare text would be read as something else. */
export function csvText(text: string, options: TextOptions): string {
  const { separator, quote, escapeChar, nullValue } = options
  const isPlain =
    text !== '' &&
    text !== nullValue &&
    !text.includes(separator) &&
    !text.includes(quote) &&
    !/^\s|\s$|[\r\n]/.test(text)
  if (isPlain || quote === '') return text
  const isOwnEscape = escapeChar === quote || escapeChar === ''
  const escaped = isOwnEscape ? text : text.replaceAll(escapeChar, () => escapeChar + escapeChar)
  const before = isOwnEscape ? quote : escapeChar
  return quote + escaped.replaceAll(quote, () => before + quote) + quote
}

const stringType: DataType = { kind: 'string' }

/** A value of CSV; `undefined` when it does not fit its type. */
export function fromCsvText(type: DataType, text: string, options: TextOptions): Value | undefined {
  switch (type.kind) {
    case 'string':
      return text
    case 'boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined
    case 'byte':
    case 'short':
    case 'int':
    case 'long':
      return /^[+-]?\d+$/.test(text)
        ? integral(BigInt(text.replace('+', '')), type.kind)
        : undefined
    case 'float':
    case 'double': {
      const value = parseDouble(text)
      return value === undefined || type.kind === 'double' ? value : Math.fround(value)
    }
    case 'decimal':
      return parseDecimal(text, type.precision, type.scale)
    case 'date':
      return options.readDate(text)
    case 'timestamp':
      return options.readTimestamp(text)
    case 'binary':
      return castValue(text, { from: stringType, to: type })
    default:
      return undefined
  }
}

/** A present value as CSV has it, before quotes. */
export function toCsvText(value: Value, type: DataType, options: TextOptions): string {
  if (type.kind === 'timestamp') return options.writeTimestamp(numberOf(value))
  return type.kind === 'date' ? options.writeDate(numberOf(value)) : valueText(value, type)
}
