import type { Batch, BytesColumn, Column } from '../batch/batch.ts'
import { isValid } from '../batch/batch.ts'
import { formatDecimal } from '../batch/decimal-text.ts'
import { bytesAt, textAt, valueAt } from '../batch/read.ts'
import type { DataType } from '../batch/schema.ts'
import { formatDate, formatTimestamp } from '../batch/time-text.ts'
import { StreamError } from '../core/error.ts'
import { doubleText, floatText } from '../expr/number-text.ts'
import type { TimeWriters } from './time-options.ts'

/** The JSON text of one row of a column; `undefined` for NULL. */
type Writer = (row: number) => string | undefined

/** `2016-03-27T09:00:05.000Z` as Spark writes it, with six decimals only if there are microseconds. */
export const isoWriters: TimeWriters = {
  timestamp(micros) {
    const [date = '', clock = ''] = formatTimestamp(micros).split(' ')
    const [seconds = '', fraction = ''] = clock.split('.')
    return `${date}T${seconds}.${fraction.padEnd(fraction.length > 3 ? 6 : 3, '0')}Z`
  },
  date: formatDate,
}

/** Lines of JSON for the given physical rows, in their order. Fields that are NULL are left out, as in Spark. */
export function encodeJson(
  batch: Batch,
  rows: Iterable<number>,
  times: TimeWriters = isoWriters,
): Uint8Array {
  const types = batch.schema.map(({ name, type }) => ({ name, type }))
  const write = objectWriter(types, batch.columns, times)
  let text = ''
  for (const row of rows) text += `${write(row)}\n`
  return new TextEncoder().encode(text)
}

function objectWriter(
  fields: readonly { readonly name: string; readonly type: DataType }[],
  columns: readonly Column[],
  times: TimeWriters,
): (row: number) => string {
  const parts = fields.flatMap(({ name, type }, index) => {
    const column = columns[index]
    if (column === undefined) return []
    return [{ key: `${JSON.stringify(name)}:`, write: writerFor(type, column, times) }]
  })
  return (row) => {
    let text = ''
    for (const { key, write } of parts) {
      const value = write(row)
      if (value !== undefined) text += text === '' ? key + value : `,${key}${value}`
    }
    return `{${text}}`
  }
}

function writerFor(type: DataType, column: Column, times: TimeWriters): Writer {
  if (column.layout === 'void') return () => undefined
  const write = presentWriter(type, column, times)
  const { validity } = column
  return validity === undefined ? write : (row) => (isValid(validity, row) ? write(row) : undefined)
}

/** For rows that are not null. */
function presentWriter(type: DataType, column: Column, times: TimeWriters): Writer {
  switch (column.layout) {
    case 'bytes':
      return type.kind === 'binary'
        ? (row) => `"${base64(column, row)}"`
        : (row) => JSON.stringify(textAt(column, row))
    case 'dictionary': {
      const { codes, dictionary } = column
      return (row) => JSON.stringify(textAt(dictionary, codes[row] ?? 0))
    }
    case 'struct':
      return type.kind === 'struct'
        ? objectWriter(type.fields, column.children, times)
        : mismatch(column, type)
    case 'list': {
      const element = type.kind === 'array' ? type.element : mismatch(column, type)
      const write = writerFor(element, column.child, times)
      return (row) => `[${between(column.offsets, row, (at) => write(at) ?? 'null').join(',')}]`
    }
    case 'map': {
      const map = type.kind === 'map' ? type : mismatch(column, type)
      const key = writerFor(map.key, column.keys, times)
      const write = writerFor(map.value, column.values, times)
      const entry = (at: number) => `${quoted(key(at) ?? 'null')}:${write(at) ?? 'null'}`
      return (row) => `{${between(column.offsets, row, entry).join(',')}}`
    }
    default:
      return plainWriter(type, column, times)
  }
}

function plainWriter(type: DataType, column: Column, times: TimeWriters): Writer {
  const value = (row: number) => valueAt(column, type, row)
  const number = (row: number) => Number(value(row))
  switch (type.kind) {
    case 'timestamp':
      return (row) => JSON.stringify(times.timestamp(number(row)))
    case 'date':
      return (row) => JSON.stringify(times.date(number(row)))
    case 'double':
      return (row) => floating(number(row), doubleText)
    case 'float':
      return (row) => floating(number(row), floatText)
    case 'decimal':
      return (row) => formatDecimal(BigInt(String(value(row))), type.scale)
    default:
      return (row) => String(value(row))
  }
}

/** What is no JSON number is written as text, which the decoder understands. */
function floating(value: number, text: (value: number) => string): string {
  return Number.isFinite(value) ? text(value) : `"${text(value)}"`
}

/** Keys of objects are strings, whatever the type of the key. */
function quoted(json: string): string {
  return json.startsWith('"') ? json : JSON.stringify(json)
}

function base64(column: BytesColumn, row: number): string {
  return Buffer.from(bytesAt(column, row)).toString('base64')
}

function between<T>(offsets: Int32Array, row: number, write: (at: number) => T): T[] {
  const items: T[] = []
  const end = offsets[row + 1] ?? 0
  for (let at = offsets[row] ?? 0; at < end; at++) items.push(write(at))
  return items
}

function mismatch(column: Column, type: DataType): never {
  throw new StreamError('INTERNAL', { what: `a ${column.layout} column as ${type.kind}` })
}
