import { copyBytes } from '../../../batch/byte-writer.ts'
import { headerBytes, type NewBatch, writeBatchHeader } from './batch-header.ts'

/** A part of a record; its bytes are copied. */
export interface RecordPart {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** A header of a record. */
export interface RecordHeader {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Whose batch it is; −1 in place of what it has not. */
export type BatchProducer = Pick<
  NewBatch,
  'isTransactional' | 'producerId' | 'producerEpoch' | 'baseSequence'
>

/** Records that are packed, but for what is only known when they are sent. */
export interface PackedRecords {
  readonly recordCount: number
  readonly byteLength: number
  /** The batch; asked for again, it is written anew into the same bytes. */
  finish(producer: BatchProducer): Uint8Array
}

const noHeaders: readonly RecordHeader[] = []

/** No record with these parts takes more bytes. */
export function recordBytesMax(
  key: RecordPart | undefined,
  value: RecordPart | undefined,
  headers: readonly RecordHeader[] = noHeaders,
): number {
  return recordFrameMax + partBytes(key) + partBytes(value) + headersBytes(headers)
}

/** Its length, its attributes, and how far its time and its offset are from the first. */
const recordFrameMax = 24

/** Packs records into one batch of message format 2, without compression. */
export class RecordWriter {
  /** Of the batch so far. */
  recordCount = 0
  #bytes: Uint8Array
  #at = headerBytes
  #baseTimestamp = 0
  #maxTimestamp = 0

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.max(capacity, headerBytes))
  }

  /** Bytes of the batch so far. */
  get byteLength(): number {
    return this.#at
  }

  /** Appends a record. `timestamp` in milliseconds. */
  append(
    timestamp: number,
    key: RecordPart | undefined,
    value: RecordPart | undefined,
    headers: readonly RecordHeader[] = noHeaders,
  ): void {
    if (this.recordCount === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    }
    const timestampDelta = timestamp - this.#baseTimestamp
    const size =
      1 +
      varintBytes(timestampDelta) +
      varintBytes(this.recordCount) +
      partBytes(key) +
      partBytes(value) +
      headersBytes(headers)
    this.#reserve(varintBytes(size) + size)
    this.#varint(size)
    this.#bytes[this.#at++] = 0
    this.#varint(timestampDelta)
    this.#varint(this.recordCount)
    this.#part(key)
    this.#part(value)
    this.#varint(headers.length)
    for (const header of headers) {
      this.#part(wholePart(header.key))
      this.#part(header.value === undefined ? undefined : wholePart(header.value))
    }
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.recordCount += 1
  }

  /** The records so far; the writer is empty again. */
  take(): PackedRecords {
    const bytes = this.#bytes.slice(0, this.#at)
    const { recordCount } = this
    const times = { baseTimestamp: this.#baseTimestamp, maxTimestamp: this.#maxTimestamp }
    this.#at = headerBytes
    this.recordCount = 0
    return {
      recordCount,
      byteLength: bytes.length,
      finish(producer) {
        writeBatchHeader(bytes, { ...producer, ...times, codec: 'none', recordCount })
        return bytes
      },
    }
  }

  #part(part: RecordPart | undefined): void {
    if (part === undefined) return this.#varint(-1)
    const { bytes, start, end } = part
    this.#varint(end - start)
    copyBytes(bytes, start, end, this.#bytes, this.#at)
    this.#at += end - start
  }

  #varint(value: number): void {
    // A sign in the lowest bit, so that small numbers are short whatever their sign.
    let rest = value < 0 ? -value * 2 - 1 : value * 2
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 128
    this.#bytes[this.#at++] = rest
  }

  #reserve(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#bytes.length) return
    const bigger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    bigger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = bigger
  }
}

function wholePart(bytes: Uint8Array): RecordPart {
  return { bytes, start: 0, end: bytes.length }
}

function partBytes(part: RecordPart | undefined): number {
  if (part === undefined) return 1
  const size = part.end - part.start
  return varintBytes(size) + size
}

function headersBytes(headers: readonly RecordHeader[]): number {
  let size = varintBytes(headers.length)
  for (const { key, value } of headers) {
    size += partBytes(wholePart(key))
    size += partBytes(value === undefined ? undefined : wholePart(value))
  }
  return size
}

function varintBytes(value: number): number {
  let rest = value < 0 ? -value * 2 - 1 : value * 2
  let bytes = 1
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes += 1
  return bytes
}
