import { type Column, isValid } from '../../batch/batch.ts'
import { columnBuilder } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { rescale } from '../../batch/decimal-text.ts'
import { valueAt } from '../../batch/read.ts'
import { type DataType, typeText } from '../../batch/schema.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { StreamError } from '../../core/error.ts'
import { resized } from '../keyed/resized.ts'
import type { Accumulator } from './accumulator.ts'
import { numbersOf, validityOf } from './column-numbers.ts'

/** A sum of doubles with the count of non-null inputs; serves `sum` and `avg` of numbers. */
export class DoubleSumAccumulator implements Accumulator {
  sums = new Float64Array(0)
  counts = new Float64Array(0)
  readonly #average: boolean

  /** `average`: the result is sum ÷ count. */
  constructor(average: boolean) {
    this.#average = average
  }

  resize(capacity: number): void {
    this.sums = resized(this.sums, capacity)
    this.counts = resized(this.counts, capacity)
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void {
    const [column] = args
    if (column === undefined) return
    const { sums, counts } = this
    const validity = validityOf(column)
    const values = numbersOf(column) ?? asDoubles(column)
    if (validity === undefined && values instanceof Float64Array) {
      for (let k = 0; k < count; k++) {
        const slot = slots[k] as number
        const value = values[rows === undefined ? k : (rows[k] as number)] as number
        sums[slot] = (sums[slot] as number) + value
        ;(counts[slot] as number)++
      }
      return
    }
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (!isValid(validity, row)) continue
      const slot = slots[k] as number
      sums[slot] = (sums[slot] as number) + (values[row] as number)
      ;(counts[slot] as number)++
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    this.sums[slot] = (this.sums[slot] as number) + (from.sums[fromSlot] as number)
    this.counts[slot] = (this.counts[slot] as number) + (from.counts[fromSlot] as number)
  }

  finish(slots: Int32Array): Column {
    const builder = columnBuilder({ kind: 'double' })
    for (const slot of slots) {
      const count = this.counts[slot] as number
      if (count === 0) builder.appendNull()
      else builder.appendNumber((this.sums[slot] as number) / (this.#average ? count : 1))
    }
    return builder.finish()
  }

  encode(slot: number, writer: ByteWriter): void {
    writer.f64(this.sums[slot] as number)
    writer.f64(this.counts[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    this.sums[slot] = reader.f64()
    this.counts[slot] = reader.f64()
  }

  move(from: number, to: number): void {
    this.sums[to] = this.sums[from] as number
    this.counts[to] = this.counts[from] as number
  }

  clearFrom(count: number): void {
    this.sums.fill(0, count)
    this.counts.fill(0, count)
  }

  byteLength(): number {
    return this.sums.byteLength + this.counts.byteLength
  }
}

/**
 * An exact sum of longs or decimals: doubles while every partial sum is a safe integer, big integers
 * from the first that is not.
 */
export class ExactSumAccumulator implements Accumulator {
  sums = new Float64Array(0)
  counts = new Float64Array(0)
  wide: bigint[] | undefined
  readonly #input: DataType
  readonly #result: DataType
  readonly #average: boolean
  readonly #safe: boolean

  /** `safe`: a result that leaves its type is NULL and does not raise. */
  constructor(input: DataType, result: DataType, average: boolean, safe = false) {
    this.#input = input
    this.#result = result
    this.#average = average
    this.#safe = safe
  }

  resize(capacity: number): void {
    this.sums = resized(this.sums, capacity)
    this.counts = resized(this.counts, capacity)
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void {
    const [column] = args
    if (column === undefined) return
    const values = numbersOf(column)
    const validity = validityOf(column)
    if (values === undefined || this.wide !== undefined) {
      return this.#updateWide(slots, rows, 0, count, column)
    }
    const { sums, counts } = this
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (validity !== undefined && !isValid(validity, row)) continue
      const slot = slots[k] as number
      const sum = (sums[slot] as number) + (values[row] as number)
      if (sum > Number.MAX_SAFE_INTEGER || sum < Number.MIN_SAFE_INTEGER) {
        return this.#updateWide(slots, rows, k, count, column)
      }
      sums[slot] = sum
      ;(counts[slot] as number)++
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    this.#add(slot, from.sumAt(fromSlot), from.counts[fromSlot] as number)
  }

  finish(slots: Int32Array): Column {
    const builder = columnBuilder(this.#result)
    for (const slot of slots) {
      const count = this.counts[slot] as number
      if (count === 0) builder.appendNull()
      else if (this.#average) builder.append(this.#checked(this.#averageOf(slot, count)))
      else if (this.wide === undefined) builder.appendNumber(this.sums[slot] as number)
      else builder.append(this.#checked(this.sumAt(slot)))
    }
    return builder.finish()
  }

  encode(slot: number, writer: ByteWriter): void {
    const sum = this.sumAt(slot)
    writer.i64(BigInt.asIntN(64, sum))
    writer.i64(BigInt.asIntN(64, sum >> 64n))
    writer.f64(this.counts[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    const low = BigInt.asUintN(64, reader.i64())
    const sum = (reader.i64() << 64n) | low
    this.sums[slot] = 0
    if (this.wide !== undefined) this.wide[slot] = 0n
    this.counts[slot] = 0
    this.#add(slot, sum, reader.f64())
  }

  move(from: number, to: number): void {
    this.sums[to] = this.sums[from] as number
    this.counts[to] = this.counts[from] as number
    if (this.wide !== undefined) this.wide[to] = this.wide[from] ?? 0n
  }

  clearFrom(count: number): void {
    this.sums.fill(0, count)
    this.counts.fill(0, count)
    if (this.wide !== undefined) this.wide.length = Math.min(this.wide.length, count)
  }

  byteLength(): number {
    return this.sums.byteLength + this.counts.byteLength + (this.wide?.length ?? 0) * 24
  }

  /** The exact sum of a slot. */
  sumAt(slot: number): bigint {
    return this.wide === undefined ? BigInt(this.sums[slot] as number) : (this.wide[slot] ?? 0n)
  }

  #updateWide(
    slots: Int32Array,
    rows: Int32Array | undefined,
    from: number,
    count: number,
    column: Column,
  ): void {
    this.#widen()
    for (let k = from; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      const value = valueAt(column, this.#input, row)
      if (value !== null) this.#add(slots[k] as number, BigInt(value as bigint), 1)
    }
  }

  #add(slot: number, sum: bigint, count: number): void {
    this.counts[slot] = (this.counts[slot] as number) + count
    const total = this.sumAt(slot) + sum
    if (this.wide === undefined && Number.isSafeInteger(Number(total))) {
      this.sums[slot] = Number(total)
    } else {
      this.#widen()[slot] = total
    }
  }

  #widen(): bigint[] {
    this.wide ??= Array.from(this.sums, BigInt)
    return this.wide
  }

  #checked(sum: bigint): bigint | null {
    const result = this.#result
    const fits =
      result.kind === 'decimal'
        ? (sum < 0n ? -sum : sum) < 10n ** BigInt(result.precision)
        : BigInt.asIntN(64, sum) === sum
    if (fits) return sum
    if (this.#safe) return null
    throw new StreamError('ARITHMETIC_OVERFLOW', {
      operation: 'sum',
      type: typeText(result).toUpperCase(),
      values: String(sum),
    })
  }

  #averageOf(slot: number, count: number): bigint {
    const scale = this.#input.kind === 'decimal' ? this.#input.scale : 0
    const wanted = this.#result.kind === 'decimal' ? this.#result.scale : 0
    // Two guard digits, then one rounding: half up of the exact quotient at the wanted scale.
    const scaled = rescale(this.sumAt(slot), scale, wanted) * 2n
    const divisor = BigInt(count)
    const rounded = scaled < 0n ? scaled - divisor : scaled + divisor
    return rounded / (2n * divisor)
  }
}

/** Doubles of a column in a wide layout, for sums of doubles. */
function asDoubles(column: Column): Float64Array {
  if (column.layout !== 'i64') return new Float64Array(0)
  return Float64Array.from(column.values, Number)
}
