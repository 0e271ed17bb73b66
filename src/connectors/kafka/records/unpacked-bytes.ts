import { WireFault } from '../protocol/wire-fault.ts'

/** No batch is larger than this once it is unpacked, whatever its bytes say. */
export const unpackedBytesMax = 2 ** 28

/** What has been unpacked so far, which is also what is copied from again. */
export class UnpackedBytes {
  length = 0
  #bytes: Uint8Array

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.min(capacity, unpackedBytesMax))
  }

  /** Appends bytes as they are. */
  literal(source: Uint8Array, start: number, end: number): void {
    if (start > end || end > source.length) throw new WireFault(`packed bytes end before ${end}`)
    this.#reserve(end - start)
    this.#bytes.set(source.subarray(start, end), this.length)
    this.length += end - start
  }

  /** Appends bytes that came before, `distance` back; they may reach into what is appended. */
  copy(distance: number, size: number): void {
    if (distance < 1 || distance > this.length) {
      throw new WireFault(`${distance} bytes back in ${this.length} unpacked ones`)
    }
    this.#reserve(size)
    const bytes = this.#bytes
    const from = this.length - distance
    if (distance >= size) bytes.copyWithin(this.length, from, from + size)
    else for (let at = 0; at < size; at++) bytes[this.length + at] = bytes[from + at] as number
    this.length += size
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  #reserve(size: number): void {
    const needed = this.length + size
    if (needed <= this.#bytes.length) return
    if (needed > unpackedBytesMax) throw new WireFault(`more than ${unpackedBytesMax} bytes`)
    const capacity = Math.min(unpackedBytesMax, Math.max(needed, this.#bytes.length * 2))
    const bigger = new Uint8Array(capacity)
    bigger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = bigger
  }
}
