import { type BatchBuilder, batchBuilder } from '../batch/build.ts'
import {
  type DecodeMode,
  decodeFailed,
  type LineDecoder,
  lineEnd,
  nullableSchema,
  type RejectRecord,
  rejectsBytes,
} from '../batch/line-decoder.ts'
import type { DataType, Schema } from '../batch/schema.ts'
import { schemaText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import type { WantedValues } from '../batch/wanted-values.ts'
import { JsonFault, type JsonNode, parseJson, textOf } from './text.ts'
import { checkJsonSchema, type Faults, isoTimes, structFrom, type TimeReaders } from './value.ts'

export interface JsonDecoderOptions {
  /** The columns to fill, in order: a part of the schema of the source, nested parts included. */
  readonly columns: Schema
  readonly mode: DecodeMode
  /** Holds the text of a bad row, if `columns` has a string column of this name. */
  readonly corruptColumn: string
  readonly times?: TimeReaders
  /** Rows that lack one of these may be left out. */
  readonly wanted?: readonly WantedValues[]
  /** Takes bad records in the modes that leave them out. */
  readonly reject?: RejectRecord
}

/** Decodes one line, obviously: the reference that the scanner is held to, and its fallback. */
export type JsonLine = (
  bytes: Uint8Array,
  start: number,
  end: number,
  origin: string,
) => readonly (readonly Value[])[]

/**
 * Reads lines of JSON by Spark's rules. A root object is one row, a root array one row per element. A
 * value that does not fit its column nulls that column alone; text that is no JSON nulls the row.
 */
export function jsonLine(options: JsonDecoderOptions): JsonLine {
  const { columns, mode, corruptColumn, reject = () => undefined } = options
  checkJsonSchema(columns)
  const times = options.times ?? isoTimes
  const corrupt = columns.findIndex((field) => isCorruptColumn(field, corruptColumn))
  const fields = columns.filter((_, index) => index !== corrupt)

  const row = (values: Value[], text: string | null): Value[] =>
    corrupt < 0 ? values : values.toSpliced(corrupt, 0, text)

  const settle = (values: Value[], why: string | undefined, text: string, origin: string) => {
    if (why === undefined) return [row(values, null)]
    if (mode === 'DROPMALFORMED' || mode === 'DEADLETTER') {
      reject(why, text)
      return []
    }
    if (mode === 'PERMISSIVE') return [row(values, text)]
    throw decodeFailed({ origin, schema: schemaText(columns), why, row: text })
  }

  return (bytes, start, end, origin) => {
    const line = bytes.subarray(start, end)
    if (mode === 'DEADLETTER' && rejectsBytes(line, reject)) return []
    // Invalid UTF-8 becomes U+FFFD before anything is read, so that strings in columns are always text.
    const clean = new TextEncoder().encode(textOf(line))
    const text = textOf(clean).trim()
    if (text === '') return []
    const roots = rootsOf(clean)
    if (roots instanceof JsonFault) {
      return settle(new Array(fields.length).fill(null), roots.message, text, origin)
    }
    return roots.flatMap((root) => {
      if (root.kind !== 'object') {
        const nulls = new Array(fields.length).fill(null)
        return settle(nulls, 'a row is a JSON object', text, origin)
      }
      const faults: Faults = { first: undefined }
      const values = structFrom(fields, root.entries, times, faults)
      return settle(values, faults.first, text, origin)
    })
  }
}

/** True for the column that takes the text of bad rows. */
export function isCorruptColumn(
  field: { readonly name: string; readonly type: DataType },
  corruptColumn: string,
): boolean {
  return field.type.kind === 'string' && field.name.toLowerCase() === corruptColumn.toLowerCase()
}

function rootsOf(line: Uint8Array): readonly JsonNode[] | JsonFault {
  try {
    const root = parseJson(line, 0, line.length)
    return root.kind === 'array' ? root.items : [root]
  } catch (thrown) {
    if (thrown instanceof JsonFault) return thrown
    throw thrown
  }
}

/** A decoder made of `jsonLine` alone: slow, and obviously right. */
export function referenceJsonDecoder(options: JsonDecoderOptions): LineDecoder {
  const schema = nullableSchema(options.columns)
  const decodeLine = jsonLine(options)
  return lineByLine(schema, decodeLine)
}

/** A decoder that collects what `decodeLine` makes of each line. */
export function lineByLine(schema: Schema, decodeLine: JsonLine): LineDecoder {
  const builder: BatchBuilder = batchBuilder(schema)
  let rowCount = 0
  let origin = ''
  return {
    schema,
    get rowCount() {
      return rowCount
    },
    begin(name) {
      origin = name
    },
    decode(bytes, start, end, rowLimit) {
      let at = start
      while (at < end && rowCount < rowLimit) {
        const stop = lineEnd(bytes, at, end)
        for (const values of decodeLine(bytes, at, stop, origin)) {
          builder.appendRow(values)
          rowCount++
        }
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
