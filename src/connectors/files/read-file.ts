import type { Batch } from '../../batch/batch.ts'
import { StreamError } from '../../core/error.ts'
import type { FileSystem } from '../../core/file-system.ts'
import type { LineDecoder } from '../line-decoder.ts'
import type { FoundFile } from './list-files.ts'

const chunkBytes = 1 << 20
/** Rows of one batch. */
export const batchRows = 4096

/**
 * The rows of one file: as many bytes as it had when it was listed, so that the rows are the same
 * however often it is read. The next piece is on its way while one is decoded.
 */
export async function* readFile(
  files: FileSystem,
  file: FoundFile,
  decoder: LineDecoder,
): AsyncIterable<Batch> {
  decoder.begin(file.path, true)
  try {
    let rest = new Uint8Array(0)
    let offset = 0
    let next = readPiece(files, file, 0)
    while (offset < file.byteLength) {
      const piece = await next
      const isFirst = offset === 0
      offset += piece.length
      const isLast = offset >= file.byteLength
      if (!isLast) {
        next = readPiece(files, file, offset)
        // Nobody awaits a piece read ahead when decoding fails.
        next.catch(() => undefined)
      }
      const bytes = joined(rest, isFirst ? withoutMark(piece) : piece, isLast)
      const end = bytes.lastIndexOf(10) + 1
      let at = 0
      while (at < end) {
        at = decoder.decode(bytes, at, end, batchRows)
        if (decoder.rowCount >= batchRows) yield decoder.finish()
      }
      rest = bytes.subarray(end)
    }
    if (decoder.rowCount > 0) yield decoder.finish()
  } finally {
    // A reader that stops in the middle leaves rows behind; the next file must not begin with them.
    if (decoder.rowCount > 0) decoder.finish()
  }
}

async function readPiece(
  files: FileSystem,
  { path, byteLength }: FoundFile,
  offset: number,
): Promise<Uint8Array> {
  const wanted = Math.min(chunkBytes, byteLength - offset)
  const piece = await files.readRange(path, offset, wanted)
  if (piece !== undefined && piece.length === wanted) return piece
  const what =
    piece === undefined ? `the file ${path}` : `the bytes from ${offset + piece.length} of ${path}`
  throw new StreamError('SOURCE_LOST_DATA', { source: 'file', what })
}

/** What was left of the last line, the new piece, and the newline that the end of a file may lack. */
function joined(rest: Uint8Array, piece: Uint8Array, isLast: boolean): Uint8Array<ArrayBuffer> {
  const lacksEnd = isLast && piece.at(-1) !== 10
  const all = new Uint8Array(rest.length + piece.length + (lacksEnd ? 1 : 0))
  all.set(rest)
  all.set(piece, rest.length)
  if (lacksEnd) all[all.length - 1] = 10
  return all
}

/** A byte order mark at the start of a file says nothing but UTF-8. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return isMarked ? bytes.subarray(3) : bytes
}
