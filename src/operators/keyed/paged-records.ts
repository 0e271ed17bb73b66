import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { RowBytes } from '../../batch/row-codec.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { PagePool } from './page-pool.ts'
import { resized } from './resized.ts'
import { RowPages } from './row-pages.ts'

/** One record for each slot, as bytes in pages; the first four bytes of a record are its size. */
export class PagedRecords {
  #addresses = new Float64Array(0)
  #pages: RowPages

  /** Pages come from a pool that tables may share. */
  constructor(pool: PagePool) {
    this.#pages = new RowPages(pool)
  }

  /** Keeps a record; the one that the slot had before is not freed. */
  put(slot: number, record: ByteWriter): void {
    this.#addresses[slot] = this.#pages.add(record.bytes, 0, record.length)
  }

  /** Where the record of a slot is, as long as nothing is moved; −1 = it has none. */
  addressOf(slot: number): number {
    return this.#addresses[slot] as number
  }

  pageOf(slot: number): RowBytes {
    return this.#pages.pageOf(this.#addresses[slot] as number)
  }

  /** Where the record begins in its page. */
  offsetOf(slot: number): number {
    return this.#pages.offsetOf(this.#addresses[slot] as number)
  }

  /** The memory of the record is free for others. */
  free(slot: number): void {
    this.freeAddress(this.#addresses[slot] as number)
    this.#addresses[slot] = -1
  }

  freeAddress(address: number): void {
    if (address >= 0) this.#pages.free(address, this.#sizeAt(address))
  }

  /** Puts the records close together when most memory between them is empty. */
  tidy(slotCount: number): void {
    this.#pages = this.#pages.tidied((move) => {
      for (let slot = 0; slot < slotCount; slot++) {
        const address = this.#addresses[slot] as number
        if (address >= 0) this.#addresses[slot] = move(address, this.#sizeAt(address))
      }
    })
  }

  resize(capacity: number): void {
    this.#addresses = resized(this.#addresses, capacity, -1)
  }

  encode(slot: number, writer: ByteWriter): void {
    const address = this.#addresses[slot] as number
    const start = this.#pages.offsetOf(address)
    writer.raw(this.#pages.pageOf(address).bytes, start, start + this.#sizeAt(address))
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

  #sizeAt(address: number): number {
    return this.#pages.pageOf(address).view.getUint32(this.#pages.offsetOf(address), true)
  }
}
