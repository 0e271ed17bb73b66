import type { EntryBlock, FrozenState } from '../../../state/frozen.ts'
import type { HotTable } from '../../../state/operator-state.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import type { StateContext } from '../context.ts'
import { windowsOf } from '../window.ts'
import { GroupTable } from './group-table.ts'
import { type AggregateSpec, lastClosing } from './spec.ts'

/**
 * All groups of one task by bucket, and their form as state entries: the key is the bucket as a
 * sortable integer (absent without bucketing) and then the key columns; the value is what the
 * accumulators write. Closing a bucket writes no entries: whoever restores knows the watermark, and
 * with it which buckets are closed.
 */
export class GroupBuckets {
  readonly tables = new Map<number, GroupTable>()
  readonly #spec: AggregateSpec
  readonly #context: StateContext
  #epoch = -2

  constructor(spec: AggregateSpec, context: StateContext) {
    this.#spec = spec
    this.#context = context
  }

  /** The table of a bucket, made at first use. */
  table(bucket: number): GroupTable {
    const known = this.tables.get(bucket)
    if (known !== undefined) return known
    const made = this.emptyTable()
    this.tables.set(bucket, made)
    return made
  }

  /** A table of the same shape that belongs to no bucket. */
  emptyTable(): GroupTable {
    const table = new GroupTable(
      this.#spec.keys.map((key) => key.type),
      this.#spec.aggregates.map((aggregate) => aggregate.call),
    )
    table.openEpoch(this.#epoch)
    return table
  }

  openEpoch(epoch: number): void {
    this.#epoch = epoch
    for (const table of this.tables.values()) table.openEpoch(epoch)
  }

  drop(bucket: number): void {
    this.tables.delete(bucket)
  }

  groupCount(): number {
    let count = 0
    for (const table of this.tables.values()) count += table.count
    return count
  }

  changedCount(): number {
    let count = 0
    for (const table of this.tables.values()) count += table.dirty.length
    return count
  }

  byteLength(): number {
    let bytes = 0
    for (const table of this.tables.values()) bytes += table.byteLength()
    return bytes
  }

  /** Starts of all windows that hold a pane with groups, ascending. */
  windowStarts(): readonly number[] {
    const { bucketing } = this.#spec
    if (bucketing.kind !== 'window') return []
    const math = windowsOf(bucketing.windows)
    const starts = new Set<number>()
    for (const bucket of this.tables.keys()) {
      for (const start of math.startsOf(bucket)) starts.add(start)
    }
    return [...starts].sort((a, b) => a - b)
  }

  /** What changed in the epoch and is still there, by shard. Encoded at once: the tables go on changing. */
  freeze(): readonly FrozenState[] | undefined {
    const writers = new Map<number, { readonly writer: ByteWriter; count: number }>()
    for (const [bucket, table] of this.tables) {
      for (const slot of table.dirty) {
        const shard = this.#context.shardOf(table.keys.hashes[slot] as number)
        let entry = writers.get(shard)
        if (entry === undefined) {
          entry = { writer: new ByteWriter(), count: 0 }
          writers.set(shard, entry)
        }
        entry.count++
        this.writeEntry(entry.writer, bucket, table, slot)
      }
    }
    if (writers.size === 0) return undefined
    return [...writers].map(([shard, { writer, count }]) => {
      const block = writer.take()
      return {
        operator: this.#spec.operator,
        shard,
        changeCount: count,
        encode: () => block,
      }
    })
  }

  /** One entry in the packed form of `EntryBlock`. */
  writeEntry(writer: ByteWriter, bucket: number, table: GroupTable, slot: number): void {
    const head = writer.length
    writer.u32(0)
    writer.u32(0)
    const keyStart = writer.length
    this.writeBucket(writer, bucket)
    table.encodeKey(slot, writer)
    const valueStart = writer.length
    table.encodeValue(slot, writer)
    writer.u32At(head, valueStart - keyStart)
    writer.u32At(head + 4, writer.length - valueStart + 1)
  }

  writeBucket(writer: ByteWriter, bucket: number): void {
    if (this.#spec.bucketing.kind !== 'none') writer.sortableInteger(bucket)
  }

  /** Splits a state key into its bucket and the bytes of the key columns. */
  readKey(key: Uint8Array): { readonly bucket: number; readonly key: Uint8Array } {
    if (this.#spec.bucketing.kind === 'none') return { bucket: 0, key }
    return { bucket: new KeyReader(key).integer(), key: key.subarray(8) }
  }

  /** Puts one entry of state in its table, unless its bucket was closed by the restored watermark. */
  loadEntry(key: Uint8Array, value: Uint8Array | undefined): void {
    const entry = this.readKey(key)
    if (this.isClosed(entry.bucket) || this.#isTimeClosed(entry.key)) return
    this.table(entry.bucket).load(entry.key, value)
  }

  isClosed(bucket: number): boolean {
    const { watermarked, mode, bucketing } = this.#spec
    if (!watermarked || mode === 'complete' || bucketing.kind === 'none') return false
    return lastClosing(bucketing, bucket) <= this.#context.restoredWatermark
  }

  /** A bucket of plain times may be closed in part. */
  #isTimeClosed(key: Uint8Array): boolean {
    const { watermarked, mode, bucketing, keys } = this.#spec
    if (!watermarked || mode === 'complete' || bucketing.kind !== 'timeKey') return false
    const reader = new KeyReader(key)
    const values = keys.slice(0, bucketing.key + 1).map(({ type }) => reader.read(type))
    const time = values[bucketing.key]
    return typeof time === 'number' && time <= this.#context.restoredWatermark
  }

  /** The groups of one shard as the state service sees them. */
  hotTable(shard: number): HotTable {
    const { shardOf, state } = this.#context
    return shardTable(this, { shard, shardOf, shardCount: state.shards.length }, () => this.#epoch)
  }
}

/** A view of the groups whose key hash falls in one shard. */
function shardTable(
  buckets: GroupBuckets,
  place: {
    readonly shard: number
    readonly shardOf: (hash: number) => number
    readonly shardCount: number
  },
  epoch: () => number,
): HotTable {
  const { shard, shardOf, shardCount } = place
  const belongs = (table: GroupTable, slot: number): boolean =>
    shardOf(table.keys.hashes[slot] as number) === shard
  // Where a walk stands: bucket and slot. Numbers are handed out, as positions shift when groups go.
  const walks = new Map<number, { readonly bucket: number; readonly slot: number }>()
  let nextWalk = 1

  return {
    // All shards of a task share their tables; each answers for an equal part.
    byteLength: () => Math.ceil(buckets.byteLength() / shardCount),

    load(block) {
      forEachEntry(block, (key, value) => buckets.loadEntry(key, value))
    },

    dump(cursor, maxBytes) {
      const from = walks.get(cursor)
      walks.delete(cursor)
      const writer = new ByteWriter()
      const order = [...buckets.tables.keys()].sort((a, b) => a - b)
      for (const bucket of order) {
        if (from !== undefined && bucket < from.bucket) continue
        const table = buckets.tables.get(bucket)
        if (table === undefined) continue
        const first = from?.bucket === bucket ? from.slot : 0
        for (let slot = first; slot < table.count; slot++) {
          if (writer.length >= maxBytes) {
            walks.set(nextWalk, { bucket, slot })
            return { block: writer.take(), cursor: nextWalk++ }
          }
          if (belongs(table, slot)) buckets.writeEntry(writer, bucket, table, slot)
        }
      }
      return { block: writer.take(), cursor: undefined }
    },

    cold(maxBytes) {
      const writer = new ByteWriter()
      for (const [bucket, table] of buckets.tables) {
        for (let slot = 0; slot < table.count && writer.length < maxBytes; slot++) {
          const old = (table.stamps[slot] as number) < epoch() - 1
          if (old && belongs(table, slot)) buckets.writeEntry(writer, bucket, table, slot)
        }
      }
      return writer.take()
    },

    forget(block) {
      const keeps = new Map<number, Uint8Array>()
      forEachEntry(block, (stateKey) => {
        const { bucket, key } = buckets.readKey(stateKey)
        const table = buckets.tables.get(bucket)
        if (table === undefined) return
        const slot = table.findKey(key)
        if (slot < 0 || (table.stamps[slot] as number) >= epoch() - 1) return
        const keep = keeps.get(bucket) ?? new Uint8Array(table.count).fill(1)
        keep[slot] = 0
        keeps.set(bucket, keep)
      })
      // Squeezing moves slots, so walks of a dump begin their bucket anew: twice is harmless.
      for (const [cursor, walk] of walks) {
        if (keeps.has(walk.bucket)) walks.set(cursor, { bucket: walk.bucket, slot: 0 })
      }
      for (const [bucket, keep] of keeps) buckets.tables.get(bucket)?.compact(keep)
    },
  }
}

/** Calls with every entry of a packed block, in order. */
export function forEachEntry(
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
