import type { Batch, Column } from '../../../batch/batch.ts'
import { type ColumnBuilder, columnBuilder } from '../../../batch/build.ts'
import {
  binaryType,
  type DataType,
  intType,
  longType,
  type Schema,
  stringType,
  timestampType,
} from '../../../batch/schema.ts'
import type { Value } from '../../../batch/value.ts'
import type { TopicPartition } from '../transaction-requests.ts'
import type { RecordReader } from './record-reader.ts'

/** Of the column `headers`, read or written. */
export const headersType: DataType = {
  kind: 'array',
  element: {
    kind: 'struct',
    fields: [
      { name: 'key', type: stringType, nullable: true },
      { name: 'value', type: binaryType, nullable: true },
    ],
  },
  containsNull: true,
}

/** The columns of every topic; `headers` only where they are asked for. */
export function recordSchema(hasHeaders: boolean): Schema {
  const columns: Schema = [
    { name: 'key', type: binaryType, nullable: true },
    { name: 'value', type: binaryType, nullable: true },
    { name: 'topic', type: stringType, nullable: false },
    { name: 'partition', type: intType, nullable: false },
    { name: 'offset', type: longType, nullable: false },
    { name: 'timestamp', type: timestampType, nullable: true },
    { name: 'timestampType', type: intType, nullable: false },
  ]
  return hasHeaders ? [...columns, { name: 'headers', type: headersType, nullable: true }] : columns
}

/** Collects records of one partition as the columns that are wanted. */
export interface RecordColumns {
  readonly rowCount: number
  /** `timestampType`: 0 = the producer's time, 1 = the broker's. */
  append(record: RecordReader, timestampType: number): void
  /** The records so far; it is empty again. */
  finish(): Batch
}

type Append = (record: RecordReader, timestampType: number) => void

/** `schema`: some of the columns of `recordSchema`. */
export function recordColumns(schema: Schema, of: TopicPartition): RecordColumns {
  const parts = schema.map((field) => columnPart(field.name, columnBuilder(field.type)))
  const appends = parts.flatMap(({ append }) => (append === undefined ? [] : [append]))
  const topic = new TextEncoder().encode(of.topic)
  let rowCount = 0
  return {
    get rowCount() {
      return rowCount
    },
    append(record, timestampType) {
      for (const append of appends) append(record, timestampType)
      rowCount += 1
    },
    finish() {
      const columns = schema.map(({ name }, at) => {
        if (name === 'topic') return sameText(topic, rowCount)
        if (name === 'partition') return sameNumber(of.partition, rowCount)
        return (parts[at] as ColumnPart).builder.finish()
      })
      const batch: Batch = { schema, rowCount, columns }
      rowCount = 0
      return batch
    },
  }
}

interface ColumnPart {
  readonly builder: ColumnBuilder
  /** Absent where all records have the same. */
  readonly append?: Append
}

function columnPart(name: string, builder: ColumnBuilder): ColumnPart {
  switch (name) {
    case 'key':
      return {
        builder,
        append(record) {
          if (record.keyEnd < 0) builder.appendNull()
          else builder.appendUtf8(record.bytes, record.keyStart, record.keyEnd)
        },
      }
    case 'value':
      return {
        builder,
        append(record) {
          if (record.valueEnd < 0) builder.appendNull()
          else builder.appendUtf8(record.bytes, record.valueStart, record.valueEnd)
        },
      }
    case 'offset':
      return { builder, append: (record) => builder.appendNumber(record.offset) }
    case 'timestamp':
      return {
        builder,
        append(record) {
          // Records of producers that know no time.
          if (record.timestamp < 0) builder.appendNull()
          else builder.appendNumber(record.timestamp * 1000)
        },
      }
    case 'timestampType':
      return { builder, append: (_, timestampType) => builder.appendNumber(timestampType) }
    case 'headers':
      return { builder, append: (record) => builder.append(headersOf(record)) }
    default:
      return { builder }
  }
}

const decoder = new TextDecoder()

/** NULL for a record without headers, as in Spark. */
function headersOf(record: RecordReader): Value {
  if (record.headerCount === 0) return null
  const { bytes } = record
  const headers: Value[] = []
  record.headers((keyStart, keyEnd, valueStart, valueEnd) => {
    const key = decoder.decode(bytes.subarray(keyStart, keyEnd))
    headers.push([key, valueEnd < 0 ? null : bytes.slice(valueStart, valueEnd)])
  })
  return headers
}

function sameText(text: Uint8Array, rowCount: number): Column {
  const dictionary = {
    layout: 'bytes',
    offsets: Int32Array.of(0, text.length),
    data: text,
  } as const
  return { layout: 'dictionary', codes: new Int32Array(rowCount), dictionary }
}

function sameNumber(value: number, rowCount: number): Column {
  return { layout: 'i32', values: new Int32Array(rowCount).fill(value) }
}
