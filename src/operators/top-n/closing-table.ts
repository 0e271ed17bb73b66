import type { DataType } from '../../batch/schema.ts'
import { KeyedTable, type KeyedTableOptions } from '../keyed/keyed-table.ts'
import { NumberValues } from '../keyed/number-values.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

/** Values that lie in pages, which grow thin as rows go. */
export interface PagedValues extends SlotValues {
  /** Puts what is left close together when most memory is empty. */
  tidy(slotCount: number): void
  /** Rows of all entries, where an entry may have several. */
  readonly total?: number
}

/** The entries of one shard, each with the watermark at which it is over. */
export class ClosingTable<V extends PagedValues> extends KeyedTable<V | NumberValues> {
  readonly kept: V
  readonly #closings: NumberValues

  constructor(keyTypes: readonly DataType[], kept: V, options: KeyedTableOptions) {
    const closings = new NumberValues(Number.POSITIVE_INFINITY)
    const dueOf = (slot: number): number => closings.numbers[slot] as number
    super(keyTypes, [kept, closings], { ...options, dueOf })
    this.kept = kept
    this.#closings = closings
  }

  override get rowCount(): number {
    return this.kept.total ?? this.size
  }

  override openEpoch(epoch: number): void {
    super.openEpoch(epoch)
    this.kept.tidy(this.count)
  }

  override compact(keep: Uint8Array): void {
    super.compact(keep)
    this.kept.tidy(this.count)
  }

  /** Says when an entry is over; once, when it is new. Without it, never. */
  closeAt(slot: number, time: number): void {
    this.#closings.numbers[slot] = time
    this.settle(slot)
  }
}
