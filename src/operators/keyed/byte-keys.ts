import type { Column } from '../../batch/batch.ts'
import { columnOf } from '../../batch/build.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt, KeyReader } from '../../batch/key-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { HashIndex } from './hash-index.ts'
import type { KeyIndex } from './key-index.ts'
import { resized } from './resized.ts'

/** Any key columns, held as the bytes of the key codec in one arena. */
export class ByteKeys extends HashIndex implements KeyIndex {
  #starts: Float64Array
  #lengths: Int32Array
  #arena: Uint8Array
  #end = 0
  readonly #types: readonly DataType[]
  readonly #writer = new ByteWriter()

  constructor(types: readonly DataType[], capacity: number) {
    super(capacity)
    this.#starts = new Float64Array(capacity)
    this.#lengths = new Int32Array(capacity)
    this.#arena = new Uint8Array(capacity * 16)
    this.#types = types
  }

  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): void {
    for (let k = 0; k < slots.length; k++) {
      const writer = this.#written(columns, rows === undefined ? k : (rows[k] as number))
      slots[k] = this.#findOrInsert(writer.bytes, writer.length, hashes[k] as number)
    }
  }

  find(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): void {
    for (let k = 0; k < slots.length; k++) {
      const writer = this.#written(columns, rows === undefined ? k : (rows[k] as number))
      slots[k] = this.#find(writer.bytes, writer.length, hashes[k] as number)
    }
  }

  /** The key of one row in a writer that is used again. */
  #written(columns: readonly Column[], row: number): ByteWriter {
    const writer = this.#writer
    const types = this.#types
    writer.length = 0
    for (let index = 0; index < types.length; index++) {
      // Column and type were made as a pair by the planner.
      encodeKeyAt(writer, types[index] as DataType, columns[index] as Column, row)
    }
    return writer
  }

  insertEncoded(bytes: Uint8Array, hash: number): number {
    return this.#findOrInsert(bytes, bytes.length, hash)
  }

  findEncoded(bytes: Uint8Array, hash: number): number {
    return this.#find(bytes, bytes.length, hash)
  }

  insertFrom(other: KeyIndex, slot: number): number | undefined {
    if (!(other instanceof ByteKeys)) return undefined
    const key = other.#bytesOf(slot)
    return this.#findOrInsert(key, key.length, other.hashes[slot] as number)
  }

  findFrom(other: KeyIndex, slot: number): number | undefined {
    if (!(other instanceof ByteKeys)) return undefined
    const key = other.#bytesOf(slot)
    return this.#find(key, key.length, other.hashes[slot] as number)
  }

  #bytesOf(slot: number): Uint8Array {
    const start = this.#starts[slot] as number
    return this.#arena.subarray(start, start + (this.#lengths[slot] as number))
  }

  encode(slot: number, writer: ByteWriter): void {
    const start = this.#starts[slot] as number
    writer.raw(this.#arena, start, start + (this.#lengths[slot] as number))
  }

  columns(slots: Int32Array): readonly Column[] {
    const values: Value[][] = this.#types.map(() => [])
    const reader = new KeyReader(this.#arena)
    for (const slot of slots) {
      reader.at = this.#starts[slot] as number
      this.#types.forEach((type, index) => {
        values[index]?.push(reader.read(type))
      })
    }
    return this.#types.map((type, index) => columnOf(type, values[index] ?? []))
  }

  compact(keep: Uint8Array): void {
    const before = this.#arena
    let needed = 0
    for (let slot = 0; slot < this.count; slot++) {
      if (keep[slot] === 1) needed += this.#lengths[slot] as number
    }
    const arena = new Uint8Array(Math.min(before.length, Math.max(1024, needed * 2)))
    let end = 0
    let to = 0
    for (let slot = 0; slot < this.count; slot++) {
      if (keep[slot] !== 1) continue
      const start = this.#starts[slot] as number
      const length = this.#lengths[slot] as number
      arena.set(before.subarray(start, start + length), end)
      this.#starts[to] = end
      this.#lengths[to] = length
      this.hashes[to++] = this.hashes[slot] as number
      end += length
    }
    this.#arena = arena
    this.#end = end
    this.count = to
    this.rebuild()
  }

  byteLength(): number {
    return (
      this.hashes.byteLength +
      this.table.byteLength +
      this.#starts.byteLength +
      this.#lengths.byteLength +
      this.#arena.byteLength
    )
  }

  protected override resizeKeys(capacity: number): void {
    this.#starts = resized(this.#starts, capacity)
    this.#lengths = resized(this.#lengths, capacity)
  }

  #find(bytes: Uint8Array, length: number, hash: number): number {
    const { table, mask, hashes } = this
    let at = hash & mask
    for (;;) {
      const slot = (table[at] as number) - 1
      if (slot < 0) return -1
      if (hashes[slot] === hash && this.#equals(slot, bytes, length)) return slot
      at = (at + 1) & mask
    }
  }

  #findOrInsert(bytes: Uint8Array, length: number, hash: number): number {
    const found = this.#find(bytes, length, hash)
    if (found >= 0) return found
    const slot = this.place(hash)
    if (this.#end + length > this.#arena.length) {
      const arena = new Uint8Array(Math.max(this.#arena.length * 2, this.#end + length))
      arena.set(this.#arena)
      this.#arena = arena
    }
    for (let index = 0; index < length; index++) {
      this.#arena[this.#end + index] = bytes[index] as number
    }
    this.#starts[slot] = this.#end
    this.#lengths[slot] = length
    this.#end += length
    return slot
  }

  #equals(slot: number, bytes: Uint8Array, length: number): boolean {
    if (this.#lengths[slot] !== length) return false
    const arena = this.#arena
    const start = this.#starts[slot] as number
    for (let index = 0; index < length; index++) {
      if (arena[start + index] !== bytes[index]) return false
    }
    return true
  }
}
