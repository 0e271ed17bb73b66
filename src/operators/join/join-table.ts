import type { DataType } from '../../batch/schema.ts'
import { firstCapacity } from '../keyed/hash-index.ts'
import { KeyedTable, type KeyedTableOptions } from '../keyed/keyed-table.ts'
import type { PagePool } from '../keyed/page-pool.ts'
import { KeyFilter } from './key-filter.ts'
import { RowIndex } from './row-index.ts'
import { StoredRows } from './stored-rows.ts'

/** The rows of both sides in one shard: an entry of state per row. */
export class JoinTable extends KeyedTable<StoredRows> {
  readonly rows: StoredRows
  readonly index: RowIndex
  /** Keys of which rows have left memory since the table was made. */
  readonly away = new KeyFilter()
  /** Rows that came in this epoch so far, which numbers them. */
  #nextNumber = 0

  constructor(keyTypes: readonly DataType[], options: KeyedTableOptions, pages: PagePool) {
    const rows = new StoredRows(pages)
    super(keyTypes, [rows], { ...options, dueOf: (slot) => rows.dueOf(slot) })
    this.rows = rows
    this.index = new RowIndex(keyTypes, options.capacity ?? firstCapacity, (slot) =>
      rows.free(slot),
    )
    this.keys = this.index
  }

  override openEpoch(epoch: number): void {
    super.openEpoch(epoch)
    this.#nextNumber = 0
    this.rows.tidy(this.count)
  }

  /** A place for a row of this epoch; its record must be put there, and the slot settled. */
  place(key: number, side: number, epoch: number): number {
    const slot = this.index.append(key, side, epoch, this.#nextNumber++)
    this.fitCapacity()
    return slot
  }

  override compact(keep: Uint8Array): void {
    const leaving: number[] = []
    for (let slot = 0; slot < this.count; slot++) {
      if (keep[slot] === 1 || this.keys.isDead(slot)) continue
      leaving.push(this.rows.addressOf(slot))
      this.away.add(this.index.keyHashOf(slot))
    }
    // Rows that are still to be written for an earlier barrier are written first.
    super.compact(keep)
    for (const address of leaving) this.rows.freeAddress(address)
    this.rows.tidy(this.count)
  }
}
