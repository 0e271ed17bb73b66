import type { Batch, Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt } from '../../batch/key-codec.ts'
import { type RowBytes, type RowCodec, rowCodec } from '../../batch/row-codec.ts'
import { isExact, orderNumbers } from './order-numbers.ts'
import type { OrderKey, RankSpec, TopNSpec } from './spec.ts'

/** What lies before the bytes of a row: the size of it all, where the row begins, its place in the order. */
const sizeAt = 0
const rowAtAt = 4
const orderAt = 8

/** Where a record lies. */
export interface RecordPlace {
  readonly page: RowBytes
  readonly at: number
}

/** A row of a batch with its place in the order. */
export interface Candidate {
  readonly batch: Batch
  /** Per key of the order a number for each physical row (`orderNumbers`). */
  readonly numbers: readonly Float64Array[]
  /** The physical row. */
  row: number
}

/** The rows of a batch as candidates: one that is moved from row to row. */
export function candidatesOf({ order }: RankSpec, batch: Batch, rows: Int32Array): Candidate {
  return { batch, numbers: order.map((key) => orderNumbers(batch, key, rows)), row: -1 }
}

/**
 * Rows as records: the numbers of their order with key bytes where a number does not say it all, the key
 * of a row that changes, and the columns that go on.
 */
export class RankedRecords {
  readonly order: readonly OrderKey[]
  readonly codec: RowCodec
  readonly #identity: NonNullable<TopNSpec['identity']>
  readonly #writer = new ByteWriter()
  readonly #key = new ByteWriter()

  constructor({ order, output, identity = [] }: RankSpec & Pick<TopNSpec, 'identity'>) {
    this.order = order
    this.#identity = identity
    this.codec = rowCodec(output.slice(0, -1).map(({ type }) => type))
  }

  /** The record of a row, in a writer that is used again. */
  write({ batch, numbers, row }: Candidate): ByteWriter {
    const writer = this.#writer
    writer.length = 0
    writer.u32(0)
    writer.u32(0)
    for (let index = 0; index < this.order.length; index++) {
      const { type, column } = this.order[index] as OrderKey
      const number = (numbers[index] as Float64Array)[row] as number
      writer.f64(number)
      if (isExact(type, number)) continue
      const lengthAt = writer.length
      writer.u32(0)
      encodeKeyAt(writer, type, batch.columns[column] as Column, row)
      writer.u32At(lengthAt, writer.length - lengthAt - 4)
    }
    for (const { type, column } of this.#identity) {
      encodeKeyAt(writer, type, batch.columns[column] as Column, row)
    }
    writer.u32At(rowAtAt, writer.length)
    this.codec.encode(batch.columns, row, writer)
    writer.u32At(sizeAt, writer.length)
    return writer
  }

  /**
   * Where a key of the order lies in the record at `at`: its number, and key bytes behind it if any. Behind
   * the last one begins the identity of the row.
   */
  keyAt({ view }: RowBytes, at: number, index: number): number {
    let from = at + orderAt
    for (let before = 0; before < index; before++) {
      const number = view.getFloat64(from, true)
      from += 8
      if (!isExact((this.order[before] as OrderKey).type, number))
        from += 4 + view.getUint32(from, true)
    }
    return from
  }

  /**
   * Compares a candidate with a stored row by a key in which both have the same number: negative when the
   * candidate goes first.
   */
  compareBytes(candidate: Candidate, index: number, stored: RowBytes, at: number): number {
    const { type, column, descending, nullsFirst } = this.order[index] as OrderKey
    const own = this.#key
    own.length = 0
    encodeKeyAt(own, type, candidate.batch.columns[column] as Column, candidate.row)
    const from = this.keyAt(stored, at, index) + 12
    const length = stored.view.getUint32(from - 4, true)
    return compareKeys(
      { bytes: own.bytes, from: 0, length: own.length },
      { bytes: stored.bytes, from, length },
      { descending, nullsFirst },
    )
  }

  /** Compares two stored rows: negative when the left one goes first. */
  compare(left: RecordPlace, right: RecordPlace): number {
    let leftAt = left.at + orderAt
    let rightAt = right.at + orderAt
    for (const key of this.order) {
      const a = left.page.view.getFloat64(leftAt, true)
      const b = right.page.view.getFloat64(rightAt, true)
      if (a < b) return -1
      if (a > b) return 1
      leftAt += 8
      rightAt += 8
      if (isExact(key.type, a)) continue
      const leftLength = left.page.view.getUint32(leftAt, true)
      const rightLength = right.page.view.getUint32(rightAt, true)
      const found = compareKeys(
        { bytes: left.page.bytes, from: leftAt + 4, length: leftLength },
        { bytes: right.page.bytes, from: rightAt + 4, length: rightLength },
        key,
      )
      if (found !== 0) return found
      leftAt += 4 + leftLength
      rightAt += 4 + rightLength
    }
    return 0
  }

  /** Whether two stored rows look the same from outside. */
  isSameRow(left: RecordPlace, right: RecordPlace): boolean {
    const from = this.rowAt(left.page, left.at)
    const length = left.at + this.sizeOf(left.page, left.at) - from
    const other = this.rowAt(right.page, right.at)
    if (length !== right.at + this.sizeOf(right.page, right.at) - other) return false
    return sameBytes(left.page.bytes, from, right.page.bytes, other, length)
  }

  /** The key bytes of the identity of a stored row. */
  identityOf({ page, at }: RecordPlace): Uint8Array {
    return page.bytes.subarray(this.keyAt(page, at, this.order.length), this.rowAt(page, at))
  }

  sizeOf({ view }: RowBytes, at: number): number {
    return view.getUint32(at + sizeAt, true)
  }

  rowAt({ view }: RowBytes, at: number): number {
    return at + view.getUint32(at + rowAtAt, true)
  }
}

/** Whether `length` bytes are the same in two places. */
export function sameBytes(
  left: Uint8Array,
  leftFrom: number,
  right: Uint8Array,
  rightFrom: number,
  length: number,
): boolean {
  for (let at = 0; at < length; at++) {
    if (left[leftFrom + at] !== right[rightFrom + at]) return false
  }
  return true
}

interface KeyBytes {
  readonly bytes: Uint8Array
  readonly from: number
  readonly length: number
}

/** Two values of one key as the key codec writes them, by the order of that key. */
export function compareKeys(
  left: KeyBytes,
  right: KeyBytes,
  { descending, nullsFirst }: { readonly descending: boolean; readonly nullsFirst: boolean },
): number {
  const leftNull = left.bytes[left.from] === 0
  const rightNull = right.bytes[right.from] === 0
  if (leftNull || rightNull) {
    if (leftNull === rightNull) return 0
    return leftNull === nullsFirst ? -1 : 1
  }
  const length = Math.min(left.length, right.length)
  let difference = left.length - right.length
  for (let at = 0; at < length; at++) {
    const one = (left.bytes[left.from + at] as number) - (right.bytes[right.from + at] as number)
    if (one === 0) continue
    difference = one
    break
  }
  return descending ? -difference : difference
}
