import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

const none = new Uint8Array(0)
const hasDue = 1
const hasTimer = 2
const never = Number.POSITIVE_INFINITY
/** What an entry costs beside its bytes, about. */
const entryOverhead = 96

/**
 * Bytes per entry, with the time at which something in them is over or due, and the first timer among
 * these. Both infinity for entries that are parts of a list or map.
 */
export class SlotBytes implements SlotValues {
  #bytes: Uint8Array[] = []
  #dues = new Float64Array(0)
  #timers = new Float64Array(0)
  #total = 0
  /** A time that no timer of an entry in memory is before. */
  firstTimer = never

  bytesAt(slot: number): Uint8Array {
    return this.#bytes[slot] ?? none
  }

  dueAt(slot: number): number {
    return this.#dues[slot] as number
  }

  set(slot: number, bytes: Uint8Array, due = never, timer = never): void {
    this.#total += bytes.length - this.bytesAt(slot).length
    this.#bytes[slot] = bytes
    this.#dues[slot] = due
    this.#timers[slot] = timer
    if (timer < this.firstTimer) this.firstTimer = timer
  }

  /** Works out the first timer again, over the slots for which `isLive`. */
  findFirstTimer(count: number, isLive: (slot: number) => boolean): void {
    this.firstTimer = never
    for (let slot = 0; slot < count; slot++) {
      const timer = this.#timers[slot] as number
      if (timer < this.firstTimer && isLive(slot)) this.firstTimer = timer
    }
  }

  resize(capacity: number): void {
    this.#dues = resized(this.#dues, capacity, never)
    this.#timers = resized(this.#timers, capacity, never)
  }

  release(slot: number): void {
    this.set(slot, none)
  }

  encode(slot: number, writer: ByteWriter): void {
    const due = this.#dues[slot] as number
    const timer = this.#timers[slot] as number
    writer.byte((due === never ? 0 : hasDue) | (timer === never ? 0 : hasTimer))
    if (due !== never) writer.f64(due)
    if (timer !== never) writer.f64(timer)
    writer.raw(this.bytesAt(slot))
  }

  decode(slot: number, reader: ByteReader): void {
    const flags = reader.byte()
    const due = (flags & hasDue) === 0 ? never : reader.f64()
    const timer = (flags & hasTimer) === 0 ? never : reader.f64()
    // A copy: what is read is a part of a large block, and `slice` of a Buffer would be none.
    this.set(slot, new Uint8Array(reader.raw(reader.bytes.length - reader.at)), due, timer)
  }

  move(from: number, to: number): void {
    this.set(to, this.bytesAt(from), this.#dues[from], this.#timers[from])
  }

  clearFrom(count: number): void {
    for (let slot = count; slot < this.#bytes.length; slot++)
      this.#total -= this.bytesAt(slot).length
    this.#bytes.length = Math.min(this.#bytes.length, count)
    this.#dues.fill(never, count)
    this.#timers.fill(never, count)
  }

  byteLength(): number {
    return this.#total + this.#bytes.length * entryOverhead
  }
}
