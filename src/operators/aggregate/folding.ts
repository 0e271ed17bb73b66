import type { Column } from '../../batch/batch.ts'
import { columnOf } from '../../batch/build.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { Accumulator, Arrival } from './accumulator.ts'

/** Rows for one aggregate: row `rows[k]`, or k without `rows`, for k below `count`. */
export interface FoldedRows {
  readonly args: readonly Column[]
  readonly rows: Int32Array | undefined
  readonly count: number
  readonly arrival: Arrival | undefined
}

/** An aggregate whose groups each keep one object; called for every row, so for what has no faster form. */
export interface Folding<State> {
  zero(): State
  /** Made once per batch; adds one row and may change and return the state that it gets. */
  adder(rows: FoldedRows): (state: State, row: number, k: number) => State
  /** May change and return `into`; `from` stays as it is and is not held on to. */
  merge(into: State, from: State): State
  finish(state: State): Value
  encode(state: State, writer: ByteWriter): void
  decode(reader: ByteReader): State
  /** About how many bytes of memory the state takes; quick, as it is asked for whenever rows are added. */
  byteLength(state: State): number
}

/** Carries out a `Folding` for all groups of a table. */
export class FoldingAccumulator<State> implements Accumulator {
  /** Absent until the first row of the group. */
  readonly #states: (State | undefined)[] = []
  readonly #folding: Folding<State>
  readonly #type: DataType
  #bytes = 0

  constructor(folding: Folding<State>, type: DataType) {
    this.#folding = folding
    this.#type = type
  }

  resize(capacity: number): void {
    this.#states.length = Math.min(this.#states.length, capacity)
    while (this.#states.length < capacity) this.#states.push(undefined)
  }

  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
    arrival?: Arrival,
  ): void {
    const add = this.#folding.adder({ args, rows, count, arrival })
    // Rows of one group often lie together: its state is looked up and weighed once for all of them.
    for (let k = 0; k < count; ) {
      const slot = slots[k] as number
      const known = this.#states[slot]
      this.#bytes -= this.#sizeOf(known)
      let state = known ?? this.#folding.zero()
      for (; k < count && slots[k] === slot; k++) {
        state = add(state, rows === undefined ? k : (rows[k] as number), k)
      }
      this.#put(slot, state)
    }
  }

  merge(slot: number, from: this, fromSlot: number): void {
    const other = from.#states[fromSlot]
    if (other === undefined) return
    const known = this.#states[slot]
    this.#bytes -= this.#sizeOf(known)
    this.#put(slot, this.#folding.merge(known ?? this.#folding.zero(), other))
  }

  finish(slots: Int32Array): Column {
    const values = Array.from(slots, (slot) =>
      this.#folding.finish(this.#states[slot] ?? this.#folding.zero()),
    )
    return columnOf(this.#type, values)
  }

  encode(slot: number, writer: ByteWriter): void {
    this.#folding.encode(this.#states[slot] ?? this.#folding.zero(), writer)
  }

  decode(slot: number, reader: ByteReader): void {
    this.#bytes -= this.#sizeOf(this.#states[slot])
    this.#put(slot, this.#folding.decode(reader))
  }

  move(from: number, to: number): void {
    const moved = this.#states[from]
    this.#bytes += this.#sizeOf(moved) - this.#sizeOf(this.#states[to])
    this.#states[to] = moved
  }

  clearFrom(count: number): void {
    for (let slot = count; slot < this.#states.length; slot++) {
      this.#bytes -= this.#sizeOf(this.#states[slot])
      this.#states[slot] = undefined
    }
  }

  byteLength(): number {
    return this.#states.length * 8 + this.#bytes
  }

  #put(slot: number, state: State): void {
    this.#states[slot] = state
    this.#bytes += this.#folding.byteLength(state)
  }

  #sizeOf(state: State | undefined): number {
    return state === undefined ? 0 : this.#folding.byteLength(state)
  }
}
