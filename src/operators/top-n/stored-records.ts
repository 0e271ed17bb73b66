import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { PagePool } from '../keyed/page-pool.ts'
import { PagedRecords } from '../keyed/paged-records.ts'
import type { PagedValues } from './closing-table.ts'
import { type RankedRecords, type RecordPlace, sameBytes } from './ranked-record.ts'

/** One record per key: the newest state of a row that changes. */
export class StoredRecords extends PagedRecords implements PagedValues {
  readonly #records: RankedRecords

  /** Pages come from a pool that tables may share. */
  constructor(records: RankedRecords, pool: PagePool) {
    super(pool)
    this.#records = records
  }

  /** Whether the record of a slot is just this one. */
  isSame(slot: number, record: ByteWriter): boolean {
    if (this.addressOf(slot) < 0) return false
    const { page, at } = this.placeOf(slot)
    if (this.#records.sizeOf(page, at) !== record.length) return false
    return sameBytes(page.bytes, at, record.bytes, 0, record.length)
  }

  /** Replaces the record of a slot. */
  override put(slot: number, record: ByteWriter): void {
    this.free(slot)
    super.put(slot, record)
  }

  placeOf(slot: number): RecordPlace {
    return { page: this.pageOf(slot), at: this.offsetOf(slot) }
  }

  release(slot: number): void {
    this.free(slot)
  }
}
