import { StreamError } from '../core/error.ts'
import { isUtf8 } from '../core/node-utf8.ts'
import type { Batch, RejectedRecord } from './batch.ts'
import type { Schema } from './schema.ts'

/** What happens to a row that does not fit the schema; spelled as in Spark, which has no DEADLETTER. */
export type DecodeMode = 'PERMISSIVE' | 'DROPMALFORMED' | 'FAILFAST' | 'DEADLETTER'

/** Takes a record that is left out, and what is wrong with it. */
export type RejectRecord = (why: string, record: string) => void

/**
 * Turns lines of bytes into columns. One object decodes one stream of lines and is not shared.
 * Every line ends in `\n`: a reader adds the one that the end of a file lacks, which lets scanners
 * run without looking at their bounds.
 */
export interface LineDecoder {
  readonly schema: Schema
  /** Rows collected since the last `finish`. */
  readonly rowCount: number
  /** Records left out since the last `finish`, of decoders that tell which. */
  readonly rejectedCount?: number
  /** Rows left out since the last `finish` because nobody wants them. */
  readonly leftOutCount?: number
  /** The lines that follow come from `origin`, from its first line if `atStart`. */
  begin(origin: string, atStart: boolean): void
  /**
   * Decodes whole lines of `bytes[start, end)`, `bytes[end - 1]` being `\n`, and returns where it
   * stopped: `end`, or earlier once `rowLimit` rows are collected. A line that holds several rows may
   * exceed the limit.
   */
  decode(bytes: Uint8Array, start: number, end: number, rowLimit: number): number
  /** The collected rows; the decoder is empty again. */
  finish(): Batch
}

/** Every column of a source may be null whatever the schema says, as in Spark: files promise nothing. */
export function nullableSchema(schema: Schema): Schema {
  return schema.map((field) => ({ ...field, nullable: true }))
}

export const defaultCorruptColumn = '_corrupt_record'

/** The error of mode FAILFAST. */
export function decodeFailed(details: {
  readonly origin: string
  readonly schema: string
  readonly why: string
  readonly row: string
}): StreamError {
  const { row } = details
  const start = row.length > 120 ? `${row.slice(0, 120)}…` : row
  return new StreamError('DECODE_FAILED', { ...details, row: start })
}

/** Where the line that starts at `start` ends: the index of its `\n`. */
export function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  const found = bytes.indexOf(10, start)
  return found < 0 || found >= end ? end : found
}

/** A decoder whose batches carry the records that it left out. */
export function withRejected(make: (reject: RejectRecord) => LineDecoder): LineDecoder {
  let rejected: RejectedRecord[] = []
  let position = ''
  const inner = make((why, record) => {
    rejected.push({ before: inner.rowCount, position, why, record })
  })
  return {
    schema: inner.schema,
    get rowCount() {
      return inner.rowCount
    },
    get rejectedCount() {
      return rejected.length
    },
    get leftOutCount() {
      return inner.leftOutCount ?? 0
    },
    begin(origin, atStart) {
      position = origin
      inner.begin(origin, atStart)
    },
    decode: (bytes, start, end, rowLimit) => inner.decode(bytes, start, end, rowLimit),
    finish() {
      const batch = inner.finish()
      if (rejected.length === 0) return batch
      const found = rejected
      rejected = []
      return { ...batch, rejected: found }
    },
  }
}

/** Hands a line over as a bad record if its bytes are no text, which elsewhere is mended with U+FFFD. */
export function rejectsBytes(line: Uint8Array, reject: RejectRecord): boolean {
  if (isUtf8(line)) return false
  reject('its bytes are not UTF-8; here they are in base64', Buffer.from(line).toString('base64'))
  return true
}
