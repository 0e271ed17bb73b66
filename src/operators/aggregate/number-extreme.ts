import { type Column, isValid } from '../../batch/batch.ts'
import { columnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { DataType } from '../../batch/schema.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { Accumulator } from './accumulator.ts'
import { numbersOf, validityOf } from './column-numbers.ts'

/** `min` and `max` of types that are plain numbers in every layout but `i64`. */
export class NumberExtremeAccumulator implements Accumulator {
  values = new Float64Array(0)
  present = new Uint8Array(0)
  readonly #type: DataType
  readonly #sign: 1 | -1

  constructor(type: DataType, which: 'min' | 'max') {
    this.#type = type
    this.#sign = which === 'max' ? 1 : -1
  }

  resize(capacity: number): void {
    this.values = resized(this.values, capacity)
    this.present = resized(this.present, capacity)
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void {
    const [column] = args
    const from = column === undefined ? undefined : numbersOf(column)
    if (column === undefined || from === undefined) return
    const validity = validityOf(column)
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (validity !== undefined && !isValid(validity, row)) continue
      this.#offer(slots[k] as number, from[row] as number)
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    if (from.present[fromSlot] === 1) this.#offer(slot, from.values[fromSlot] as number)
  }

  finish(slots: Int32Array): Column {
    const builder = columnBuilder(this.#type)
    for (const slot of slots) {
      if (this.present[slot] === 1) builder.appendNumber(this.values[slot] as number)
      else builder.appendNull()
    }
    return builder.finish()
  }

  encode(slot: number, writer: ByteWriter): void {
    writer.byte(this.present[slot] as number)
    writer.f64(this.values[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    this.present[slot] = reader.byte()
    this.values[slot] = reader.f64()
  }

  move(from: number, to: number): void {
    this.present[to] = this.present[from] as number
    this.values[to] = this.values[from] as number
  }

  clearFrom(count: number): void {
    this.present.fill(0, count)
    this.values.fill(0, count)
  }

  byteLength(): number {
    return this.values.byteLength + this.present.byteLength
  }

  /** NaN is the largest double, as everywhere in SQL. */
  #offer(slot: number, value: number): void {
    if (this.present[slot] === 0) {
      this.present[slot] = 1
      this.values[slot] = value
      return
    }
    const known = this.values[slot] as number
    const larger = value > known || (Number.isNaN(value) && !Number.isNaN(known))
    const smaller = value < known || (Number.isNaN(known) && !Number.isNaN(value))
    if (this.#sign === 1 ? larger : smaller) this.values[slot] = value
  }
}

/** True when a type's values fit `NumberExtremeAccumulator` whatever the column layout. */
export function isPlainNumber(type: DataType): boolean {
  return ['byte', 'short', 'int', 'float', 'double', 'date', 'timestamp'].includes(type.kind)
}
