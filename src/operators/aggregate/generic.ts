import { type Column, isValid } from '../../batch/batch.ts'
import { columnOf } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { compareValues } from '../../batch/compare.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { type ByteReader, encodeValue } from '../../batch/value-codec.ts'
import type { Accumulator } from './accumulator.ts'
import { numbersOf } from './column-numbers.ts'

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

/** `collect_list`: the non-null values in order of arrival. */
export class ListAccumulator implements Accumulator {
  lists: Value[][] = []
  #held = 0
  readonly #element: DataType

  constructor(element: DataType) {
    this.#element = element
  }

  resize(capacity: number): void {
    this.lists.length = Math.min(this.lists.length, capacity)
    while (this.lists.length < capacity) this.lists.push([])
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
      const value = valueAt(column, this.#element, row)
      if (value === null) continue
      this.lists[slots[k] as number]?.push(value)
      this.#held++
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    const more = from.lists[fromSlot] ?? []
    this.lists[slot] = [...(this.lists[slot] ?? []), ...more]
    this.#held += more.length
  }

  finish(slots: Int32Array): Column {
    return columnOf(
      { kind: 'array', element: this.#element, containsNull: false },
      Array.from(slots, (slot) => this.lists[slot] ?? []),
    )
  }

  encode(slot: number, writer: ByteWriter): void {
    const list = this.lists[slot] ?? []
    writer.u32(list.length)
    for (const value of list) encodeValue(writer, this.#element, value)
  }

  decode(slot: number, reader: ByteReader): void {
    const list = Array.from({ length: reader.u32() }, () => reader.value(this.#element))
    this.#held += list.length - (this.lists[slot]?.length ?? 0)
    this.lists[slot] = list
  }

  move(from: number, to: number): void {
    this.lists[to] = this.lists[from] ?? []
  }

  clearFrom(count: number): void {
    for (let slot = count; slot < this.lists.length; slot++) this.lists[slot] = []
  }

  byteLength(): number {
    return this.lists.length * 32 + this.#held * 48
  }
}

/** `rows_with_max(value, order)`: every value whose order is the largest, in order of arrival. */
export class RowsWithMaxAccumulator implements Accumulator {
  best: Value[] = []
  lists: Value[][] = []
  readonly #value: DataType
  readonly #order: DataType

  constructor(value: DataType, order: DataType) {
    this.#value = value
    this.#order = order
  }

  resize(capacity: number): void {
    this.best.length = Math.min(this.best.length, capacity)
    this.lists.length = this.best.length
    while (this.best.length < capacity) {
      this.best.push(null)
      this.lists.push([])
    }
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void {
    const [values, orders] = args
    if (values === undefined || orders === undefined) return
    const numbers = numbersOf(orders)
    const validity = orders.layout === 'void' ? new Uint8Array(0) : orders.validity
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (!isValid(validity, row)) continue
      const slot = slots[k] as number
      // Most rows lose; a comparison of plain numbers spares them the reading of a value.
      const known = this.best[slot] ?? null
      if (numbers !== undefined && known !== null && Number(known) > (numbers[row] as number)) {
        continue
      }
      this.#offer(slot, valueAt(orders, this.#order, row), [valueAt(values, this.#value, row)])
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    const order = from.best[fromSlot] ?? null
    if (order !== null) this.#offer(slot, order, from.lists[fromSlot] ?? [])
  }

  finish(slots: Int32Array): Column {
    return columnOf(
      { kind: 'array', element: this.#value, containsNull: true },
      Array.from(slots, (slot) => this.lists[slot] ?? []),
    )
  }

  encode(slot: number, writer: ByteWriter): void {
    encodeValue(writer, this.#order, this.best[slot] ?? null)
    const list = this.lists[slot] ?? []
    writer.u32(list.length)
    for (const value of list) encodeValue(writer, this.#value, value)
  }

  decode(slot: number, reader: ByteReader): void {
    this.best[slot] = reader.value(this.#order)
    this.lists[slot] = Array.from({ length: reader.u32() }, () => reader.value(this.#value))
  }

  move(from: number, to: number): void {
    this.best[to] = this.best[from] ?? null
    this.lists[to] = this.lists[from] ?? []
  }

  clearFrom(count: number): void {
    this.best.fill(null, count)
    for (let slot = count; slot < this.lists.length; slot++) this.lists[slot] = []
  }

  byteLength(): number {
    return this.best.length * 128
  }

  #offer(slot: number, order: Value, values: readonly Value[]): void {
    const known = this.best[slot] ?? null
    const comparison = known === null ? 1 : compareValues(this.#order, order, known)
    if (comparison < 0) return
    if (comparison > 0) {
      this.best[slot] = order
      this.lists[slot] = [...values]
    } else {
      this.lists[slot]?.push(...values)
    }
  }
}
