import type { Column } from '../../batch/batch.ts'
import type { DataType } from '../../batch/schema.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { type AggregateInput, updateAll } from '../aggregate/group-table.ts'
import { makeAccumulator } from '../aggregate/make-accumulator.ts'
import { KeyedTable, type KeyedTableOptions } from '../keyed/keyed-table.ts'
import { SessionValues } from './session-values.ts'

/** Columns of the rows to be added. */
export interface SessionRows {
  readonly keyColumns: readonly Column[]
  readonly starts: Float64Array
  readonly ends: Float64Array
  readonly inputs: readonly AggregateInput[]
}

/** The open sessions of one shard, by key. An entry falls due when its first session ends. */
export class SessionTable extends KeyedTable<SessionValues> {
  readonly sessions: SessionValues
  #placed = new Int32Array(4096)

  /** `closes`: false when sessions are kept for ever. */
  constructor(
    types: readonly DataType[],
    calls: readonly AggregateCall[],
    closes: boolean,
    options: KeyedTableOptions,
  ) {
    const sessions = new SessionValues(calls.map(makeAccumulator))
    const dueOf = (slot: number): number =>
      closes ? sessions.firstEnd(slot) : Number.POSITIVE_INFINITY
    super(types, [sessions], { ...options, dueOf })
    this.sessions = sessions
  }

  override get rowCount(): number {
    return this.sessions.size
  }

  override openEpoch(epoch: number): void {
    super.openEpoch(epoch)
    this.sessions.squeeze()
  }

  override compact(keep: Uint8Array): void {
    super.compact(keep)
    this.sessions.squeeze()
  }

  /** Adds rows to the sessions of their keys. `hashes[k]` belongs to row `rows[k]`. */
  add(
    { keyColumns, starts, ends, inputs }: SessionRows,
    hashes: Int32Array,
    rows: Int32Array,
  ): void {
    const slots = this.slotsOf(keyColumns, hashes, rows)
    this.touchAll(slots)
    const count = slots.length
    if (this.#placed.length < count) this.#placed = new Int32Array(count)
    const placed = this.#placed.subarray(0, count)
    for (let k = 0; k < count; k++) {
      const row = rows[k] as number
      placed[k] = this.sessions.place(
        slots[k] as number,
        starts[row] as number,
        ends[row] as number,
      )
    }
    this.sessions.settled(placed)
    updateAll(this.sessions.accumulators, placed, rows, inputs)
  }

  /** Notes when changed entries fall due; how many sessions rows were added to. */
  settleChanged(): number {
    let changed = 0
    for (const slot of this.dirty) {
      if (this.keys.isDead(slot)) continue
      this.settle(slot)
      changed += this.sessions.takeChanged(slot)
    }
    return changed
  }
}
