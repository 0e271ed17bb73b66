import { type Column, isValid } from '../../batch/batch.ts'
import { columnBuilder, columnOf } from '../../batch/build.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKey, encodeKeyAt, KeyReader } from '../../batch/key-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'

/**
 * The keys of the groups of one table: an open-addressing index from key to slot, slots counting from
 * 0 in order of arrival. Keys are compared by value, never by column layout.
 */
export interface GroupKeys {
  readonly count: number
  readonly capacity: number
  readonly hashes: Int32Array
  /**
   * The slot of each row's key: `slots[k]` for row `rows[k]` (k without `rows`), whose hash is
   * `hashes[k]`. New keys get the next slots. `false` if these columns hold a key this index cannot.
   */
  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): boolean
  /** The slot of an encoded key; inserts it if it is new. */
  insertEncoded(key: Uint8Array, hash: number): number
  /** The slot of an encoded key, or −1. */
  findEncoded(key: Uint8Array, hash: number): number
  /** The slot of a key of another index, inserted if it is new; `undefined` if this index cannot take it. */
  insertFrom(other: GroupKeys, slot: number): number | undefined
  /** The slot of a key of another index, or −1; `undefined` if this index cannot tell. */
  findFrom(other: GroupKeys, slot: number): number | undefined
  encode(slot: number, writer: ByteWriter): void
  /** The key columns of some groups. */
  columns(slots: Int32Array): readonly Column[]
  /** Keeps only the slots for which `keep` is 1, in order. */
  compact(keep: Uint8Array): void
  byteLength(): number
}

/** What both indexes share: slots by hash, linear probing at no more than half load. */
abstract class HashIndex {
  count = 0
  hashes = new Int32Array(64)
  protected table = new Int32Array(128)
  protected mask = 127

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
    this.table = new Int32Array(capacity * 2)
    this.mask = this.table.length - 1
    // The slot being placed is not in the arrays yet.
    this.count--
    this.rebuild()
    this.count++
  }
}

/** Whether one key column of this type can be held as plain numbers while its values are safe integers. */
export function fitsNumberKeys(types: readonly DataType[]): boolean {
  const [type] = types
  return (
    types.length === 1 &&
    type !== undefined &&
    ['byte', 'short', 'int', 'long', 'date', 'timestamp'].includes(type.kind)
  )
}

/** One whole-number key column: the usual case, without encoding a single byte per row. */
export class NumberKeys extends HashIndex implements GroupKeys {
  #keys = new Float64Array(64)
  /** The slot of the NULL key; −1 while there is none. Its number in `#keys` is NaN, equal to nothing. */
  #nullSlot = -1
  readonly #type: DataType

  constructor(type: DataType) {
    super()
    this.#type = type
  }

  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): boolean {
    const [column] = columns
    if (column === undefined || column.layout === 'i64' || column.layout === 'void') return false
    const { values, validity } = column as Extract<Column, { layout: 'f64' }>
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
    return true
  }

  insertEncoded(bytes: Uint8Array, hash: number): number {
    const slot = this.findEncoded(bytes, hash)
    if (slot >= 0) return slot
    const value = new KeyReader(bytes).read(this.#type)
    return value === null ? this.#null(hash) : this.#insert(Number(value), hash)
  }

  insertFrom(other: GroupKeys, slot: number): number | undefined {
    const found = this.findFrom(other, slot)
    if (found === undefined || found >= 0 || !(other instanceof NumberKeys)) return found
    const hash = other.hashes[slot] as number
    return slot === other.#nullSlot
      ? this.#null(hash)
      : this.#insert(other.#keys[slot] as number, hash)
  }

  findFrom(other: GroupKeys, slot: number): number | undefined {
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

  protected override growKeys(capacity: number): void {
    const keys = new Float64Array(capacity)
    keys.set(this.#keys)
    this.#keys = keys
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

/** Any key columns, held as the bytes of the key codec in one arena. */
export class ByteKeys extends HashIndex implements GroupKeys {
  #starts = new Float64Array(64)
  #lengths = new Int32Array(64)
  #arena = new Uint8Array(1024)
  #end = 0
  readonly #types: readonly DataType[]
  readonly #writer = new ByteWriter()

  constructor(types: readonly DataType[]) {
    super()
    this.#types = types
  }

  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): boolean {
    const writer = this.#writer
    const types = this.#types
    for (let k = 0; k < slots.length; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      writer.length = 0
      for (let index = 0; index < types.length; index++) {
        // Column and type were made as a pair by the planner.
        encodeKeyAt(writer, types[index] as DataType, columns[index] as Column, row)
      }
      slots[k] = this.#findOrInsert(writer.bytes, writer.length, hashes[k] as number)
    }
    return true
  }

  insertEncoded(bytes: Uint8Array, hash: number): number {
    return this.#findOrInsert(bytes, bytes.length, hash)
  }

  findEncoded(bytes: Uint8Array, hash: number): number {
    return this.#find(bytes, bytes.length, hash)
  }

  insertFrom(other: GroupKeys, slot: number): number | undefined {
    if (!(other instanceof ByteKeys)) return undefined
    const key = other.#bytesOf(slot)
    return this.#findOrInsert(key, key.length, other.hashes[slot] as number)
  }

  findFrom(other: GroupKeys, slot: number): number | undefined {
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
    for (const slot of slots) {
      const start = this.#starts[slot] as number
      const reader = new KeyReader(
        this.#arena.subarray(start, start + (this.#lengths[slot] as number)),
      )
      this.#types.forEach((type, index) => {
        values[index]?.push(reader.read(type))
      })
    }
    return this.#types.map((type, index) => columnOf(type, values[index] ?? []))
  }

  compact(keep: Uint8Array): void {
    const before = this.#arena
    const arena = new Uint8Array(before.length)
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

  protected override growKeys(capacity: number): void {
    const starts = new Float64Array(capacity)
    starts.set(this.#starts)
    this.#starts = starts
    const lengths = new Int32Array(capacity)
    lengths.set(this.#lengths)
    this.#lengths = lengths
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

/** The key bytes of one value per key column. */
export function encodeKeyValues(types: readonly DataType[], values: readonly Value[]): Uint8Array {
  const writer = new ByteWriter()
  types.forEach((type, index) => {
    encodeKey(writer, type, values[index] ?? null)
  })
  return writer.take()
}
