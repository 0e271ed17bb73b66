import { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import type { ClosingTable } from './closing-table.ts'
import type { RecordPlace } from './ranked-record.ts'
import type { StoredRecords } from './stored-records.ts'

/** The newest row of every group of one shard; keys begin with the columns of the partition. */
export type GroupRowTable = ClosingTable<StoredRecords>

/** The newest row of every group of one task. A group lies in the shard of its partition. */
export class GroupRows extends KeyedBuckets<GroupRowTable> {
  /** Rows of a partition that are out of memory; a place is good until the next one is asked for. */
  async *coldOf(shard: number, partition: Uint8Array): AsyncIterable<RecordPlace> {
    const { state } = this.context
    if (!state.hasCold(shard)) return
    const prefix = this.prefixOf(0)
    const from = Buffer.concat([prefix, partition])
    const table = this.tableOf(0, shard)
    for await (const [stateKey, value] of state.scan(shard, from, behind(from))) {
      const key = stateKey.subarray(prefix.length)
      // What is in memory is newer.
      if (table?.isGone(stateKey) === true || (table?.findKey(key) ?? -1) >= 0) continue
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
      yield { page: { bytes: value, view }, at: 0 }
    }
  }
}

/** The first key behind all that begin with a prefix. */
function behind(prefix: Uint8Array): Uint8Array | undefined {
  const last = prefix.findLastIndex((byte) => byte < 255)
  if (last < 0) return undefined
  // A copy, which `slice` of a Buffer is not.
  const end = Uint8Array.from(prefix.subarray(0, last + 1))
  end[last] = (end[last] as number) + 1
  return end
}
