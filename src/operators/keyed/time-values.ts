import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { SlotValues } from './slot-values.ts'

/** One time per key, microseconds; infinity where there is none. */
export class TimeValues implements SlotValues {
  times = new Float64Array(0)

  grow(capacity: number): void {
    const grown = new Float64Array(capacity).fill(Number.POSITIVE_INFINITY)
    grown.set(this.times)
    this.times = grown
  }

  encode(slot: number, writer: ByteWriter): void {
    writer.f64(this.times[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    this.times[slot] = reader.f64()
  }

  move(from: number, to: number): void {
    this.times[to] = this.times[from] as number
  }

  clearFrom(count: number): void {
    this.times.fill(Number.POSITIVE_INFINITY, count)
  }

  byteLength(): number {
    return this.times.byteLength
  }
}
