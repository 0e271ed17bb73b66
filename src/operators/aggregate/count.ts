import { type Column, isValid, type Validity } from '../../batch/batch.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import { resized } from '../keyed/resized.ts'
import type { Accumulator } from './accumulator.ts'
import { validityOf } from './column-numbers.ts'

/** `count(*)`, `count(x)` and `count(x, y)`, the rows where none is NULL: LONG, never null. */
export class CountAccumulator implements Accumulator {
  counts = new Float64Array(0)

  resize(capacity: number): void {
    this.counts = resized(this.counts, capacity)
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void {
    const { counts } = this
    const validities = args.map(validityOf).filter((each) => each !== undefined)
    const [validity] = validities
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (validity !== undefined && !isValid(validity, row)) continue
      if (validities.length > 1 && !isValidInAll(validities, row)) continue
      const slot = slots[k] as number
      counts[slot] = (counts[slot] as number) + 1
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    this.counts[slot] = (this.counts[slot] as number) + (from.counts[fromSlot] as number)
  }

  finish(slots: Int32Array): Column {
    return { layout: 'f64', values: pick(this.counts, slots) }
  }

  encode(slot: number, writer: ByteWriter): void {
    writer.f64(this.counts[slot] as number)
  }

  decode(slot: number, reader: ByteReader): void {
    this.counts[slot] = reader.f64()
  }

  move(from: number, to: number): void {
    this.counts[to] = this.counts[from] as number
  }

  clearFrom(count: number): void {
    this.counts.fill(0, count)
  }

  byteLength(): number {
    return this.counts.byteLength
  }
}

function isValidInAll(validities: readonly Validity[], row: number): boolean {
  for (const validity of validities) if (!isValid(validity, row)) return false
  return true
}

function pick(values: Float64Array, slots: Int32Array): Float64Array {
  const picked = new Float64Array(slots.length)
  for (let k = 0; k < slots.length; k++) picked[k] = values[slots[k] as number] as number
  return picked
}
