import type { Column } from '../../batch/batch.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { DataType } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import { HashIndex } from '../keyed/hash-index.ts'
import type { KeyIndex } from '../keyed/key-index.ts'
import { resized } from '../keyed/resized.ts'
import { JoinKeys } from './join-keys.ts'

/** Bytes behind the join key in the state key of a row: its side, epoch and number. */
const identityBytes = 9
const deadKeysMin = 1024

/**
 * The rows of one shard of a join: each is found by what it is (side, epoch, number in the epoch), which
 * is its state key behind the join key, and by walking the rows of a join key on one side. So a row more
 * of a key changes one entry, however many rows the key has.
 */
export class RowIndex extends HashIndex implements KeyIndex {
  readonly keys: JoinKeys
  /** By side, then key number: where the walk begins; −1 = no row. */
  readonly first: [Int32Array, Int32Array]
  next: Int32Array
  epochs: Int32Array
  sides: Uint8Array
  /** Rows by side. */
  readonly counts: [number, number] = [0, 0]
  readonly #last: [Int32Array, Int32Array]
  #previous: Int32Array
  #numbers: Int32Array
  #keyOf: Int32Array
  /** Keys that lost their last row, or never got one. */
  #emptied: number[] = []
  readonly #onRemove: (slot: number) => void

  constructor(types: readonly DataType[], capacity: number, onRemove: (slot: number) => void) {
    super(capacity)
    this.keys = new JoinKeys(types, capacity)
    this.first = [empty(capacity), empty(capacity)]
    this.#last = [empty(capacity), empty(capacity)]
    this.next = new Int32Array(capacity)
    this.#previous = new Int32Array(capacity)
    this.epochs = new Int32Array(capacity)
    this.sides = new Uint8Array(capacity)
    this.#numbers = new Int32Array(capacity)
    this.#keyOf = new Int32Array(capacity)
    this.#onRemove = onRemove
  }

  /** The number of each row's join key, made where it is new; good until the next call. */
  keysOf(columns: readonly Column[], rows: Int32Array | undefined, hashes: Int32Array): Int32Array {
    const numbers = this.keys.findOrInsert(columns, rows, hashes)
    this.#fitKeys()
    return numbers
  }

  /** Puts a row behind those of its key. */
  append(key: number, side: number, epoch: number, number: number): number {
    const slot = this.place(identityHash(side, epoch, number))
    this.epochs[slot] = epoch
    this.#numbers[slot] = number
    this.sides[slot] = side
    this.#keyOf[slot] = key
    this.#link(slot)
    return slot
  }

  /** The number of the join key of a row. */
  keyOf(slot: number): number {
    return this.#keyOf[slot] as number
  }

  /** The number of a row in its epoch. */
  numberOf(slot: number): number {
    return (this.#numbers[slot] as number) >>> 0
  }

  /** The hash of the join key of a row. */
  keyHashOf(slot: number): number {
    return this.keys.index.hashes[this.#keyOf[slot] as number] as number
  }

  /** Says that a key that was asked for may have no row. */
  release(key: number): void {
    const [left, right] = this.first
    if (left[key] === -1 && right[key] === -1) this.#emptied.push(key)
  }

  /** Forgets keys that have no row; key numbers change. */
  sweep(): void {
    const { index } = this.keys
    const [left, right] = this.first
    for (const key of this.#emptied) {
      if (left[key] === -1 && right[key] === -1 && !index.isDead(key)) index.remove(key)
    }
    this.#emptied = []
    if (index.deadCount > Math.max(deadKeysMin, index.count / 2)) this.#squeezeKeys()
  }

  override remove(slot: number): void {
    this.#onRemove(slot)
    const side = this.sides[slot] as 0 | 1
    const key = this.#keyOf[slot] as number
    const next = this.next[slot] as number
    const previous = this.#previous[slot] as number
    if (previous < 0) this.first[side][key] = next
    else this.next[previous] = next
    if (next < 0) this.#last[side][key] = previous
    else this.#previous[next] = previous
    this.counts[side]--
    this.release(key)
    super.remove(slot)
  }

  insertEncoded(bytes: Uint8Array, hash: number): number {
    const { side, epoch, number, joinKey } = identityOf(bytes)
    const found = this.#find(side, epoch, number)
    if (found >= 0) return found
    const key = this.keys.insertEncoded(joinKey, hash)
    this.#fitKeys()
    return this.append(key, side, epoch, number)
  }

  findEncoded(bytes: Uint8Array): number {
    const { side, epoch, number } = identityOf(bytes)
    return this.#find(side, epoch, number)
  }

  encode(slot: number, writer: ByteWriter): void {
    this.keys.index.encode(this.#keyOf[slot] as number, writer)
    writer.byte(this.sides[slot] as number)
    writer.u32(this.epochs[slot] as number)
    writer.u32((this.#numbers[slot] as number) >>> 0)
  }

  columns(slots: Int32Array): readonly Column[] {
    return this.keys.index.columns(slots.map((slot) => this.#keyOf[slot] as number))
  }

  compact(keep: Uint8Array): void {
    let to = 0
    for (let slot = 0; slot < this.count; slot++) {
      if (keep[slot] !== 1) continue
      this.hashes[to] = this.hashes[slot] as number
      this.epochs[to] = this.epochs[slot] as number
      this.#numbers[to] = this.#numbers[slot] as number
      this.sides[to] = this.sides[slot] as number
      this.#keyOf[to] = this.#keyOf[slot] as number
      to++
    }
    this.count = to
    this.rebuild()
    this.#squeezeKeys()
  }

  findOrInsert(): never {
    return noPlainKey()
  }

  find(): never {
    return noPlainKey()
  }

  insertFrom(): undefined {
    return undefined
  }

  findFrom(): undefined {
    return undefined
  }

  byteLength(): number {
    const ofRows = this.next.byteLength * 5 + this.sides.byteLength
    const ofKeys = this.first[0].byteLength * 4 + this.keys.index.byteLength()
    return this.hashes.byteLength + this.table.byteLength + ofRows + ofKeys
  }

  protected override resizeKeys(capacity: number): void {
    this.next = resized(this.next, capacity)
    this.#previous = resized(this.#previous, capacity)
    this.epochs = resized(this.epochs, capacity)
    this.#numbers = resized(this.#numbers, capacity)
    this.#keyOf = resized(this.#keyOf, capacity)
    this.sides = resized(this.sides, capacity)
  }

  #find(side: number, epoch: number, number: number): number {
    const hash = identityHash(side, epoch, number)
    for (let at = hash & this.mask; ; at = (at + 1) & this.mask) {
      const slot = (this.table[at] as number) - 1
      if (slot < 0) return -1
      const same =
        this.epochs[slot] === epoch &&
        this.#numbers[slot] === (number | 0) &&
        this.sides[slot] === side
      if (same) return slot
    }
  }

  #link(slot: number): void {
    const side = this.sides[slot] as 0 | 1
    const key = this.#keyOf[slot] as number
    const last = this.#last[side][key] as number
    this.next[slot] = -1
    this.#previous[slot] = last
    if (last < 0) this.first[side][key] = slot
    else this.next[last] = slot
    this.#last[side][key] = slot
    this.counts[side]++
  }

  /** Numbers the keys anew, without those that have no row, and ties every row to its key again. */
  #squeezeKeys(): void {
    const { index } = this.keys
    const keep = new Uint8Array(index.count)
    for (let slot = 0; slot < this.count; slot++) {
      if (!this.isDead(slot)) keep[this.#keyOf[slot] as number] = 1
    }
    const newNumber = this.keys.compact(keep)
    for (const numbers of [...this.first, ...this.#last]) numbers.fill(-1)
    this.counts.fill(0)
    this.#emptied = []
    for (let slot = 0; slot < this.count; slot++) {
      if (this.isDead(slot)) continue
      this.#keyOf[slot] = newNumber[this.#keyOf[slot] as number] as number
      this.#link(slot)
    }
  }

  #fitKeys(): void {
    const { capacity } = this.keys.index
    for (const numbers of [this.first, this.#last]) {
      for (const side of [0, 1] as const) {
        const before = numbers[side]
        if (before.length >= capacity) continue
        numbers[side] = empty(capacity)
        numbers[side].set(before)
      }
    }
  }
}

interface Identity {
  readonly side: number
  readonly epoch: number
  readonly number: number
  readonly joinKey: Uint8Array
}

function identityOf(bytes: Uint8Array): Identity {
  const at = bytes.length - identityBytes
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, identityBytes)
  return {
    side: view.getUint8(0),
    epoch: view.getUint32(1, true),
    number: view.getUint32(5, true),
    joinKey: bytes.subarray(0, at),
  }
}

function identityHash(side: number, epoch: number, number: number): number {
  let hash = Math.imul(epoch, 0x9e3779b1) ^ Math.imul(number * 2 + side, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35)
  return hash ^ (hash >>> 13)
}

function empty(capacity: number): Int32Array<ArrayBuffer> {
  return new Int32Array(capacity).fill(-1)
}

function noPlainKey(): never {
  throw new StreamError('INTERNAL', { what: 'a row of a join is not found by its key alone' })
}
