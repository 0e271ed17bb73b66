import { ByteWriter } from '../../batch/byte-writer.ts'
import type { RowBytes } from '../../batch/row-codec.ts'
import { ByteReader } from '../../batch/value-codec.ts'
import type { PagePool } from '../keyed/page-pool.ts'
import { resized } from '../keyed/resized.ts'
import { RowPages } from '../keyed/row-pages.ts'
import type { PagedValues } from './closing-table.ts'
import { isExact } from './order-numbers.ts'
import type { Candidate, RankedRecords, RecordPlace } from './ranked-record.ts'
import type { OrderKey } from './spec.ts'

/** A list in which nothing changed since it was given out last. */
const unchanged = 2_147_483_647

/**
 * The best rows of each partition, best first, as records in pages. A list lies in a block of a pool that
 * all lists share; a block that is full is left for one of twice the size.
 */
export class RankedLists implements PagedValues {
  /** Rows by slot. */
  counts = new Int32Array(0)
  /** By slot: the first place at which another row stands than when the list was given out last. */
  changedFrom = new Int32Array(0)
  /** Rows of all lists. */
  total = 0
  readonly #records: RankedRecords
  readonly #limit: number
  /** By slot: 1 where rows of the partition are known that stand behind the end. */
  #cuts = new Uint8Array(0)
  /** By slot: where its block begins, and how large it is. */
  #starts = new Int32Array(0)
  #sizes = new Int32Array(0)
  /** Of the pool: where the record of each place lies, and its numbers by key of the order. */
  #addresses = new Float64Array(16)
  #numbers: Float64Array[]
  #poolEnd = 0
  /** Blocks that were left, by the logarithm of their size. */
  readonly #vacant: number[][] = []
  #pages: RowPages

  /** Pages come from a pool that tables may share. */
  constructor(records: RankedRecords, limit: number, pool: PagePool) {
    this.#records = records
    this.#limit = limit
    this.#pages = new RowPages(pool)
    this.#numbers = records.order.map(() => new Float64Array(16))
  }

  /** The place of a row in a list, behind those that are equal; −1 = it does not enter. */
  placeOf(slot: number, candidate: Candidate): number {
    const count = this.counts[slot] as number
    if (count === 0) return 0
    const start = this.#starts[slot] as number
    // Most rows are turned away by the last of a full list, or go behind it.
    if (this.#compare(candidate, start + count - 1) >= 0) return count < this.#limit ? count : -1
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(candidate, start + middle) < 0) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Puts a row at its place; the last one of a full list goes. */
  insert(slot: number, place: number, candidate: Candidate): void {
    this.#open(slot, place)
    const at = (this.#starts[slot] as number) + place
    const record = this.#records.write(candidate)
    this.#addresses[at] = this.#pages.add(record.bytes, 0, record.length)
    const { numbers, row } = candidate
    for (let index = 0; index < numbers.length; index++) {
      const own = this.#numbers[index] as Float64Array
      own[at] = (numbers[index] as Float64Array)[row] as number
    }
    if (place < (this.changedFrom[slot] as number)) this.changedFrom[slot] = place
  }

  /** Whether the partition has rows behind the end of its list; for lists that were replaced. */
  isCut(slot: number): boolean {
    return this.#cuts[slot] === 1
  }

  /** Makes a list of these records, which may be its own. */
  replace(slot: number, places: readonly RecordPlace[], isCut: boolean): void {
    const writer = new ByteWriter()
    writer.u32(places.length)
    writer.byte(isCut ? 1 : 0)
    for (const { page, at } of places) {
      writer.raw(page.bytes, at, at + this.#records.sizeOf(page, at))
    }
    this.decode(slot, new ByteReader(writer.take()))
  }

  /** The list was given out. */
  settleChanges(slot: number): void {
    this.changedFrom[slot] = unchanged
  }

  /** The page of the row at a place; `offsetAt` says where in it the record lies. */
  pageAt(slot: number, place: number): RowBytes {
    return this.#pages.pageOf(this.#addressAt(slot, place))
  }

  offsetAt(slot: number, place: number): number {
    return this.#pages.offsetOf(this.#addressAt(slot, place))
  }

  placeAt(slot: number, place: number): RecordPlace {
    return { page: this.pageAt(slot, place), at: this.offsetAt(slot, place) }
  }

  /** Puts the records close together when most memory between them is empty. */
  tidy(slotCount: number): void {
    const pages = this.#pages
    this.#pages = pages.tidied((move) => {
      for (let slot = 0; slot < slotCount; slot++) {
        const start = this.#starts[slot] as number
        const end = start + (this.counts[slot] as number)
        for (let at = start; at < end; at++) {
          const address = this.#addresses[at] as number
          const size = this.#records.sizeOf(pages.pageOf(address), pages.offsetOf(address))
          this.#addresses[at] = move(address, size)
        }
      }
    })
  }

  resize(capacity: number): void {
    this.counts = resized(this.counts, capacity)
    this.changedFrom = resized(this.changedFrom, capacity, unchanged)
    this.#cuts = resized(this.#cuts, capacity)
    this.#starts = resized(this.#starts, capacity)
    this.#sizes = resized(this.#sizes, capacity)
  }

  encode(slot: number, writer: ByteWriter): void {
    const count = this.counts[slot] as number
    writer.u32(count)
    writer.byte(this.#cuts[slot] as number)
    for (let place = 0; place < count; place++) {
      const page = this.pageAt(slot, place)
      const from = this.offsetAt(slot, place)
      writer.raw(page.bytes, from, from + this.#records.sizeOf(page, from))
    }
  }

  decode(slot: number, reader: ByteReader): void {
    this.release(slot)
    const count = reader.u32()
    this.#cuts[slot] = reader.byte()
    for (let place = 0; place < count; place++) {
      this.#open(slot, place)
      const from = reader.at
      const size = reader.u32()
      const address = this.#pages.add(reader.bytes, from, from + size)
      reader.at = from + size
      const at = (this.#starts[slot] as number) + place
      this.#addresses[at] = address
      const page = this.#pages.pageOf(address)
      const offset = this.#pages.offsetOf(address)
      for (let index = 0; index < this.#numbers.length; index++) {
        const own = this.#numbers[index] as Float64Array
        own[at] = page.view.getFloat64(this.#records.keyAt(page, offset, index), true)
      }
    }
  }

  release(slot: number): void {
    const start = this.#starts[slot] as number
    const count = this.counts[slot] as number
    for (let at = start; at < start + count; at++) this.#free(this.#addresses[at] as number)
    this.total -= count
    this.counts[slot] = 0
    this.changedFrom[slot] = unchanged
    this.#cuts[slot] = 0
    this.#leave(start, this.#sizes[slot] as number)
    this.#sizes[slot] = 0
  }

  move(from: number, to: number): void {
    this.counts[to] = this.counts[from] as number
    this.changedFrom[to] = this.changedFrom[from] as number
    this.#cuts[to] = this.#cuts[from] as number
    this.#starts[to] = this.#starts[from] as number
    this.#sizes[to] = this.#sizes[from] as number
  }

  clearFrom(count: number): void {
    this.counts.fill(0, count)
    this.changedFrom.fill(unchanged, count)
    this.#cuts.fill(0, count)
    this.#starts.fill(0, count)
    this.#sizes.fill(0, count)
  }

  byteLength(): number {
    return (
      this.#pages.byteLength() +
      this.counts.byteLength * 4 +
      this.#addresses.byteLength * (1 + this.#numbers.length)
    )
  }

  #addressAt(slot: number, place: number): number {
    return this.#addresses[(this.#starts[slot] as number) + place] as number
  }

  /** Negative when the candidate goes before the row at a place of the pool; 0 when they are equal. */
  #compare(candidate: Candidate, at: number): number {
    const { numbers, row } = candidate
    for (let index = 0; index < numbers.length; index++) {
      const own = (numbers[index] as Float64Array)[row] as number
      const other = (this.#numbers[index] as Float64Array)[at] as number
      if (own < other) return -1
      if (own > other) return 1
      if (isExact((this.#records.order[index] as OrderKey).type, own)) continue
      const address = this.#addresses[at] as number
      const page = this.#pages.pageOf(address)
      const order = this.#records.compareBytes(
        candidate,
        index,
        page,
        this.#pages.offsetOf(address),
      )
      if (order !== 0) return order
    }
    return 0
  }

  /** Makes a gap at a place of a list. */
  #open(slot: number, place: number): void {
    let count = this.counts[slot] as number
    const start = this.#starts[slot] as number
    if (count === this.#limit) {
      count--
      this.#free(this.#addresses[start + count] as number)
      this.total--
    } else if (count === (this.#sizes[slot] as number)) this.#enlarge(slot)
    this.counts[slot] = count + 1
    this.total++
    const from = (this.#starts[slot] as number) + place
    const end = (this.#starts[slot] as number) + count
    if (from === end) return
    this.#addresses.copyWithin(from + 1, from, end)
    for (const numbers of this.#numbers) numbers.copyWithin(from + 1, from, end)
  }

  #enlarge(slot: number): void {
    const before = this.#starts[slot] as number
    const size = this.#sizes[slot] as number
    const count = this.counts[slot] as number
    const start = this.#block(size === 0 ? 1 : size * 2)
    this.#addresses.copyWithin(start, before, before + count)
    for (const numbers of this.#numbers) numbers.copyWithin(start, before, before + count)
    this.#leave(before, size)
    this.#starts[slot] = start
    this.#sizes[slot] = size === 0 ? 1 : size * 2
  }

  /** Room for a power of two of places. */
  #block(size: number): number {
    const vacant = this.#vacant[Math.log2(size)]?.pop()
    if (vacant !== undefined) return vacant
    const start = this.#poolEnd
    this.#poolEnd += size
    if (this.#poolEnd > this.#addresses.length) {
      const capacity = Math.max(this.#addresses.length * 2, this.#poolEnd)
      this.#addresses = resized(this.#addresses, capacity)
      this.#numbers = this.#numbers.map((numbers) => resized(numbers, capacity))
    }
    return start
  }

  #leave(start: number, size: number): void {
    if (size === 0) return
    const power = Math.log2(size)
    const vacant = this.#vacant[power] ?? []
    vacant.push(start)
    this.#vacant[power] = vacant
  }

  #free(address: number): void {
    const page = this.#pages.pageOf(address)
    this.#pages.free(address, this.#records.sizeOf(page, this.#pages.offsetOf(address)))
  }
}
