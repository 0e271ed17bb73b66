import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

/** Several doubles per slot, each in a column of its own; 0 in new slots. */
export class NumberColumns implements SlotValues {
  readonly columns: Float64Array[]

  constructor(width: number) {
    this.columns = Array.from({ length: width }, () => new Float64Array(0))
  }

  /** A column; only valid until the next `resize`. */
  at(index: number): Float64Array {
    return this.columns[index] ?? new Float64Array(0)
  }

  resize(capacity: number): void {
    this.columns.forEach((column, index) => {
      this.columns[index] = resized(column, capacity)
    })
  }

  encode(slot: number, writer: ByteWriter): void {
    for (const column of this.columns) writer.f64(column[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    for (const column of this.columns) column[slot] = reader.f64()
  }

  move(from: number, to: number): void {
    for (const column of this.columns) column[to] = column[from] as number
  }

  clearFrom(count: number): void {
    for (const column of this.columns) column.fill(0, count)
  }

  byteLength(): number {
    return this.columns.reduce((bytes, column) => bytes + column.byteLength, 0)
  }
}
