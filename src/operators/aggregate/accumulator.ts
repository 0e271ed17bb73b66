import type { Column } from '../../batch/batch.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'

/**
 * The running values of one aggregate for all groups of a table: slot s belongs to group s. Kept in
 * columns, so that updating a batch is one tight loop per aggregate.
 */
export interface Accumulator {
  /** Makes room for slots below `capacity`; new slots hold the value of no rows. */
  grow(capacity: number): void
  /** Adds `count` rows: row `rows[k]` (k without `rows`) goes to group `slots[k]`. */
  update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    args: readonly Column[],
  ): void
  /** Adds what another accumulator of the same kind holds in a slot of its own. */
  merge(slot: number, from: this, fromSlot: number): void
  /** The results of the groups, in the order of `slots`. */
  finish(slots: Int32Array): Column
  encode(slot: number, writer: ByteWriter): void
  /** Replaces the slot by an encoded value. */
  decode(slot: number, reader: ByteReader): void
  /** Copies slot `from` over slot `to`; used when dead groups are squeezed out. */
  move(from: number, to: number): void
  /** Puts slots at and above `count` back to the value of no rows. */
  clearFrom(count: number): void
  byteLength(): number
}
