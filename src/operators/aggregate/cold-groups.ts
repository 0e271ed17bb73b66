import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt, KeyReader } from '../../batch/key-codec.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { StateContext } from '../context.ts'
import { windowsOf } from '../window.ts'
import type { GroupBuckets } from './group-buckets.ts'
import type { AggregateSpec } from './spec.ts'

/** Brings back groups that left memory, when the budget for state was exceeded. */
export interface ColdGroups {
  /** Whether any group of this task is out of memory. */
  any(): boolean
  /** After a restore: makes the buckets known whose groups are all out of memory. */
  discover(): Promise<void>
  /** Loads the groups that these rows belong to and that are not in memory. */
  fetch(
    bucket: number,
    keyColumns: readonly Column[],
    rows: Int32Array | undefined,
    count: number,
  ): Promise<void>
  /** Loads all groups of a bucket. */
  loadBucket(bucket: number): Promise<void>
  /** Loads all groups of all panes of a window. */
  loadWindow(start: number): Promise<void>
  /** The bucket is closed: its entries are dead. */
  drop(bucket: number): void
}

/** The cold side of one aggregation. */
export function coldGroups(
  spec: AggregateSpec,
  { state, shardOf }: StateContext,
  buckets: GroupBuckets,
): ColdGroups {
  const any = (): boolean => state.shards.some((shard) => state.hasCold(shard))

  const prefix = (bucket: number): Uint8Array => buckets.prefixOf(bucket)

  const loadBucket = async (bucket: number): Promise<void> => {
    if (!any()) return
    const from = prefix(bucket)
    const to = from.length === 0 ? undefined : prefix(bucket + 1)
    for (const shard of state.shards) {
      if (!state.hasCold(shard)) continue
      for await (const [stateKey, value] of state.scan(shard, from, to)) {
        const { key } = buckets.readKey(stateKey)
        // What is in memory is newer.
        const known = buckets.tableOf(bucket, shard)?.findKey(key) ?? -1
        if (known < 0) buckets.loadEntry(shard, stateKey, value)
      }
    }
  }

  return {
    any,
    loadBucket,

    async discover() {
      if (!any() || spec.bucketing.kind === 'none') return
      for (const shard of state.shards) {
        let from: Uint8Array | undefined = new Uint8Array(0)
        while (from !== undefined) {
          const first: number | undefined = await firstBucket(state.scan(shard, from, undefined))
          if (first !== undefined && !buckets.isClosed(first)) buckets.touch(first)
          from = first === undefined ? undefined : prefix(first + 1)
        }
      }
    },

    async fetch(bucket, keyColumns, rows, count) {
      const hashes = hashKeys(
        keyColumns,
        spec.keys.map((key) => key.type),
        rows,
        count,
      )
      const missing = new Map<number, Map<string, Uint8Array>>()
      const writer = new ByteWriter()
      for (let k = 0; k < count; k++) {
        const hash = hashes[k] as number
        const shard = shardOf(hash)
        if (!state.hasCold(shard)) continue
        const row = rows === undefined ? k : (rows[k] as number)
        writer.length = 0
        spec.keys.forEach(({ type }, index) => {
          encodeKeyAt(writer, type, keyColumns[index] as Column, row)
        })
        const key = writer.take()
        if ((buckets.tableOf(bucket, shard)?.find(key, hash) ?? -1) >= 0) continue
        const ofShard = missing.get(shard) ?? new Map<string, Uint8Array>()
        ofShard.set(Buffer.from(key).toString('latin1'), key)
        missing.set(shard, ofShard)
      }
      for (const [shard, keys] of missing) {
        const stateKeys = [...keys.values()].map((key) => Buffer.concat([prefix(bucket), key]))
        const values = await state.getMany(shard, stateKeys)
        values.forEach((value, index) => {
          const stateKey = stateKeys[index]
          if (value !== undefined && stateKey !== undefined)
            buckets.loadEntry(shard, stateKey, value)
        })
      }
    },

    async loadWindow(start) {
      if (!any() || spec.bucketing.kind !== 'window') return
      const math = windowsOf(spec.bucketing.windows)
      for (let index = 0; index < math.panesPerWindow; index++) {
        const bucket = start + index * math.paneMicros
        if (buckets.has(bucket)) await loadBucket(bucket)
      }
    },

    drop(bucket) {
      if (!any() || spec.bucketing.kind === 'none') return
      for (const shard of state.shards) state.dropRange(shard, prefix(bucket), prefix(bucket + 1))
    },
  }
}

async function firstBucket(
  entries: AsyncIterable<readonly [Uint8Array, Uint8Array]>,
): Promise<number | undefined> {
  for await (const [key] of entries) return new KeyReader(key).integer()
  return undefined
}
