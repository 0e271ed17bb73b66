import type { ColumnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { RowCodec } from '../../batch/row-codec.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { SlotValues } from '../keyed/slot-values.ts'
import type { PagePool } from './page-pool.ts'
import { RowPages } from './row-pages.ts'

/** What lies before the bytes of a row: the size of it all, whether it had a partner, when it falls due. */
const sizeAt = 0
const matchedAt = 4
const dueAt = 5
const rowAt = 13

/** The rows of a table as bytes, each with what the join knows of it. */
export class StoredRows implements SlotValues {
  #addresses = new Float64Array(0)
  readonly #pool: PagePool
  #pages: RowPages

  /** Pages come from a pool that tables may share. */
  constructor(pool: PagePool) {
    this.#pool = pool
    this.#pages = new RowPages(pool)
  }

  /** Keeps a record that `writeRecord` made. */
  put(slot: number, writer: ByteWriter): void {
    this.#addresses[slot] = this.#pages.add(writer.bytes, 0, writer.length)
  }

  isMatched(slot: number): boolean {
    const address = this.#addresses[slot] as number
    return this.#pages.pageOf(address).bytes[this.#pages.offsetOf(address) + matchedAt] === 1
  }

  setMatched(slot: number): void {
    const address = this.#addresses[slot] as number
    this.#pages.pageOf(address).bytes[this.#pages.offsetOf(address) + matchedAt] = 1
  }

  /** The watermark at which no partner can come any more; infinity = never. */
  dueOf(slot: number): number {
    const address = this.#addresses[slot] as number
    return this.#pages.pageOf(address).view.getFloat64(this.#pages.offsetOf(address) + dueAt, true)
  }

  setDue(slot: number, due: number): void {
    const address = this.#addresses[slot] as number
    this.#pages.pageOf(address).view.setFloat64(this.#pages.offsetOf(address) + dueAt, due, true)
  }

  /** Appends the columns of a row to builders. */
  decodeRow(slot: number, codec: RowCodec, builders: readonly ColumnBuilder[]): void {
    const address = this.#addresses[slot] as number
    codec.decode(this.#pages.pageOf(address), this.#pages.offsetOf(address) + rowAt, builders)
  }

  /** The memory of a row is free for others. */
  free(slot: number): void {
    this.freeAddress(this.#addresses[slot] as number)
    this.#addresses[slot] = -1
  }

  addressOf(slot: number): number {
    return this.#addresses[slot] as number
  }

  freeAddress(address: number): void {
    if (address >= 0) this.#pages.free(address, this.#sizeOf(address))
  }

  /** Puts the rows close together when most memory between them is empty. */
  tidy(count: number): void {
    if (!this.#pages.isSparse) return
    const before = this.#pages
    const after = new RowPages(this.#pool)
    for (let slot = 0; slot < count; slot++) {
      const address = this.#addresses[slot] as number
      if (address < 0) continue
      const start = before.offsetOf(address)
      const { bytes } = before.pageOf(address)
      const size = this.#sizeOf(address)
      this.#addresses[slot] = after.add(bytes, start, start + size)
      // Page by page, so that the rows are not held twice.
      before.free(address, size)
    }
    before.clear()
    this.#pages = after
  }

  resize(capacity: number): void {
    this.#addresses = resized(this.#addresses, capacity, -1)
  }

  encode(slot: number, writer: ByteWriter): void {
    const address = this.#addresses[slot] as number
    const start = this.#pages.offsetOf(address)
    writer.raw(this.#pages.pageOf(address).bytes, start, start + this.#sizeOf(address))
  }

  decode(slot: number, reader: ByteReader): void {
    this.freeAddress(this.#addresses[slot] as number)
    const start = reader.at
    const size = reader.u32()
    this.#addresses[slot] = this.#pages.add(reader.bytes, start, start + size)
    reader.at = start + size
  }

  move(from: number, to: number): void {
    this.#addresses[to] = this.#addresses[from] as number
  }

  clearFrom(count: number): void {
    this.#addresses.fill(-1, count)
  }

  byteLength(): number {
    return this.#addresses.byteLength + this.#pages.byteLength()
  }

  #sizeOf(address: number): number {
    return this.#pages.pageOf(address).view.getUint32(this.#pages.offsetOf(address) + sizeAt, true)
  }
}

/** Begins a record in an empty writer; the bytes of the row follow, then `endRecord`. */
export function beginRecord(writer: ByteWriter, matched: boolean, due: number): void {
  writer.length = 0
  writer.u32(0)
  writer.byte(matched ? 1 : 0)
  writer.f64(due)
}

export function endRecord(writer: ByteWriter): void {
  writer.u32At(sizeAt, writer.length)
}
