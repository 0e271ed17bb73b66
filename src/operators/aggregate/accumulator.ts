import type { Column } from '../../batch/batch.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

/** When the rows of a batch came: physical row r as number `first + r` of its epoch. */
export interface Arrival {
  readonly epoch: number
  readonly first: number
}

/**
 * The running values of one aggregate for all groups of a table: slot s belongs to group s. Kept in
 * columns, so that updating a batch is one tight loop per aggregate. A new group has seen no rows.
 */
export interface Accumulator extends SlotValues {
  /**
   * Adds `count` rows: row `rows[k]` (k without `rows`) goes to group `slots[k]`. With `arrival`, what
   * depends on the order of rows survives `merge` in any order.
   */
  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
    arrival?: Arrival,
  ): void
  /**
   * Adds what another accumulator of the same kind holds in a slot of its own, which stays as it is.
   * Rows without an arrival count as later than those of this one.
   */
  merge(slot: number, from: this, fromSlot: number): void
  /** The results of the groups, in the order of `slots`. */
  finish(slots: Int32Array): Column
}
