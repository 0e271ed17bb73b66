import type { Batch } from '../../batch/batch.ts'
import type { LineDecoder } from '../../batch/line-decoder.ts'
import { StreamError } from '../../core/error.ts'
import type { FileSystem, ReadFile } from '../../core/file-system.ts'
import type { FoundFile } from './list-files.ts'

const chunkBytes = 1 << 20
/** Room before a piece for the beginning of a line whose end is in it; longer ones are copied. */
const headBytes = 1 << 16
/** Rows of one batch. */
const rowsAtOnce = 4096

/** Where pieces of one file after another are read to; for one reader at a time. */
export type PieceBuffers = readonly [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]

export function pieceBuffers(): PieceBuffers {
  const size = headBytes + chunkBytes + 1
  return [new Uint8Array(size), new Uint8Array(size)]
}

/**
 * The rows of one file: as many bytes as it had when it was listed, so that the rows are the same
 * however often it is read. The next piece is on its way while one is decoded; two buffers serve all
 * pieces, as decoders copy what they keep.
 */
export async function* readFile(
  files: FileSystem,
  file: FoundFile,
  decoder: LineDecoder,
  buffers: PieceBuffers,
): AsyncIterable<Batch> {
  decoder.begin(file.path, true)
  const pieces = pieceReader(files, file, buffers)
  try {
    let rest = new Uint8Array(0)
    for (
      let lines = await pieces.next(rest);
      lines !== undefined;
      lines = await pieces.next(rest)
    ) {
      const end = lines.lastIndexOf(10) + 1
      let at = 0
      while (at < end) {
        at = decoder.decode(lines, at, end, rowsAtOnce)
        if (decoder.rowCount >= rowsAtOnce) yield decoder.finish()
      }
      // Many bad lines in a row do not pile up.
      if ((decoder.rejectedCount ?? 0) >= rowsAtOnce) yield decoder.finish()
      rest = lines.subarray(end)
    }
    if (isFilled(decoder)) yield decoder.finish()
  } finally {
    pieces.close()
    // A reader that stops in the middle leaves rows behind; the next file must not begin with them.
    if (isFilled(decoder)) decoder.finish()
  }
}

function isFilled({ rowCount, rejectedCount = 0, leftOutCount = 0 }: LineDecoder): boolean {
  return rowCount + rejectedCount + leftOutCount > 0
}

interface PieceReader {
  /** The beginning of a line that was left over, and what follows it; `undefined` at the end. */
  next(rest: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined>
  close(): void
}

function pieceReader(files: FileSystem, file: FoundFile, buffers: PieceBuffers): PieceReader {
  let turn: 0 | 1 = 0
  let offset = 0
  let opened: ReadFile | undefined
  let coming: Promise<Uint8Array> | undefined
  const ask = (from: ReadFile | undefined): Promise<Uint8Array> => {
    turn = turn === 0 ? 1 : 0
    return readPiece(from, file, offset, buffers[turn].subarray(headBytes))
  }
  return {
    close() {
      // A piece may be on its way; what closing says changes nothing for what was read.
      const last = coming ?? Promise.resolve()
      last.finally(() => opened?.close()).catch(() => undefined)
    },
    async next(rest) {
      // Pieces in which no line ends are put together once, however many there are.
      const held: Uint8Array[] = []
      while (offset < file.byteLength) {
        opened ??= await files.openRead(file.path)
        const isFirst = offset === 0
        const bytes = await (coming ?? ask(opened))
        const buffer = buffers[turn]
        offset += bytes.length
        const piece = isFirst ? withoutMark(bytes) : bytes
        const isLast = offset >= file.byteLength
        const endsLine = isLast || piece.includes(10)
        if (!endsLine) held.push(...(held.length === 0 ? [rest.slice()] : []), piece.slice())
        // Before the next piece is asked for: it goes where `rest` lies.
        const before = (): Uint8Array => (held.length === 0 ? rest : Buffer.concat(held))
        const lines = endsLine ? joined(buffer, piece, before(), isLast) : undefined
        if (!isLast) {
          // It is on its way before the lines are decoded: nothing of it waits for the event loop.
          coming = ask(opened)
          // Nobody awaits a piece read ahead when decoding fails.
          coming.catch(() => undefined)
        }
        if (lines !== undefined) return lines
      }
      return undefined
    },
  }
}

async function readPiece(
  opened: ReadFile | undefined,
  { path, byteLength }: FoundFile,
  offset: number,
  into: Uint8Array,
): Promise<Uint8Array> {
  const wanted = Math.min(chunkBytes, byteLength - offset)
  const piece = await opened?.read(offset, wanted, into)
  if (piece !== undefined && piece.length === wanted) return piece
  const what =
    piece === undefined ? `the file ${path}` : `the bytes from ${offset + piece.length} of ${path}`
  throw new StreamError('SOURCE_LOST_DATA', { source: 'file', what })
}

/** What was left of the last line, the new piece, and the newline that the end of a file may lack. */
function joined(
  buffer: Uint8Array<ArrayBuffer>,
  piece: Uint8Array,
  rest: Uint8Array,
  isLast: boolean,
): Uint8Array<ArrayBuffer> {
  const lacksEnd = isLast && piece.at(-1) !== 10
  const isInPlace = piece.buffer === buffer.buffer && rest.length <= headBytes
  if (isInPlace) {
    const start = piece.byteOffset - buffer.byteOffset
    const end = start + piece.length
    buffer.set(rest, start - rest.length)
    if (lacksEnd) buffer[end] = 10
    return buffer.subarray(start - rest.length, end + (lacksEnd ? 1 : 0))
  }
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
