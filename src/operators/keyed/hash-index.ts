import { freshMemory, GrowthReserve } from './growth-reserve.ts'
import { resized } from './resized.ts'

/** Slots of an index before it grows for the first time, unless it is told otherwise. */
export const firstCapacity = 64

/** What both indexes share: slots by hash, linear probing at no more than half load. */
export abstract class HashIndex {
  count = 0
  hashes: Int32Array
  protected table: Int32Array
  protected mask: number
  deadCount = 0
  /** 1 for slots whose key was removed; they stay until they are squeezed out. */
  #dead: Uint8Array | undefined
  /** For the next growth of the index and of what grows with it. */
  readonly reserve = new GrowthReserve()

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

  isDead(slot: number): boolean {
    return this.#dead !== undefined && this.#dead[slot] === 1
  }

  /** Takes the key of a slot out of the index: the same key gets a new slot when it comes again. */
  remove(slot: number): void {
    const { table, mask, hashes } = this
    let hole = (hashes[slot] as number) & mask
    while (table[hole] !== slot + 1) hole = (hole + 1) & mask
    // What was displaced by the key that goes moves back, so that no search ends too early.
    for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = (hashes[(table[at] as number) - 1] as number) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      table[hole] = table[at] as number
      hole = at
    }
    table[hole] = 0
    this.#dead ??= new Uint8Array(hashes.length)
    this.#dead[slot] = 1
    this.deadCount++
  }

  /** After slots were squeezed together, none of them dead. */
  protected rebuild(): void {
    this.#dead = undefined
    this.deadCount = 0
    this.reserve.end()
    this.#index()
  }

  #index(): void {
    this.table.fill(0)
    for (let slot = 0; slot < this.count; slot++) {
      if (this.isDead(slot)) continue
      let at = (this.hashes[slot] as number) & this.mask
      while (this.table[at] !== 0) at = (at + 1) & this.mask
      this.table[at] = slot + 1
    }
  }

  protected abstract resizeKeys(capacity: number): void

  /** Gives back room that compaction has left over. */
  shrink(capacity: number): void {
    this.reserve.begin()
    this.reserve.end()
    this.#resize(capacity)
    this.#index()
  }

  #resize(capacity: number): void {
    this.hashes = resized(this.hashes, capacity)
    if (this.#dead !== undefined) this.#dead = resized(this.#dead, capacity)
    this.resizeKeys(capacity)
    this.table = new Int32Array(freshMemory(4 * tableSize(capacity)))
    this.mask = this.table.length - 1
  }

  #grow(): void {
    const capacity = this.hashes.length * 2
    this.reserve.begin()
    this.reserve.use(capacity, () => this.#resize(capacity))
    // The slot being placed is not in the arrays yet.
    this.count--
    this.#index()
    this.count++
  }
}

/** The next power of two at which no more than half of the places are taken. */
function tableSize(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2))
}
