import type { EntryBlock } from '../../../state/frozen.ts'
import type { HotTable } from '../../../state/operator-state.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { forEachEntry, keyOfText, textOfKey, writeEntry } from './entries.ts'
import type { KeyedTable } from './keyed-table.ts'

/** What the view of a shard needs of the entries of its task. */
export interface ShardEntries {
  readonly epoch: number
  whenUnpinned(work: () => void): void
  numbers(): readonly number[]
  tableOf(bucket: number, shard: number): KeyedTable | undefined
  shardByteLength(shard: number): number
  readKey(stateKey: Uint8Array): { readonly bucket: number; readonly key: Uint8Array } | undefined
  dueKey(table: KeyedTable, slot: number): Uint8Array | undefined
  loadEntry(shard: number, key: Uint8Array, value: Uint8Array | undefined): void
  /** Squeezes slots out of a table whose entries are outside of memory now, so many bytes of them. */
  leave(shard: number, bucket: number, keep: Uint8Array, bytes: number): void
}

/** The entries of one shard, over all buckets, as the state service sees them. */
export function shardTable(buckets: ShardEntries, shard: number): HotTable {
  // Numbers are handed out, as positions shift when groups go.
  const walks = new Map<number, Walk>()
  let nextWalk = 1
  // What counts as unchanged is settled when entries are given out, as writing them may take epochs.
  let oldBefore = Number.NEGATIVE_INFINITY
  // Entries that were given out stay while an operator counts on them. Whoever asks again meanwhile gets
  // none: it would be the same ones, as another block that waits.
  let isForgetting = false

  /** Blocks are many and large: each is written where it stays. */
  const blockWriter = (maxBytes: number): ByteWriter => {
    const writer = new ByteWriter()
    writer.expect(Math.min(maxBytes, buckets.shardByteLength(shard)) + slackBytes)
    return writer
  }

  const forgetBefore = (block: EntryBlock, before: number): void => {
    const keeps = new Map<number, Leaving>()
    forEachEntry(block, (stateKey, value) => {
      const entry = buckets.readKey(stateKey)
      if (entry === undefined) return
      const { bucket, key } = entry
      const table = buckets.tableOf(bucket, shard)
      if (table === undefined) return
      if (value === undefined) {
        // A key that was removed again since it was given out is still to be told.
        const text = textOfKey(stateKey)
        if ((table.gone.get(text) ?? before) < before) table.gone.delete(text)
        return
      }
      const slot = table.findKey(key)
      if (slot < 0 || (table.stamps[slot] as number) >= before) return
      const leaving = leavingOf(keeps, bucket, table)
      leaving.keep[slot] = 0
      leaving.bytes += stateKey.length + value.length
    })
    for (const [bucket, { keep, bytes }] of keeps) buckets.leave(shard, bucket, keep, bytes)
  }

  return {
    byteLength: () => buckets.shardByteLength(shard),

    load(block) {
      forEachEntry(block, (key, value) => buckets.loadEntry(shard, key, value))
    },

    dump(cursor, maxBytes) {
      const from = walks.get(cursor)
      walks.delete(cursor)
      const writer = blockWriter(maxBytes)
      for (const bucket of buckets.numbers()) {
        if (from !== undefined && bucket < from.bucket) continue
        const table = buckets.tableOf(bucket, shard)
        if (table === undefined) continue
        const first = from?.bucket === bucket ? firstSlot(from, table) : 0
        // Removals first: a key that was removed and came again is there. Once, however many there are:
        // a walk that stopped behind them would never get past them.
        if (from?.bucket !== bucket)
          for (const [key] of table.gone) writeEntry(writer, keyOfText(key), undefined)
        for (let slot = first; slot < table.count; slot++) {
          if (writer.length >= maxBytes) {
            walks.set(nextWalk, { bucket, slot, table, generation: table.generation })
            return { block: writer.view(), cursor: nextWalk++ }
          }
          if (!table.keys.isDead(slot)) table.writeEntry(writer, slot)
        }
      }
      return { block: writer.view(), cursor: undefined }
    },

    cold(maxBytes) {
      if (isForgetting) return nothing
      // What was restored is old before any epoch has begun.
      oldBefore = Math.max(buckets.epoch, 0) - 1
      const writer = blockWriter(maxBytes)
      for (const bucket of buckets.numbers()) {
        const table = buckets.tableOf(bucket, shard)
        if (table === undefined) continue
        for (const [key, epoch] of table.gone) {
          if (epoch < oldBefore) writeEntry(writer, keyOfText(key), undefined)
        }
        for (let slot = 0; slot < table.count && writer.length < maxBytes; slot++) {
          if ((table.stamps[slot] as number) >= oldBefore || table.keys.isDead(slot)) continue
          table.writeEntry(writer, slot)
          const due = buckets.dueKey(table, slot)
          if (due !== undefined) writeEntry(writer, due, nothing)
        }
      }
      return writer.view()
    },

    forget(block) {
      const before = oldBefore
      isForgetting = true
      buckets.whenUnpinned(() => {
        isForgetting = false
        forgetBefore(block, before)
      })
    },
  }
}

const nothing = new Uint8Array(0)
/** Room in a block for the entry that reaches its limit. */
const slackBytes = 4096

/** Where a dump goes on. */
interface Walk {
  readonly bucket: number
  readonly slot: number
  readonly table: KeyedTable
  /** That of the table when the walk stood there. */
  readonly generation: number
}

/** When slots have moved since, the walk goes through its bucket anew: an entry given twice is harmless. */
function firstSlot({ slot, table, generation }: Walk, now: KeyedTable): number {
  return table === now && table.generation === generation ? slot : 0
}

/** Slots that stay in a table, and the bytes of the entries that do not. */
interface Leaving {
  readonly keep: Uint8Array
  bytes: number
}

function leavingOf(all: Map<number, Leaving>, bucket: number, table: KeyedTable): Leaving {
  const known = all.get(bucket)
  if (known !== undefined) return known
  const made = { keep: new Uint8Array(table.count).fill(1), bytes: 0 }
  all.set(bucket, made)
  return made
}
