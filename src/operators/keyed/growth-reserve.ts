/** Smaller tables grow in no time. */
const slotsMin = 8192
/** From this share of its capacity on a table fetches memory for its next growth. */
const beginsAt = 0.875
const pageBytes = 4096

/** The table that grows now, if any. */
let growing: GrowthReserve | undefined

/** Zeros for an array that is made longer; from the reserve of the table that grows, as far as it has them. */
export function freshMemory(byteLength: number): ArrayBuffer {
  return growing?.take(byteLength) ?? new ArrayBuffer(byteLength)
}

/**
 * Memory for the next growth of a table. The first write to a page makes the system fetch it, which takes up to ten
 * times as long in a virtual machine that has to ask its host: a table of some megabytes would hold up the event loop
 * for that long. So pages are fetched a few at a time while the last slots are filled, and a growth only copies.
 */
export class GrowthReserve {
  /** Bytes of each array that the last growth made: the next one makes them twice as long. */
  #made: number[] = []
  #buffers: ArrayBuffer[] = []
  /** The last of the buffers, and how much of it is fetched. */
  #bytes = new Uint8Array(0)
  #offset = 0
  #fetchedBytes = 0
  /** What is held, in bytes. */
  byteLength = 0

  /** Called when slots were taken: `count` of `capacity` are in use. */
  prepare(count: number, capacity: number): void {
    if (capacity < slotsMin || count < capacity * beginsAt) return
    const wanted = this.#made.reduce((sum, bytes) => sum + 2 * bytes, 0)
    // A little ahead, as a batch may bring many keys.
    const share = (1.25 * (count / capacity - beginsAt)) / (1 - beginsAt)
    while (this.#fetchedBytes < Math.min(1, share) * wanted) this.#fetchPage()
  }

  /** Runs what makes arrays longer with `freshMemory`, to `capacity` slots. */
  use(capacity: number, grow: () => void): void {
    growing = capacity < slotsMin / 2 ? undefined : this
    try {
      grow()
    } finally {
      growing = undefined
    }
  }

  /** Begins a growth: arrays that are made from now on will grow again. */
  begin(): void {
    this.#made = []
  }

  /** Ends a growth: what is left was for arrays that are no more. */
  end(): void {
    if (this.#fetchedBytes === 0) return
    this.#buffers = []
    this.#bytes = new Uint8Array(0)
    this.#offset = 0
    this.#fetchedBytes = 0
    this.byteLength = 0
  }

  /** A buffer of so many bytes, all 0. */
  take(byteLength: number): ArrayBuffer {
    this.#made.push(byteLength)
    const at = this.#buffers.findIndex((buffer) => buffer.byteLength === byteLength)
    if (at < 0) return new ArrayBuffer(byteLength)
    const [found] = this.#buffers.splice(at, 1)
    this.byteLength -= byteLength
    return found as ArrayBuffer
  }

  #fetchPage(): void {
    if (this.#offset >= this.#bytes.length) {
      const buffer = new ArrayBuffer(2 * (this.#made[this.#buffers.length] ?? 0))
      this.#buffers.push(buffer)
      this.byteLength += buffer.byteLength
      this.#bytes = new Uint8Array(buffer)
      this.#offset = 0
    }
    if (this.#offset < this.#bytes.length) this.#bytes[this.#offset] = 0
    this.#offset += pageBytes
    this.#fetchedBytes += pageBytes
  }
}
