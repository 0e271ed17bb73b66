import { WireFault } from '../protocol/wire-fault.ts'
import type { BatchHeader } from './batch-header.ts'

/** Fewer bytes no record has. */
const leastRecordBytes = 7

/**
 * Walks over the records of batches, one batch after the other, and says where the parts of each lie in their bytes;
 * nothing is copied. One object for all batches of a reader.
 */
export class RecordReader {
  /** The bytes that the places below are in. */
  bytes: Uint8Array = new Uint8Array(0)
  offset = 0
  /** Milliseconds. */
  timestamp = 0
  keyStart = 0
  /** −1: the record has no key. */
  keyEnd = 0
  valueStart = 0
  /** −1: the record has no value. */
  valueEnd = 0
  headersAt = 0
  headerCount = 0
  #at = 0
  #end = 0
  #left = 0
  #baseOffset = 0
  #lastOffset = 0
  #baseTimestamp = 0
  #appendTimestamp: number | undefined

  /** Stands before the first record of a batch, whose unpacked records are `bytes[at, end)`. */
  begin(header: BatchHeader, bytes: Uint8Array, at: number, end: number): void {
    const { recordCount, baseOffset, lastOffset } = header
    // A count that is too large would be found at the end of the bytes, but only after a long time.
    if (recordCount < 0 || recordCount * leastRecordBytes > end - at) {
      throw new WireFault(`${recordCount} records in ${end - at} bytes at offset ${baseOffset}`)
    }
    this.bytes = bytes
    this.#at = at
    this.#end = end
    this.#left = recordCount
    this.#baseOffset = baseOffset
    this.#lastOffset = lastOffset
    this.#baseTimestamp = header.baseTimestamp
    this.#appendTimestamp = header.isAppendTime ? header.maxTimestamp : undefined
  }

  /** Goes on to the next record; `false` behind the last one. */
  next(): boolean {
    if (this.#left === 0) {
      if (this.#at !== this.#end) throw this.#fault('bytes behind the last record')
      return false
    }
    this.#left -= 1
    const size = this.#varint()
    const end = this.#at + size
    if (size < leastRecordBytes - 1 || end > this.#end)
      throw this.#fault(`a record of ${size} bytes`)
    // One byte of attributes has no meaning yet.
    this.#at += 1
    const timestamp = this.#baseTimestamp + this.#varint()
    this.timestamp = this.#appendTimestamp ?? timestamp
    this.offset = this.#baseOffset + this.#varint()
    if (this.offset < this.#baseOffset || this.offset > this.#lastOffset) {
      throw this.#fault(`offset ${this.offset}, beyond ${this.#lastOffset}`)
    }
    const keySize = this.#varint()
    this.keyStart = this.#at
    this.keyEnd = this.#passOver(keySize, end)
    const valueSize = this.#varint()
    this.valueStart = this.#at
    this.valueEnd = this.#passOver(valueSize, end)
    this.headerCount = this.#varint()
    this.headersAt = this.#at
    if (this.headerCount < 0 || this.#at > end) throw this.#fault('parts longer than the record')
    if (this.headerCount === 0 && this.#at !== end) throw this.#fault('bytes behind a record')
    this.#at = end
    return true
  }

  /** Calls with the place of each header of this record; a value without bytes has the end −1. */
  headers(
    each: (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void,
  ): void {
    const after = this.#at
    this.#at = this.headersAt
    for (let left = this.headerCount; left > 0; left--) {
      const keySize = this.#varint()
      const keyStart = this.#at
      const keyEnd = this.#passOver(keySize, after)
      if (keyEnd < 0) throw this.#fault('a header without a name')
      const valueSize = this.#varint()
      const valueStart = this.#at
      each(keyStart, keyEnd, valueStart, this.#passOver(valueSize, after))
    }
    if (this.#at !== after) throw this.#fault('headers that end elsewhere than their record')
    this.#at = after
  }

  /** Behind so many bytes; −1 for a part that is not there. */
  #passOver(size: number, end: number): number {
    if (size < 0) return -1
    if (size > end - this.#at) throw this.#fault(`${size} bytes in a record`)
    this.#at += size
    return this.#at
  }

  /** A signed number, at most nine bytes of seven bits: deltas of times are the longest. */
  #varint(): number {
    const { bytes } = this
    const first = this.#next(bytes)
    if (first < 128) return (first >>> 1) ^ -(first & 1)
    let value = first & 127
    for (let shift = 7; shift <= 49; shift += 7) {
      const byte = this.#next(bytes)
      value += (byte & 127) * 2 ** shift
      if (byte > 127) continue
      if (!Number.isSafeInteger(value)) break
      // The lowest bit is the sign.
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw this.#fault('a number of too many bits')
  }

  #next(bytes: Uint8Array): number {
    if (this.#at >= this.#end) throw this.#fault('the end of the bytes inside a record')
    return bytes[this.#at++] as number
  }

  #fault(what: string): WireFault {
    return new WireFault(`${what}, in the batch at offset ${this.#baseOffset}`)
  }
}
