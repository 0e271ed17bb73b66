import type { ColumnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { RowCodec } from '../../batch/row-codec.ts'
import { PagedRecords } from '../keyed/paged-records.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

/** What lies before the bytes of a row: the size of it all, whether it had a partner, when it falls due. */
const sizeAt = 0
const matchedAt = 4
const dueAt = 5
const rowAt = 13

/** The rows of a table as bytes, each with what the join knows of it. */
export class StoredRows extends PagedRecords implements SlotValues {
  isMatched(slot: number): boolean {
    return this.pageOf(slot).bytes[this.offsetOf(slot) + matchedAt] === 1
  }

  setMatched(slot: number): void {
    this.pageOf(slot).bytes[this.offsetOf(slot) + matchedAt] = 1
  }

  /** The watermark at which no partner can come any more; infinity = never. */
  dueOf(slot: number): number {
    return this.pageOf(slot).view.getFloat64(this.offsetOf(slot) + dueAt, true)
  }

  setDue(slot: number, due: number): void {
    this.pageOf(slot).view.setFloat64(this.offsetOf(slot) + dueAt, due, true)
  }

  /** Appends the columns of a row to builders. */
  decodeRow(slot: number, codec: RowCodec, builders: readonly ColumnBuilder[]): void {
    codec.decode(this.pageOf(slot), this.offsetOf(slot) + rowAt, builders)
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
