import { int64At } from './int64.ts'
import { WireFault } from './wire-fault.ts'

const decoder = new TextDecoder()

/**
 * Reads the primitive types of the Kafka protocol, big end first, one after the other. No read leaves its bytes: what
 * says that it is longer than the rest is a `WireFault`.
 */
export class WireReader {
  /** Where the next read begins. */
  at: number
  readonly bytes: Uint8Array
  readonly end: number
  readonly #view: DataView

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Passes over so many bytes and says where they began. */
  skip(size: number): number {
    const start = this.at
    if (size < 0 || size > this.end - start) {
      throw new WireFault(`${size} bytes at ${start} of ${this.end}`)
    }
    this.at = start + size
    return start
  }

  int8(): number {
    return this.#view.getInt8(this.skip(1))
  }

  int16(): number {
    return this.#view.getInt16(this.skip(2))
  }

  int32(): number {
    return this.#view.getInt32(this.skip(4))
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4))
  }

  /** Offsets, times and ids, all of which are exact as a double. */
  int64(): number {
    return int64At(this.#view, this.skip(8))
  }

  float64(): number {
    return this.#view.getFloat64(this.skip(8))
  }

  /** At most five bytes, seven bits each, least significant first. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.skip(1)] as number
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new WireFault(`a number of more than 35 bits before ${this.at}`)
  }

  text(size: number): string {
    const start = this.skip(size)
    return decoder.decode(this.bytes.subarray(start, start + size))
  }

  /** A view of the bytes, not a copy. */
  view(size: number): Uint8Array {
    const start = this.skip(size)
    return this.bytes.subarray(start, start + size)
  }
}
