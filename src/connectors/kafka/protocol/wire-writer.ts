import { copyBytes } from '../../../batch/byte-writer.ts'
import { setInt64 } from './int64.ts'

const encoder = new TextEncoder()

/** Writes the primitive types of the Kafka protocol, big end first, into a buffer that grows. */
export class WireWriter {
  length = 0
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Makes room for so many more bytes and says where they begin. */
  #take(size: number): number {
    const start = this.length
    const needed = start + size
    if (needed > this.#bytes.length) {
      let capacity = Math.max(this.#bytes.length * 2, 64)
      while (capacity < needed) capacity *= 2
      const bigger = new Uint8Array(capacity)
      bigger.set(this.#bytes.subarray(0, start))
      this.#bytes = bigger
      this.#view = new DataView(bigger.buffer)
    }
    this.length = needed
    return start
  }

  int8(value: number): void {
    const start = this.#take(1)
    this.#view.setInt8(start, value)
  }

  int16(value: number): void {
    const start = this.#take(2)
    this.#view.setInt16(start, value)
  }

  int32(value: number): void {
    const start = this.#take(4)
    this.#view.setInt32(start, value)
  }

  /** A number that is exact as a double. */
  int64(value: number): void {
    const start = this.#take(8)
    setInt64(this.#view, start, value)
  }

  float64(value: number): void {
    const start = this.#take(8)
    this.#view.setFloat64(start, value)
  }

  /** Seven bits a byte, least significant first. */
  uvarint(value: number): void {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.int8((rest & 127) | 128)
    this.int8(rest)
  }

  raw(bytes: Uint8Array): void {
    const start = this.#take(bytes.length)
    copyBytes(bytes, 0, bytes.length, this.#bytes, start)
  }

  /** What was written; the writer must not be used after that. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}
