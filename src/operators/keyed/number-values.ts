import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from './resized.ts'
import type { SlotValues } from './slot-values.ts'

/** One number per key, such as a count or a time. */
export class NumberValues implements SlotValues {
  numbers = new Float64Array(0)
  readonly #initial: number

  /** `initial`: the number of a new key. */
  constructor(initial: number) {
    this.#initial = initial
  }

  resize(capacity: number): void {
    this.numbers = resized(this.numbers, capacity, this.#initial)
  }

  encode(slot: number, writer: ByteWriter): void {
    writer.f64(this.numbers[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    this.numbers[slot] = reader.f64()
  }

  move(from: number, to: number): void {
    this.numbers[to] = this.numbers[from] as number
  }

  clearFrom(count: number): void {
    this.numbers.fill(this.#initial, count)
  }

  byteLength(): number {
    return this.numbers.byteLength
  }
}
