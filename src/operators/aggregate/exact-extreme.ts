import { type Column, isValid } from '../../batch/batch.ts'
import { columnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { Accumulator } from './accumulator.ts'
import { numbersOf } from './column-numbers.ts'

/**
 * `min` and `max` of longs and decimals: doubles while every value is a safe integer, big integers
 * from the first that is not.
 */
export class ExactExtremeAccumulator implements Accumulator {
  values = new Float64Array(0)
  present = new Uint8Array(0)
  wide: bigint[] | undefined
  readonly #type: DataType
  readonly #isMax: boolean

  constructor(type: DataType, which: 'min' | 'max') {
    this.#type = type
    this.#isMax = which === 'max'
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
    if (column === undefined || column.layout === 'void') return
    const numbers = numbersOf(column)
    if (numbers === undefined || this.wide !== undefined) {
      return this.#updateWide(slots, rows, count, column)
    }
    const { values, present } = this
    const { validity } = column
    const isMax = this.#isMax
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (validity !== undefined && !isValid(validity, row)) continue
      const slot = slots[k] as number
      const value = numbers[row] as number
      const known = values[slot] as number
      if (present[slot] === 0 || (isMax ? value > known : value < known)) {
        present[slot] = 1
        values[slot] = value
      }
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    if (from.present[fromSlot] === 1) this.#offer(slot, from.#valueAt(fromSlot))
  }

  finish(slots: Int32Array): Column {
    const builder = columnBuilder(this.#type)
    for (const slot of slots) {
      if (this.present[slot] !== 1) builder.appendNull()
      else if (this.wide === undefined) builder.appendNumber(this.values[slot] as number)
      else builder.append(this.#valueAt(slot))
    }
    return builder.finish()
  }

  encode(slot: number, writer: ByteWriter): void {
    const value = this.#valueAt(slot)
    writer.byte(this.present[slot] as number)
    writer.i64(BigInt.asIntN(64, value))
    writer.i64(value >> 64n)
  }

  decode(slot: number, reader: ByteReader): void {
    const isPresent = reader.byte() === 1
    const low = BigInt.asUintN(64, reader.i64())
    const value = (reader.i64() << 64n) | low
    this.present[slot] = 0
    if (isPresent) this.#offer(slot, value)
  }

  move(from: number, to: number): void {
    this.present[to] = this.present[from] as number
    this.values[to] = this.values[from] as number
    if (this.wide !== undefined) this.wide[to] = this.wide[from] ?? 0n
  }

  clearFrom(count: number): void {
    this.present.fill(0, count)
    this.values.fill(0, count)
    if (this.wide !== undefined) this.wide.length = Math.min(this.wide.length, count)
  }

  byteLength(): number {
    return this.values.byteLength + this.present.byteLength + (this.wide?.length ?? 0) * 24
  }

  #updateWide(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    column: Column,
  ): void {
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      const value = valueAt(column, this.#type, row)
      if (value !== null) this.#offer(slots[k] as number, BigInt(value as bigint))
    }
  }

  #offer(slot: number, value: bigint): void {
    const known = this.#valueAt(slot)
    const isBetter = this.present[slot] === 0 || (this.#isMax ? value > known : value < known)
    if (!isBetter) return
    this.present[slot] = 1
    if (this.wide === undefined && Number.isSafeInteger(Number(value))) {
      this.values[slot] = Number(value)
    } else {
      this.wide ??= Array.from(this.values, BigInt)
      this.wide[slot] = value
    }
  }

  #valueAt(slot: number): bigint {
    return this.wide === undefined ? BigInt(this.values[slot] as number) : (this.wide[slot] ?? 0n)
  }
}
