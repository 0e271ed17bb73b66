import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { PagePool } from '../join/page-pool.ts'
import { RowPages } from '../join/row-pages.ts'
import { resized } from '../keyed/resized.ts'
import type { PagedValues } from './closing-table.ts'
import { type RankedRecords, type RecordPlace, sameBytes } from './ranked-record.ts'

/** One record per key: the newest state of a row that changes. */
export class StoredRecords implements PagedValues {
  readonly #records: RankedRecords
  #addresses = new Float64Array(0)
  readonly #pool: PagePool
  #pages: RowPages

  /** Pages come from a pool that tables may share. */
  constructor(records: RankedRecords, pool: PagePool) {
    this.#records = records
    this.#pool = pool
    this.#pages = new RowPages(pool)
  }

  /** Whether the record of a slot is just this one. */
  isSame(slot: number, record: ByteWriter): boolean {
    const address = this.#addresses[slot] as number
    if (address < 0) return false
    const { page, at } = this.placeOf(slot)
    if (this.#records.sizeOf(page, at) !== record.length) return false
    return sameBytes(page.bytes, at, record.bytes, 0, record.length)
  }

  /** Replaces the record of a slot. */
  put(slot: number, record: ByteWriter): void {
    this.release(slot)
    this.#addresses[slot] = this.#pages.add(record.bytes, 0, record.length)
  }

  placeOf(slot: number): RecordPlace {
    const address = this.#addresses[slot] as number
    return { page: this.#pages.pageOf(address), at: this.#pages.offsetOf(address) }
  }

  /** Puts the records close together when most memory between them is empty. */
  tidy(slotCount: number): void {
    if (!this.#pages.isSparse) return
    const before = this.#pages
    const after = new RowPages(this.#pool)
    for (let slot = 0; slot < slotCount; slot++) {
      const address = this.#addresses[slot] as number
      if (address < 0) continue
      const { page, at } = this.placeOf(slot)
      const size = this.#records.sizeOf(page, at)
      this.#addresses[slot] = after.add(page.bytes, at, at + size)
      // Page by page, so that the records are not held twice.
      before.free(address, size)
    }
    before.clear()
    this.#pages = after
  }

  resize(capacity: number): void {
    this.#addresses = resized(this.#addresses, capacity, -1)
  }

  encode(slot: number, writer: ByteWriter): void {
    const { page, at } = this.placeOf(slot)
    writer.raw(page.bytes, at, at + this.#records.sizeOf(page, at))
  }

  decode(slot: number, reader: ByteReader): void {
    this.release(slot)
    const start = reader.at
    const size = reader.u32()
    this.#addresses[slot] = this.#pages.add(reader.bytes, start, start + size)
    reader.at = start + size
  }

  release(slot: number): void {
    const address = this.#addresses[slot] as number
    if (address < 0) return
    const { page, at } = this.placeOf(slot)
    this.#pages.free(address, this.#records.sizeOf(page, at))
    this.#addresses[slot] = -1
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
}
