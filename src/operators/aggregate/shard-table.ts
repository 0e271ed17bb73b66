import type { EntryBlock } from '../../../state/frozen.ts'
import type { HotTable } from '../../../state/operator-state.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import type { GroupTable } from './group-table.ts'

/** What the view of a shard needs of the groups of its task. */
export interface ShardGroups {
  readonly epoch: number
  readonly isPinned: boolean
  numbers(): readonly number[]
  tableOf(bucket: number, shard: number): GroupTable | undefined
  shardByteLength(shard: number): number
  readKey(key: Uint8Array): { readonly bucket: number; readonly key: Uint8Array }
  loadEntry(shard: number, key: Uint8Array, value: Uint8Array | undefined): void
}

/** The groups of one shard, over all buckets, as the state service sees them. */
export function shardTable(buckets: ShardGroups, shard: number): HotTable {
  // Where a walk stands: bucket and slot. Numbers are handed out, as positions shift when groups go.
  const walks = new Map<number, { readonly bucket: number; readonly slot: number }>()
  let nextWalk = 1
  // What counts as unchanged is settled when entries are given out, as writing them may take epochs.
  let oldBefore = Number.NEGATIVE_INFINITY
  const isOld = (stamp: number | undefined): boolean => (stamp ?? 0) < oldBefore

  return {
    byteLength: () => buckets.shardByteLength(shard),

    load(block) {
      forEachEntry(block, (key, value) => buckets.loadEntry(shard, key, value))
    },

    dump(cursor, maxBytes) {
      const from = walks.get(cursor)
      walks.delete(cursor)
      const writer = new ByteWriter()
      for (const bucket of buckets.numbers()) {
        if (from !== undefined && bucket < from.bucket) continue
        const table = buckets.tableOf(bucket, shard)
        if (table === undefined) continue
        const first = from?.bucket === bucket ? from.slot : 0
        for (let slot = first; slot < table.count; slot++) {
          if (writer.length >= maxBytes) {
            walks.set(nextWalk, { bucket, slot })
            return { block: writer.take(), cursor: nextWalk++ }
          }
          table.writeEntry(writer, slot)
        }
      }
      return { block: writer.take(), cursor: undefined }
    },

    cold(maxBytes) {
      oldBefore = buckets.epoch - 1
      const writer = new ByteWriter()
      for (const bucket of buckets.numbers()) {
        const table = buckets.tableOf(bucket, shard)
        if (table === undefined) continue
        for (let slot = 0; slot < table.count && writer.length < maxBytes; slot++) {
          if (isOld(table.stamps[slot])) table.writeEntry(writer, slot)
        }
      }
      return writer.take()
    },

    forget(block) {
      if (buckets.isPinned) return
      const keeps = new Map<number, Uint8Array>()
      forEachEntry(block, (stateKey) => {
        const { bucket, key } = buckets.readKey(stateKey)
        const table = buckets.tableOf(bucket, shard)
        if (table === undefined) return
        const slot = table.findKey(key)
        if (slot < 0 || !isOld(table.stamps[slot])) return
        const keep = keeps.get(bucket) ?? new Uint8Array(table.count).fill(1)
        keep[slot] = 0
        keeps.set(bucket, keep)
      })
      // Squeezing moves slots, so walks of a dump begin their bucket anew: twice is harmless.
      for (const [cursor, walk] of walks) {
        if (keeps.has(walk.bucket)) walks.set(cursor, { bucket: walk.bucket, slot: 0 })
      }
      for (const [bucket, keep] of keeps) buckets.tableOf(bucket, shard)?.compact(keep)
    },
  }
}

/** Calls with every entry of a packed block, in order. */
function forEachEntry(
  block: EntryBlock,
  call: (key: Uint8Array, value: Uint8Array | undefined) => void,
): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  let at = 0
  while (at < block.length) {
    const keyLength = view.getUint32(at, true)
    const valueLength = view.getUint32(at + 4, true)
    const keyEnd = at + 8 + keyLength
    const end = keyEnd + Math.max(valueLength - 1, 0)
    call(
      block.subarray(at + 8, keyEnd),
      valueLength === 0 ? undefined : block.subarray(keyEnd, end),
    )
    at = end
  }
}
