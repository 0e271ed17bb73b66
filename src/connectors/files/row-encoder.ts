import type { Batch, Column } from '../../batch/batch.ts'
import { bytesAt, forEachRow, valueAt } from '../../batch/read.ts'
import { type Schema, typeText } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import { valueText } from '../../expr/cast.ts'
import { checkType } from '../decode-csv.ts'
import { csvHeader, encodeCsv } from '../encode-csv.ts'
import { encodeJson, isoWriters } from '../encode-json.ts'
import { type CheckedOptions, type OptionSpec, settledOption } from '../option-spec.ts'
import { dateFormatOption, timestampFormatOption, timeWriters } from '../time-options.ts'
import { dialectOf, dialectOptions, headerOption, nullValueOption } from './formats.ts'
import { partitionFolder, partitionPositions } from './partition-path.ts'

/** How the files of one format are written. */
export interface OutputFormat {
  readonly format: string
  readonly extension: string
  readonly options: readonly OptionSpec[]
  /** @throws StreamError `SCHEMA_INVALID` for columns that the format cannot hold */
  encoder(options: CheckedOptions, schema: Schema): RowEncoder
}

export interface RowEncoder {
  readonly head: Uint8Array
  encode(batch: Batch, rows: Iterable<number>): Uint8Array
}

const timeOptions = [timestampFormatOption, dateFormatOption]
const nothing = new Uint8Array(0)

export const jsonOutput: OutputFormat = {
  format: 'json',
  extension: 'json',
  options: timeOptions,
  encoder(options) {
    const times = timeWriters(options, isoWriters)
    return { head: nothing, encode: (batch, rows) => encodeJson(batch, rows, times) }
  },
}

export const csvOutput: OutputFormat = {
  format: 'csv',
  extension: 'csv',
  options: [...timeOptions, ...dialectOptions, nullValueOption, headerOption],
  encoder(options, schema) {
    for (const field of schema) checkType(field)
    const csv = {
      dialect: dialectOf(options),
      nullValue: settledOption(options, nullValueOption),
      times: timeWriters(options, isoWriters),
    }
    const head = settledOption(options, headerOption) ? csvHeader(schema, csv) : nothing
    return { head, encode: (batch, rows) => encodeCsv(batch, rows, csv) }
  },
}

export const textOutput: OutputFormat = {
  format: 'text',
  extension: 'txt',
  options: [],
  encoder(_, schema) {
    if (schema.length !== 1 || schema[0]?.type.kind !== 'string') {
      const found = schema.map(({ name, type }) => `${name} ${typeText(type)}`).join(', ')
      throw new StreamError('SCHEMA_INVALID', {
        why: `text files have one STRING column, not [${found}]`,
      })
    }
    return { head: nothing, encode: textLines }
  },
}

/** NULL is an empty line. */
function textLines(batch: Batch, rows: Iterable<number>): Uint8Array {
  const [column] = batch.columns
  const parts: Uint8Array[] = []
  const newline = Uint8Array.of(10)
  for (const row of rows) {
    parts.push(column === undefined ? nothing : lineOf(column, row), newline)
  }
  return Buffer.concat(parts)
}

function lineOf(column: Column, row: number): Uint8Array {
  const value = valueAt(column, { kind: 'string' }, row)
  if (column.layout === 'bytes' && value !== null) return bytesAt(column, row)
  return new TextEncoder().encode(typeof value === 'string' ? value : '')
}

/** Divides a batch by the folders its rows belong to and encodes each part without the columns in the path. */
export type FolderEncoder = (batch: Batch) => ReadonlyMap<string, Uint8Array>

/**
 * An encoder for rows that lie in `key=value` folders by the columns `partitionBy`. Without a schema each
 * batch is written with the columns it brings, as lines of JSON may be.
 */
export function folderEncoder(
  schema: Schema,
  partitionBy: readonly string[],
  make: (schema: Schema) => RowEncoder,
): { readonly head: Uint8Array; readonly encode: FolderEncoder } {
  const keys = partitionPositions(schema, partitionBy)
  const kept = schema.map((_, index) => index).filter((index) => !keys.includes(index))
  const inner = schema.filter((_, index) => kept.includes(index))
  const { head, encode } = make(inner)
  return {
    head,
    encode(batch) {
      const columns = batch.columns.filter((_, index) => kept.includes(index))
      const part: Batch =
        schema.length === 0 ? batch : { schema: inner, rowCount: batch.rowCount, columns }
      const encoded = new Map<string, Uint8Array>()
      for (const [folder, rows] of byFolder(batch, schema, keys)) {
        encoded.set(folder, encode(part, rows))
      }
      return encoded
    },
  }
}

function byFolder(
  batch: Batch,
  schema: Schema,
  keys: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>()
  forEachRow(batch, (row) => {
    const folder = keys.map((key) => folderAt(batch, schema, key, row)).join('/')
    const rows = groups.get(folder)
    if (rows === undefined) groups.set(folder, [row])
    else rows.push(row)
  })
  return groups
}

function folderAt(batch: Batch, schema: Schema, key: number, row: number): string {
  const field = schema[key]
  const column = batch.columns[key]
  if (field === undefined || column === undefined) {
    throw new StreamError('INTERNAL', { what: `no column ${key} to divide by` })
  }
  const value = valueAt(column, field.type, row)
  return partitionFolder(field.name, value === null ? null : valueText(value, field.type))
}
