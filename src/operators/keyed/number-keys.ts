import { type Column, isValid } from '../../batch/batch.ts'
import { columnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import { HashIndex } from './hash-index.ts'
import type { KeyIndex } from './key-index.ts'
import { resized } from './resized.ts'

/** One whole-number key column: the usual case, without encoding a single byte per row. */
export class NumberKeys extends HashIndex implements KeyIndex {
  #keys: Float64Array
  /** The slot of the NULL key; −1 while there is none. Its number in `#keys` is NaN, equal to nothing. */
  #nullSlot = -1
  readonly #type: DataType

  constructor(type: DataType, capacity: number) {
    super(capacity)
    this.#keys = new Float64Array(capacity)
    this.#type = type
  }

  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): void {
    const { values, validity } = columns[0] as Extract<Column, { layout: 'f64' }>
    for (let k = 0; k < slots.length; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      const hash = hashes[k] as number
      if (validity !== undefined && !isValid(validity, row)) {
        slots[k] = this.#null(hash)
        continue
      }
      const key = values[row] as number
      let at = hash & this.mask
      let slot = this.table[at] as number
      while (slot !== 0 && this.#keys[slot - 1] !== key) {
        at = (at + 1) & this.mask
        slot = this.table[at] as number
      }
      slots[k] = slot === 0 ? this.#insert(key, hash) : slot - 1
    }
  }

  find(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): void {
    const { values, validity } = columns[0] as Extract<Column, { layout: 'f64' }>
    for (let k = 0; k < slots.length; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      const isNull = validity !== undefined && !isValid(validity, row)
      slots[k] = isNull ? this.#nullSlot : this.#find(values[row] as number, hashes[k] as number)
    }
  }

  insertEncoded(bytes: Uint8Array, hash: number): number {
    const slot = this.findEncoded(bytes, hash)
    if (slot >= 0) return slot
    const value = new KeyReader(bytes).read(this.#type)
    return value === null ? this.#null(hash) : this.#insert(Number(value), hash)
  }

  insertFrom(other: KeyIndex, slot: number): number | undefined {
    const found = this.findFrom(other, slot)
    if (found === undefined || found >= 0 || !(other instanceof NumberKeys)) return found
    const hash = other.hashes[slot] as number
    return slot === other.#nullSlot
      ? this.#null(hash)
      : this.#insert(other.#keys[slot] as number, hash)
  }

  findFrom(other: KeyIndex, slot: number): number | undefined {
    if (!(other instanceof NumberKeys)) return undefined
    if (slot === other.#nullSlot) return this.#nullSlot
    return this.#find(other.#keys[slot] as number, other.hashes[slot] as number)
  }

  findEncoded(bytes: Uint8Array, hash: number): number {
    const value = new KeyReader(bytes).read(this.#type)
    return value === null ? this.#nullSlot : this.#find(Number(value), hash)
  }

  #find(key: number, hash: number): number {
    let at = hash & this.mask
    for (;;) {
      const slot = this.table[at] as number
      if (slot === 0) return -1
      if (this.#keys[slot - 1] === key) return slot - 1
      at = (at + 1) & this.mask
    }
  }

  override remove(slot: number): void {
    if (slot === this.#nullSlot) this.#nullSlot = -1
    super.remove(slot)
  }

  encode(slot: number, writer: ByteWriter): void {
    if (slot === this.#nullSlot) {
      writer.byte(0)
      return
    }
    writer.byte(1)
    writer.sortableInteger(this.#keys[slot] as number)
  }

  columns(slots: Int32Array): readonly Column[] {
    const builder = columnBuilder(this.#type)
    for (const slot of slots) {
      if (slot === this.#nullSlot) builder.appendNull()
      else builder.appendNumber(this.#keys[slot] as number)
    }
    return [builder.finish()]
  }

  compact(keep: Uint8Array): void {
    let to = 0
    let nullSlot = -1
    for (let slot = 0; slot < this.count; slot++) {
      if (keep[slot] !== 1) continue
      if (slot === this.#nullSlot) nullSlot = to
      this.hashes[to] = this.hashes[slot] as number
      this.#keys[to++] = this.#keys[slot] as number
    }
    this.count = to
    this.#nullSlot = nullSlot
    this.rebuild()
  }

  byteLength(): number {
    return this.hashes.byteLength + this.table.byteLength + this.#keys.byteLength
  }

  protected override resizeKeys(capacity: number): void {
    this.#keys = resized(this.#keys, capacity)
  }

  #insert(key: number, hash: number): number {
    const slot = this.place(hash)
    this.#keys[slot] = key
    return slot
  }

  #null(hash: number): number {
    if (this.#nullSlot < 0) this.#nullSlot = this.#insert(Number.NaN, hash)
    return this.#nullSlot
  }
}
