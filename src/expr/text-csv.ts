import { parseDecimal } from '../batch/decimal-text.ts'
import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { castValue, integral, valueText } from './cast.ts'
import { parseDouble } from './number-text.ts'
import type { TextOptions } from './text-options.ts'
import { numberOf } from './value-of.ts'

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
