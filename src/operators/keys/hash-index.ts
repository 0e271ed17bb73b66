/** Slots of an index before it grows for the first time, unless it is told otherwise. */
export const firstCapacity = 64

/** What both indexes share: slots by hash, linear probing at no more than half load. */
export abstract class HashIndex {
  count = 0
  hashes: Int32Array
  protected table: Int32Array
  protected mask: number

  /** `capacity`: slots before the first growth; it doubles each time. */
  constructor(capacity: number) {
    this.hashes = new Int32Array(capacity)
    this.table = new Int32Array(tableSize(capacity))
    this.mask = this.table.length - 1
  }

  get capacity(): number {
    return this.hashes.length
  }

  protected place(hash: number): number {
    const slot = this.count++
    if (slot === this.hashes.length) this.#grow()
    this.hashes[slot] = hash
    let at = hash & this.mask
    while (this.table[at] !== 0) at = (at + 1) & this.mask
    this.table[at] = slot + 1
    return slot
  }

  protected rebuild(): void {
    this.table.fill(0)
    for (let slot = 0; slot < this.count; slot++) {
      let at = (this.hashes[slot] as number) & this.mask
      while (this.table[at] !== 0) at = (at + 1) & this.mask
      this.table[at] = slot + 1
    }
  }

  protected abstract growKeys(capacity: number): void

  #grow(): void {
    const capacity = this.hashes.length * 2
    const hashes = new Int32Array(capacity)
    hashes.set(this.hashes)
    this.hashes = hashes
    this.growKeys(capacity)
    this.table = new Int32Array(tableSize(capacity))
    this.mask = this.table.length - 1
    // The slot being placed is not in the arrays yet.
    this.count--
    this.rebuild()
    this.count++
  }
}

/** The next power of two at which no more than half of the places are taken. */
function tableSize(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2))
}
