import type { Column } from '../../batch/batch.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { GrowthReserve } from './growth-reserve.ts'

/**
 * The keys of the entries of one table: an open-addressing index from key to slot, slots counting from
 * 0 in order of arrival. Keys are compared by value, never by column layout.
 */
export interface KeyIndex {
  /** Slots in use, dead ones included. */
  readonly count: number
  /** Slots whose key was removed. */
  readonly deadCount: number
  readonly capacity: number
  /** Memory for the next growth, of the index and of what grows with it. */
  readonly reserve: GrowthReserve
  readonly hashes: Int32Array
  /**
   * The slot of each row's key: `slots[k]` for row `rows[k]` (k without `rows`), whose hash is
   * `hashes[k]`. New keys get the next slots. The index must be able to hold them (`keysForColumns`).
   */
  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): void
  /** Like `findOrInsert`, but nothing is inserted: −1 for keys that are not there. */
  find(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
    slots: Int32Array,
  ): void
  /** The slot of an encoded key; inserts it if it is new. */
  insertEncoded(key: Uint8Array, hash: number): number
  /** The slot of an encoded key, or −1. */
  findEncoded(key: Uint8Array, hash: number): number
  /** The slot of a key of another index, inserted if it is new; `undefined` if this index cannot take it. */
  insertFrom(other: KeyIndex, slot: number): number | undefined
  /** The slot of a key of another index, or −1; `undefined` if this index cannot tell. */
  findFrom(other: KeyIndex, slot: number): number | undefined
  isDead(slot: number): boolean
  /** Takes the key of a slot out of the index; the slot is dead until `compact`. */
  remove(slot: number): void
  encode(slot: number, writer: ByteWriter): void
  /** The key columns of some groups. */
  columns(slots: Int32Array): readonly Column[]
  /** Keeps only the slots for which `keep` is 1, in order; dead ones must go. */
  compact(keep: Uint8Array): void
  /** Gives back room: capacity for at least `count` slots. */
  shrink(capacity: number): void
  byteLength(): number
}
