import { batchBuilder } from '../batch/build.ts'
import { parseDecimal } from '../batch/decimal-text.ts'
import {
  type DecodeMode,
  decodeFailed,
  type LineDecoder,
  lineEnd,
  nullableSchema,
  type RejectRecord,
  rejectsBytes,
} from '../batch/line-decoder.ts'
import { type DataType, type Field, type Schema, schemaText, typeText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { StreamError, unreachable } from '../core/error.ts'
import { type CsvDialect, type CsvField, splitCsv } from '../expr/csv-line.ts'
import { parseDouble } from '../expr/number-text.ts'
import { isCorruptColumn } from '../json/reference.ts'
import { isoTimes, misfit, type TimeReaders } from '../json/value.ts'

export interface CsvDecoderOptions {
  /** Every column of a line, in order. */
  readonly schema: Schema
  /** Those to fill, ascending positions in `schema`. Absent = all. */
  readonly columns?: readonly number[]
  readonly dialect: CsvDialect
  /** The first line of every file names its columns. */
  readonly header: boolean
  /** `false`: the names of the header must be those of the schema. */
  readonly enforceSchema: boolean
  readonly nullValue: string
  readonly mode: DecodeMode
  readonly corruptColumn: string
  readonly times?: TimeReaders
  /** Takes bad records in the modes that leave them out. */
  readonly reject?: RejectRecord
}

/** What one line says: a row, and why it is bad if it is. */
interface Parsed {
  readonly values: readonly Value[]
  readonly why: string | undefined
}

/**
 * Reads lines of CSV by Spark's rules: columns by place; a value that does not fit is NULL and makes
 * the row a bad one, as do too few or too many values. A record ends with its line.
 */
export function csvDecoder(options: CsvDecoderOptions): LineDecoder {
  const { schema, dialect, mode, reject = () => undefined } = options
  for (const field of schema) checkType(field)
  const corrupt = schema.findIndex((field) => isCorruptColumn(field, options.corruptColumn))
  const fields = schema.filter((_, index) => index !== corrupt)
  const columns = options.columns ?? schema.map((_, index) => index)
  const filled = nullableSchema(schema.filter((_, index) => columns.includes(index)))
  const parse = rowParser(fields, options)
  const builder = batchBuilder(filled)
  const text = new TextDecoder('utf-8', { ignoreBOM: true })
  let rowCount = 0
  let origin = ''
  let isHeaderNext = false

  const add = (line: string): void => {
    const { values, why } = parse(line)
    if (why !== undefined && (mode === 'DROPMALFORMED' || mode === 'DEADLETTER')) {
      return reject(why, line)
    }
    if (why !== undefined && mode === 'FAILFAST') {
      throw decodeFailed({ origin, schema: schemaText(fields), why, row: line })
    }
    const row = corrupt < 0 ? values : values.toSpliced(corrupt, 0, why === undefined ? null : line)
    builder.appendRow(columns.map((column) => row[column] ?? null))
    rowCount++
  }
  const take = (line: string): void => {
    if (line.trim() === '') return
    if (!isHeaderNext) return add(line)
    isHeaderNext = false
    if (!options.enforceSchema) checkHeader(line, fields, dialect, origin)
  }
  return {
    schema: filled,
    get rowCount() {
      return rowCount
    },
    begin(name, atStart) {
      origin = name
      isHeaderNext = options.header && atStart
    },
    decode(bytes, start, end, rowLimit) {
      let at = start
      while (at < end && rowCount < rowLimit) {
        const stop = lineEnd(bytes, at, end)
        const cut = stop > at && bytes[stop - 1] === 13 ? stop - 1 : stop
        const line = bytes.subarray(at, cut)
        // A header is no record, whatever its bytes are.
        const isRejected = mode === 'DEADLETTER' && !isHeaderNext && rejectsBytes(line, reject)
        if (!isRejected) take(text.decode(line))
        at = stop + 1
      }
      return Math.min(at, end)
    },
    finish() {
      const batch = { ...builder.finish(), rowCount }
      rowCount = 0
      return batch
    },
  }
}

function rowParser(fields: Schema, options: CsvDecoderOptions): (line: string) => Parsed {
  const { dialect, nullValue } = options
  const times = options.times ?? isoTimes
  return (line) => {
    const found = splitCsv(line, dialect)
    if (found === undefined) {
      return { values: fields.map(() => null), why: 'a quote is not closed' }
    }
    let why =
      found.length === fields.length
        ? undefined
        : `${found.length} values for ${fields.length} columns`
    const values = fields.map((field, index) => {
      const given = found[index]
      if (given === undefined || isNull(given, nullValue)) return null
      const value = csvValue(field.type, given.text, times)
      if (value !== misfit) return value
      why ??= `${field.name} is not ${typeText(field.type)}: ${given.text.slice(0, 60)}`
      return null
    })
    return { values, why }
  }
}

function isNull({ text, isQuoted }: CsvField, nullValue: string): boolean {
  return !isQuoted && text === nullValue
}

function csvValue(type: DataType, text: string, times: TimeReaders): Value | typeof misfit {
  switch (type.kind) {
    case 'string':
      return text
    case 'binary':
      return new TextEncoder().encode(text)
    case 'boolean': {
      const word = text.toLowerCase()
      return word === 'true' ? true : word === 'false' ? false : misfit
    }
    case 'byte':
      return integer(text, 8)
    case 'short':
      return integer(text, 16)
    case 'int':
      return integer(text, 32)
    case 'long':
      return whole(text, 64) ?? misfit
    case 'float': {
      const value = parseDouble(text)
      return value === undefined ? misfit : Math.fround(value)
    }
    case 'double':
      return parseDouble(text) ?? misfit
    case 'decimal':
      return parseDecimal(text, type.precision, type.scale) ?? misfit
    case 'date':
      return times.date(text) ?? misfit
    case 'timestamp':
      return times.timestamp(text) ?? misfit
    case 'void':
      return null
    case 'array':
    case 'map':
    case 'struct':
      return misfit
    default:
      return unreachable(type)
  }
}

function whole(text: string, bits: number): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return BigInt.asIntN(bits, value) === value ? value : undefined
}

function integer(text: string, bits: number): number | typeof misfit {
  const value = whole(text, bits)
  return value === undefined ? misfit : Number(value)
}

/** @throws StreamError `SCHEMA_INVALID`: CSV has no nested values */
export function checkType({ name, type }: Field): void {
  if (type.kind === 'array' || type.kind === 'map' || type.kind === 'struct') {
    throw new StreamError('SCHEMA_INVALID', {
      why: `CSV has no place for column ${name} of type ${typeText(type)}`,
    })
  }
}

function checkHeader(line: string, fields: Schema, dialect: CsvDialect, origin: string): void {
  const names = splitCsv(line.replace(/^\uFEFF/, ''), dialect)?.map(({ text }) => text.trim())
  const isSame =
    names?.length === fields.length &&
    fields.every((field, index) => field.name.toLowerCase() === names[index]?.toLowerCase())
  if (isSame) return
  const why = `its header names [${names?.join(', ') ?? line}]`
  throw decodeFailed({ origin, schema: schemaText(fields), why, row: line })
}
