import type { Column } from '../../batch/batch.ts'
import { columnOf } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { compareValues } from '../../batch/compare.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { type ByteReader, encodeValue } from '../../batch/value-codec.ts'
import type { Accumulator } from './accumulator.ts'

/** `min` and `max` of any ordered type, one value per group. */
export class ValueExtremeAccumulator implements Accumulator {
  values: Value[] = []
  readonly #type: DataType
  readonly #sign: 1 | -1

  constructor(type: DataType, which: 'min' | 'max') {
    this.#type = type
    this.#sign = which === 'max' ? 1 : -1
  }

  resize(capacity: number): void {
    this.values.length = Math.min(this.values.length, capacity)
    while (this.values.length < capacity) this.values.push(null)
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void {
    const [column] = args
    if (column === undefined) return
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      this.#offer(slots[k] as number, valueAt(column, this.#type, row))
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    this.#offer(slot, from.values[fromSlot] ?? null)
  }

  finish(slots: Int32Array): Column {
    return columnOf(
      this.#type,
      Array.from(slots, (slot) => this.values[slot] ?? null),
    )
  }

  encode(slot: number, writer: ByteWriter): void {
    encodeValue(writer, this.#type, this.values[slot] ?? null)
  }

  decode(slot: number, reader: ByteReader): void {
    this.values[slot] = reader.value(this.#type)
  }

  move(from: number, to: number): void {
    this.values[to] = this.values[from] ?? null
  }

  clearFrom(count: number): void {
    this.values.fill(null, count)
  }

  byteLength(): number {
    return this.values.length * 48
  }

  #offer(slot: number, value: Value): void {
    if (value === null) return
    const known = this.values[slot] ?? null
    if (known === null || compareValues(this.#type, value, known) * this.#sign > 0) {
      this.values[slot] = value
    }
  }
}
