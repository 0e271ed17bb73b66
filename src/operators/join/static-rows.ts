import { type Batch, type Column, rowNumbers } from '../../batch/batch.ts'
import type { ColumnBuilder } from '../../batch/build.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import { type RowCodec, rowCodec } from '../../batch/row-codec.ts'
import type { DataType, Schema } from '../../batch/schema.ts'
import { RowPages } from '../keyed/row-pages.ts'
import { JoinKeys } from './join-keys.ts'
import { rowsWithoutPartner } from './joined-pairs.ts'

/** How the rows of a side that does not stream are found. */
export interface StaticSpec {
  /** Columns that are kept: the first ones of the rows. */
  readonly schema: Schema
  readonly keys: readonly {
    readonly column: number
    readonly type: DataType
    readonly nullSafe: boolean
  }[]
}

/** The rows of a side that does not stream, by key. Complete once it is used; shared by all lanes. */
export class StaticRows {
  readonly #spec: StaticSpec
  readonly #keys: JoinKeys
  readonly #codec: RowCodec
  readonly #pages = new RowPages()
  readonly #writer = new ByteWriter()
  readonly #keyTypes: readonly DataType[]
  #addresses = new Float64Array(64)
  /** By key number: its first and last row. By row: the next one of the same key; −1 = none. */
  #first = new Int32Array(64)
  #last = new Int32Array(64)
  #next = new Int32Array(64)
  #count = 0

  constructor(spec: StaticSpec) {
    this.#spec = spec
    this.#keyTypes = spec.keys.map(({ type }) => type)
    this.#keys = new JoinKeys(this.#keyTypes)
    this.#codec = rowCodec(spec.schema.map(({ type }) => type))
  }

  get count(): number {
    return this.#count
  }

  add(batch: Batch): void {
    const rows = rowNumbers(batch)
    const columns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    const hashes = hashKeys(columns, this.#keyTypes, rows, rows.length)
    const nullSafe = this.#spec.keys.map((key) => key.nullSafe)
    const alone = rowsWithoutPartner(columns, nullSafe, rows)
    const known = this.#keys.index.count
    const numbers = this.#keys.findOrInsert(columns, rows, hashes)
    this.#growKeys(known)
    this.#growRows(rows.length)
    for (let k = 0; k < rows.length; k++) {
      this.#writer.length = 0
      this.#codec.encode(batch.columns, rows[k] as number, this.#writer)
      const row = this.#count++
      this.#addresses[row] = this.#pages.add(this.#writer.bytes, 0, this.#writer.length)
      this.#next[row] = -1
      if (alone?.[k] === 1) continue
      const key = numbers[k] as number
      const last = this.#last[key] as number
      if (last < 0) this.#first[key] = row
      else this.#next[last] = row
      this.#last[key] = row
    }
  }

  /** The number of each row's key, −1 where no row has it; good until the next call. */
  find(columns: readonly Column[], rows: Int32Array): Int32Array {
    return this.#keys.find(columns, rows, hashKeys(columns, this.#keyTypes, rows, rows.length))
  }

  /** The first row of a key; −1 = none. */
  firstOf(key: number): number {
    return key < 0 ? -1 : (this.#first[key] as number)
  }

  /** The next row of the same key; −1 = none. */
  nextOf(row: number): number {
    return this.#next[row] as number
  }

  /** Appends a row to builders. */
  decode(row: number, builders: readonly ColumnBuilder[]): void {
    const address = this.#addresses[row] as number
    this.#codec.decode(this.#pages.pageOf(address), this.#pages.offsetOf(address), builders)
  }

  #growKeys(known: number): void {
    const { count, capacity } = this.#keys.index
    if (this.#first.length < capacity) {
      this.#first = grown(this.#first, capacity)
      this.#last = grown(this.#last, capacity)
    }
    this.#first.fill(-1, known, count)
    this.#last.fill(-1, known, count)
  }

  #growRows(more: number): void {
    const needed = this.#count + more
    if (needed <= this.#next.length) return
    const capacity = Math.max(needed, this.#next.length * 2)
    this.#next = grown(this.#next, capacity)
    const addresses = new Float64Array(capacity)
    addresses.set(this.#addresses)
    this.#addresses = addresses
  }
}

function grown(before: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const after = new Int32Array(capacity)
  after.set(before)
  return after
}
