import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

/** Which groups of a table changed since they were last given out. Written as the last byte of an entry. */
export class UnsentMarks implements SlotValues {
  /** A marked group was taken out of the table since this was last set back: it may lie outside of memory. */
  someLeft = false
  #marks = new Uint8Array(0)

  mark(slots: Int32Array): void {
    for (let k = 0; k < slots.length; k++) this.#marks[slots[k] as number] = 1
  }

  clear(slots: Int32Array): void {
    for (let k = 0; k < slots.length; k++) this.#marks[slots[k] as number] = 0
  }

  any(): boolean {
    return this.#marks.includes(1)
  }

  /** The marked slots, ascending. */
  slots(): Int32Array {
    const found: number[] = []
    for (let slot = this.#marks.indexOf(1); slot >= 0; slot = this.#marks.indexOf(1, slot + 1)) {
      found.push(slot)
    }
    return Int32Array.from(found)
  }

  resize(capacity: number): void {
    this.#marks = resized(this.#marks, capacity, 0)
  }

  encode(slot: number, writer: ByteWriter): void {
    writer.byte(this.#marks[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    this.#marks[slot] = reader.byte()
  }

  move(from: number, to: number): void {
    this.#marks[to] = this.#marks[from] as number
  }

  release(slot: number): void {
    if (this.#marks[slot] === 1) this.someLeft = true
    this.#marks[slot] = 0
  }

  clearFrom(count: number): void {
    this.#marks.fill(0, count)
  }

  byteLength(): number {
    return this.#marks.byteLength
  }
}

/** Whether the value of an entry says that it was not given out. */
export function isUnsent(value: Uint8Array): boolean {
  return value[value.length - 1] === 1
}
