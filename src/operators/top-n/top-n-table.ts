import type { DataType } from '../../batch/schema.ts'
import { KeyedTable, type KeyedTableOptions } from '../keyed/keyed-table.ts'
import { NumberValues } from '../keyed/number-values.ts'
import { RankedLists } from './ranked-lists.ts'
import type { RankedRecords } from './ranked-record.ts'

/** The partitions of one shard: the best rows of each, and the watermark that closes it. */
export class TopNTable extends KeyedTable<RankedLists | NumberValues> {
  readonly lists: RankedLists
  readonly #closings: NumberValues

  constructor(
    keyTypes: readonly DataType[],
    records: RankedRecords,
    limit: number,
    options: KeyedTableOptions,
  ) {
    const lists = new RankedLists(records, limit)
    const closings = new NumberValues(Number.POSITIVE_INFINITY)
    const dueOf = (slot: number): number => closings.numbers[slot] as number
    super(keyTypes, [lists, closings], { ...options, dueOf })
    this.lists = lists
    this.#closings = closings
  }

  override openEpoch(epoch: number): void {
    super.openEpoch(epoch)
    this.lists.tidy(this.count)
  }

  /** Says when a partition closes; once, when it is new. */
  closeAt(slot: number, time: number): void {
    this.#closings.numbers[slot] = time
    this.settle(slot)
  }
}
