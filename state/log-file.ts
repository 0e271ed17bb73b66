import { crc32c } from '../src/core/crc32c.ts'
import { StreamError } from '../src/core/error.ts'
import { corrupt } from './corrupt.ts'
import { checkpointFormat } from './manifest.ts'

/** A file of the log: readable JSON that names its place and carries a checksum of its text. */
export interface LogFile<Entry> {
  readonly number: number
  /** When it was written, by the clock of its writer; retention goes by it. */
  readonly atMs: number
  readonly entry: Entry
}

/** The bytes of a log file. The checksum covers everything but itself, so that swapped files are noticed too. */
export function encodeLogFile<Entry>(file: LogFile<Entry>): Uint8Array {
  const body = `"number":${file.number},"atMs":${file.atMs},"entry":${JSON.stringify(file.entry)}}\n`
  return new TextEncoder().encode(
    `{"format":${checkpointFormat},"checksum":"${checksum(checkpointFormat, body)}",${body}`,
  )
}

/**
 * Reads a log file back.
 * @throws StreamError `CHECKPOINT_NEWER_FORMAT`, `CHECKPOINT_CORRUPT`
 */
export function decodeLogFile<Entry>(
  path: string,
  bytes: Uint8Array,
  isEntry: (found: unknown) => found is Entry,
): LogFile<Entry> {
  const text = new TextDecoder().decode(bytes)
  const format = Number(/^\{"format":(\d{1,9})[,}]/.exec(text)?.[1] ?? Number.NaN)
  if (Number.isNaN(format)) throw corrupt(path, 'it does not begin like a log entry')
  // A newer version may check its files differently, so this comes before the checksum.
  if (format > checkpointFormat) throw newerFormat(path, format)
  const [head = '', written = ''] = /^\{"format":\d+,"checksum":"([0-9a-f]{8})",/.exec(text) ?? []
  const body = text.slice(head.length)
  if (head === '' || checksum(format, body) !== written)
    throw corrupt(path, 'the checksum does not fit')
  const content: unknown = JSON.parse(`{${body}`)
  if (
    typeof content !== 'object' ||
    content === null ||
    !('number' in content && 'atMs' in content && 'entry' in content) ||
    typeof content.number !== 'number' ||
    typeof content.atMs !== 'number' ||
    !isEntry(content.entry)
  ) {
    throw corrupt(path, 'it is not an entry of the log')
  }
  return { number: content.number, atMs: content.atMs, entry: content.entry }
}

/** For formats found inside of entries. */
export function newerFormat(path: string, found: number): StreamError<'CHECKPOINT_NEWER_FORMAT'> {
  return new StreamError('CHECKPOINT_NEWER_FORMAT', { path, found, supported: checkpointFormat })
}

function checksum(format: number, body: string): string {
  return crc32c(new TextEncoder().encode(`${format}:${body}`))
    .toString(16)
    .padStart(8, '0')
}
