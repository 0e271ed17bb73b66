import {
  type Batch,
  type BytesColumn,
  type Column,
  isValid,
  rowNumbers,
} from '../../batch/batch.ts'
import { valueAt } from '../../batch/read.ts'
import { intType, type Schema, stringType } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import { encodeJson } from '../encode-json.ts'
import { murmur2 } from './murmur2.ts'
import { headersType } from './records/record-columns.ts'
import type { RecordHeader, RecordPart } from './records/record-writer.ts'

/** How the rows of a query become records. */
export interface RowLayout {
  /** In place of a column `topic`. */
  readonly topic: string | undefined
  /** `json`: the value is the whole row. */
  readonly valueFormat: 'columns' | 'json'
  readonly hasHeaders: boolean
}

/** Takes the records of a batch, one after the other. */
export type TakeRecord = (
  topic: string,
  /** `undefined`: wherever it belongs by its key. */
  partition: number | undefined,
  key: RecordPart | undefined,
  value: RecordPart | undefined,
  headers: readonly RecordHeader[] | undefined,
) => void

/**
 * Columns to records, as Spark's sink wants them: `value` of STRING or BINARY, and, if they are there, `key` of STRING
 * or BINARY, `headers`, `topic` of STRING and `partition` of INT.
 *
 * @throws StreamError `KAFKA_SINK_COLUMNS` when a column is missing or of another type
 */
export function checkSinkColumns(schema: Schema, { topic, valueFormat }: RowLayout): void {
  const textOrBytes = ['string', 'binary']
  const wanted: readonly (readonly [name: string, kinds: readonly string[], isNeeded: boolean])[] =
    [
      ['value', textOrBytes, true],
      ['key', textOrBytes, false],
      ['topic', ['string'], topic === undefined],
      ['partition', ['int'], false],
      ['headers', ['array'], false],
    ]
  // The whole row is the value: what its columns are called does not matter.
  if (valueFormat === 'json') {
    if (topic !== undefined) return
    throw columnError('topic', 'the option topic', schema)
  }
  for (const [name, kinds, isNeeded] of wanted) {
    const field = schema.find((each) => each.name.toLowerCase() === name)
    if (field === undefined ? !isNeeded : kinds.includes(field.type.kind)) continue
    throw columnError(name, kinds.join(' or ').toUpperCase(), schema)
  }
}

function columnError(
  column: string,
  expected: string,
  schema: Schema,
): StreamError<'KAFKA_SINK_COLUMNS'> {
  const available = schema.map(({ name, type }) => `${name} ${type.kind}`).join(', ')
  return new StreamError('KAFKA_SINK_COLUMNS', { column, expected, available })
}

/** Hands over every row of a batch as a record. */
export function recordsOf(batch: Batch, layout: RowLayout, take: TakeRecord): void {
  const rows = rowNumbers(batch)
  if (layout.valueFormat === 'json') return jsonRecords(batch, rows, layout, take)
  const columnOf = (name: string): Column | undefined => {
    const at = batch.schema.findIndex((field) => field.name.toLowerCase() === name)
    return at < 0 ? undefined : batch.columns[at]
  }
  const [key, value] = [partReader(columnOf('key')), partReader(columnOf('value'))]
  const [topics, partitions] = [columnOf('topic'), columnOf('partition')]
  const headers = layout.hasHeaders ? columnOf('headers') : undefined
  for (const row of rows) {
    const topic = layout.topic ?? textOf(topics, row)
    const partition = partitions && valueAt(partitions, intType, row)
    take(
      topic,
      typeof partition === 'number' ? partition : undefined,
      key(row),
      value(row),
      headers && headersOf(headers, row),
    )
  }
}

/** The topics that the rows of a batch go to. */
export function topicsOf(batch: Batch, { topic }: RowLayout): ReadonlySet<string> {
  if (topic !== undefined) return new Set([topic])
  const at = batch.schema.findIndex((field) => field.name.toLowerCase() === 'topic')
  return new Set(Array.from(rowNumbers(batch), (row) => textOf(batch.columns[at], row)))
}

function jsonRecords(
  batch: Batch,
  rows: ArrayLike<number> & Iterable<number>,
  { topic = '' }: RowLayout,
  take: TakeRecord,
): void {
  const bytes = encodeJson(batch, rows)
  let start = 0
  for (let row = 0; row < rows.length; row++) {
    // A line feed inside a text is written as an escape.
    const end = bytes.indexOf(10, start)
    take(topic, undefined, undefined, { bytes, start, end }, undefined)
    start = end + 1
  }
}

/** The bytes of a row of a column of texts or bytes, where they lie; `undefined` for NULL. */
function partReader(column: Column | undefined): (row: number) => RecordPart | undefined {
  if (column === undefined || column.layout === 'void') return () => undefined
  const [bytes, rowOf] = bytesOf(column)
  const { validity } = column
  return (row) => {
    if (!isValid(validity, row)) return undefined
    const at = rowOf(row)
    return {
      bytes: bytes.data,
      start: bytes.offsets[at] as number,
      end: bytes.offsets[at + 1] as number,
    }
  }
}

function bytesOf(column: Column): readonly [BytesColumn, (row: number) => number] {
  if (column.layout === 'bytes') return [column, (row) => row]
  if (column.layout === 'dictionary') {
    return [column.dictionary, (row) => column.codes[row] as number]
  }
  throw new StreamError('INTERNAL', { what: `a ${column.layout} column as bytes of a record` })
}

function textOf(column: Column | undefined, row: number): string {
  const text = column && valueAt(column, stringType, row)
  if (typeof text === 'string') return text
  throw new StreamError('KAFKA_TOPIC_NULL', {})
}

const encoder = new TextEncoder()

function headersOf(column: Column, row: number): readonly RecordHeader[] | undefined {
  const list = valueAt(column, headersType, row)
  if (!Array.isArray(list)) return undefined
  return list.flatMap((header) => {
    if (!Array.isArray(header)) return []
    const [key, value] = header
    return [
      {
        key: encoder.encode(typeof key === 'string' ? key : ''),
        value: value instanceof Uint8Array ? value : undefined,
      },
    ]
  })
}

/**
 * Chooses the partition of each record as Kafka's own producers do: by the hash of its key, or without a key the same
 * one for a while and then the next.
 */
export interface Partitioner {
  choose(key: RecordPart | undefined, partitions: number): number
  /** Records without keys go elsewhere from now on. */
  moveOn(): void
}

export function partitioner(): Partitioner {
  let current = 0
  return {
    choose(key, partitions) {
      if (key === undefined) return current % partitions
      return (murmur2(key.bytes, key.start, key.end) & 0x7fffffff) % partitions
    },
    moveOn() {
      current += 1
    },
  }
}
