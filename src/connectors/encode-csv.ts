import type { Batch } from '../batch/batch.ts'
import { formatDecimal } from '../batch/decimal-text.ts'
import { valueAt } from '../batch/read.ts'
import type { DataType, Schema } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import { type CsvDialect, csvText } from '../expr/csv-line.ts'
import { doubleText, floatText } from '../expr/number-text.ts'
import { isoWriters } from './encode-json.ts'
import type { TimeWriters } from './time-options.ts'

export interface CsvEncoderOptions {
  readonly dialect: CsvDialect
  /** What NULL is written as; a text that is the same is put in quotes. */
  readonly nullValue: string
  readonly times?: TimeWriters
}

/** The line that names the columns. */
export function csvHeader(schema: Schema, { dialect, nullValue }: CsvEncoderOptions): Uint8Array {
  const names = schema.map(({ name }) => csvText(name, nullValue, dialect))
  return new TextEncoder().encode(`${names.join(dialect.separator)}\n`)
}

/** Lines of CSV for the given physical rows, in their order. */
export function encodeCsv(
  batch: Batch,
  rows: Iterable<number>,
  options: CsvEncoderOptions,
): Uint8Array {
  const { dialect, nullValue, times = isoWriters } = options
  const writers = batch.schema.map(({ type }, index) => {
    const column = batch.columns[index]
    return (row: number): string => {
      const value = column === undefined ? null : valueAt(column, type, row)
      return value === null ? nullValue : csvText(plainText(type, value, times), nullValue, dialect)
    }
  })
  let text = ''
  for (const row of rows) text += `${writers.map((write) => write(row)).join(dialect.separator)}\n`
  return new TextEncoder().encode(text)
}

function plainText(type: DataType, value: unknown, times: TimeWriters): string {
  if (value instanceof Uint8Array)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(value)
  if (typeof value === 'bigint') {
    return type.kind === 'decimal' ? formatDecimal(value, type.scale) : String(value)
  }
  if (typeof value === 'string' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'number') throw new StreamError('INTERNAL', { what: `CSV of ${type.kind}` })
  switch (type.kind) {
    case 'timestamp':
      return times.timestamp(value)
    case 'date':
      return times.date(value)
    case 'double':
      return doubleText(value)
    case 'float':
      return floatText(value)
    default:
      return String(value)
  }
}
