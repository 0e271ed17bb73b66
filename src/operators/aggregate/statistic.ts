import type { Column } from '../../batch/batch.ts'
import { columnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { doubleType } from '../../batch/schema.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { Accumulator } from './accumulator.ts'
import { NumberColumns } from './number-columns.ts'

/** A statistic that is worked out of a few doubles per group. */
export abstract class StatisticAccumulator implements Accumulator {
  protected readonly sums: NumberColumns

  /** `width`: how many doubles a group keeps, 0 at first. */
  constructor(width: number) {
    this.sums = new NumberColumns(width)
  }

  abstract update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void

  abstract merge(slot: number, from: this, fromSlot: number): void

  /** The statistic of a group; `undefined` is NULL. */
  protected abstract result(slot: number): number | undefined

  resize(capacity: number): void {
    this.sums.resize(capacity)
  }

  finish(slots: Int32Array): Column {
    const builder = columnBuilder(doubleType)
    for (const slot of slots) {
      const result = this.result(slot)
      if (result === undefined) builder.appendNull()
      else builder.appendNumber(result)
    }
    return builder.finish()
  }

  encode(slot: number, writer: ByteWriter): void {
    this.sums.encode(slot, writer)
  }

  decode(slot: number, reader: ByteReader): void {
    this.sums.decode(slot, reader)
  }

  move(from: number, to: number): void {
    this.sums.move(from, to)
  }

  clearFrom(count: number): void {
    this.sums.clearFrom(count)
  }

  byteLength(): number {
    return this.sums.byteLength()
  }
}
