import { ByteWriter } from '../../batch/byte-writer.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { ByteReader, encodeValue } from '../../batch/value-codec.ts'
import { crc32c } from '../../core/crc32c.ts'

/** Rows that were pushed together. */
export interface JournalEntry {
  /** The number of the first row. */
  readonly firstRow: number
  readonly rowCount: number
  /** What the pusher calls them, so that a repeated push is known. */
  readonly id: string | undefined
  /** The rows as `encodeRows` wrote them. */
  readonly rows: Uint8Array
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Rows one after the other, value by value. */
export function encodeRows(schema: Schema, rows: readonly (readonly Value[])[]): Uint8Array {
  const writer = new ByteWriter()
  for (const row of rows) {
    for (let index = 0; index < schema.length; index++) {
      const field = schema[index]
      if (field !== undefined) encodeValue(writer, field.type, row[index] ?? null)
    }
  }
  return writer.take()
}

/** What `encodeRows` wrote. */
export function decodeRows(schema: Schema, { rows, rowCount }: JournalEntry): Value[][] {
  const reader = new ByteReader(rows)
  return Array.from({ length: rowCount }, () => schema.map((field) => reader.value(field.type)))
}

/** One record of a file: its length, its checksum, its bytes. */
export function encodeFrame(bytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter()
  writer.u32(bytes.length)
  writer.u32(crc32c(bytes))
  writer.raw(bytes)
  return writer.take()
}

export function encodeEntry({ firstRow, rowCount, id, rows }: JournalEntry): Uint8Array {
  const writer = new ByteWriter()
  writer.f64(firstRow)
  writer.u32(rowCount)
  writer.byte(id === undefined ? 0 : 1)
  const name = encoder.encode(id ?? '')
  writer.u32(name.length)
  writer.raw(name)
  writer.raw(rows)
  return encodeFrame(writer.take())
}

/** Reads the bytes of a frame whose checksum was right. */
export function decodeEntry(frame: Uint8Array): JournalEntry {
  const reader = new ByteReader(frame)
  const firstRow = reader.f64()
  const rowCount = reader.u32()
  const hasId = reader.byte() === 1
  const name = decoder.decode(reader.raw(reader.u32()))
  return { firstRow, rowCount, id: hasId ? name : undefined, rows: frame.subarray(reader.at) }
}

/**
 * The frames of a file up to its end, or to the first one that is cut or damaged: what follows was
 * never confirmed to anybody, as a file is synced from its beginning.
 */
export function decodeFrames(bytes: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at + 8 <= bytes.length) {
    const length = view.getUint32(at, true)
    const end = at + 8 + length
    // No entry is empty, but zeros, which a power cut may leave, would pass for one with its checksum.
    if (length === 0 || end > bytes.length) break
    const frame = bytes.subarray(at + 8, end)
    if (crc32c(frame) !== view.getUint32(at + 4, true)) break
    frames.push(frame)
    at = end
  }
  return frames
}
