import type { FrozenState } from '../../../state/frozen.ts'
import type { HotTable } from '../../../state/operator-state.ts'
import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import type { StateContext } from '../context.ts'
import { firstCapacity } from '../keys/hash-index.ts'
import { windowsOf } from '../window.ts'
import {
  type AggregateInput,
  type FrozenGroups,
  GroupTable,
  type GroupTableOptions,
} from './group-table.ts'
import { shardTable } from './shard-table.ts'
import { type AggregateSpec, lastClosing } from './spec.ts'

/** Groups of one table that some rows went to. */
export interface ChangedGroups {
  readonly table: GroupTable
  readonly slots: Int32Array
}

/**
 * All groups of one task by bucket and shard, and their form as state entries: the key is the bucket
 * as a sortable integer (absent without bucketing) and then the key columns; the value is what the
 * accumulators write. Closing a bucket writes no entries: whoever restores knows the watermark, and
 * with it which buckets are closed. A table per shard keeps each one small, so that growing it never
 * takes long.
 */
export class GroupBuckets {
  readonly #buckets = new Map<number, (GroupTable | undefined)[]>()
  readonly #spec: AggregateSpec
  readonly #context: StateContext
  /** Where a shard stands among those of this task. */
  readonly #positions: ReadonlyMap<number, number>
  #epoch = -2
  #pins = 0

  constructor(spec: AggregateSpec, context: StateContext) {
    this.#spec = spec
    this.#context = context
    this.#positions = new Map(context.state.shards.map((shard, position) => [shard, position]))
  }

  /** The shards of this task. */
  get shards(): readonly number[] {
    return this.#context.state.shards
  }

  get epoch(): number {
    return this.#epoch
  }

  /** True while the operator counts on groups to stay that it has just looked up or brought back. */
  get isPinned(): boolean {
    return this.#pins > 0
  }

  /** Runs work during which no group may leave memory. */
  async pinned<T>(work: () => Promise<T>): Promise<T> {
    this.#pins++
    try {
      return await work()
    } finally {
      this.#pins--
    }
  }

  /** Buckets that are known, with groups in memory or not; ascending. */
  numbers(): readonly number[] {
    return [...this.#buckets.keys()].sort((a, b) => a - b)
  }

  has(bucket: number): boolean {
    return this.#buckets.has(bucket)
  }

  /** Makes a bucket known, whose groups may all be out of memory. */
  touch(bucket: number): void {
    this.#tablesAt(bucket)
  }

  /** The tables of a bucket, one per shard that has groups. */
  tablesOf(bucket: number): readonly GroupTable[] {
    return (this.#buckets.get(bucket) ?? []).filter((table) => table !== undefined)
  }

  /** The table of one shard in a bucket, if it has groups. */
  tableOf(bucket: number, shard: number): GroupTable | undefined {
    return this.#buckets.get(bucket)?.[this.#positions.get(shard) ?? -1]
  }

  /** A table of the same shape that belongs to no bucket. */
  emptyTable(options?: GroupTableOptions): GroupTable {
    const types = this.#spec.keys.map((key) => key.type)
    const calls = this.#spec.aggregates.map((aggregate) => aggregate.call)
    const table = new GroupTable(types, calls, options)
    table.openEpoch(this.#epoch)
    return table
  }

  openEpoch(epoch: number): void {
    this.#epoch = epoch
    for (const table of this.#all()) table.openEpoch(epoch)
  }

  drop(bucket: number): void {
    this.#buckets.delete(bucket)
  }

  groupCount(): number {
    return this.#sum((table) => table.count)
  }

  changedCount(): number {
    return this.#sum((table) => table.dirty.length)
  }

  byteLength(): number {
    return this.#sum((table) => table.byteLength())
  }

  /** Bytes of the tables of one shard. */
  shardByteLength(shard: number): number {
    const position = this.#positions.get(shard) ?? -1
    let bytes = 0
    for (const tables of this.#buckets.values()) bytes += tables[position]?.byteLength() ?? 0
    return bytes
  }

  /** Adds rows of one bucket to their groups. `hashes[k]` belongs to row `rows[k]` (k without `rows`). */
  update(
    bucket: number,
    keyColumns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array | undefined,
    inputs: readonly AggregateInput[],
  ): readonly ChangedGroups[] {
    if (this.#positions.size === 1) {
      const table = this.#tableAt(bucket, 0)
      return [{ table, slots: table.update(keyColumns, hashes, rows, inputs) }]
    }
    return this.#byShard(hashes, rows).map((part) => {
      const table = this.#tableAt(bucket, part.position)
      return { table, slots: table.update(keyColumns, part.hashes, part.rows, inputs) }
    })
  }

  /** Starts of all windows that hold a pane with groups, ascending. */
  windowStarts(): readonly number[] {
    const { bucketing } = this.#spec
    if (bucketing.kind !== 'window') return []
    const math = windowsOf(bucketing.windows)
    const starts = new Set<number>()
    for (const bucket of this.#buckets.keys()) {
      for (const start of math.startsOf(bucket)) starts.add(start)
    }
    return [...starts].sort((a, b) => a - b)
  }

  /** What changed in the epoch and is still there, by shard; encoded when it is asked for. */
  freeze(): readonly FrozenState[] | undefined {
    const { operator } = this.#spec
    const states: FrozenState[] = []
    for (const [shard, position] of this.#positions) {
      const parts: { readonly table: GroupTable; readonly frozen: FrozenGroups }[] = []
      for (const tables of this.#buckets.values()) {
        const table = tables[position]
        const frozen = table?.freeze()
        if (table !== undefined && frozen !== undefined) parts.push({ table, frozen })
      }
      const changeCount = parts.reduce((sum, { frozen }) => sum + frozen.slots.length, 0)
      if (changeCount > 0)
        states.push({ operator, shard, changeCount, encode: () => encode(parts) })
    }
    return states.length === 0 ? undefined : states
  }

  /** What state keys of a bucket begin with. */
  prefixOf(bucket: number): Uint8Array {
    const writer = new ByteWriter()
    if (this.#spec.bucketing.kind !== 'none') writer.sortableInteger(bucket)
    return writer.take()
  }

  /** Splits a state key into its bucket and the bytes of the key columns. */
  readKey(key: Uint8Array): { readonly bucket: number; readonly key: Uint8Array } {
    if (this.#spec.bucketing.kind === 'none') return { bucket: 0, key }
    return { bucket: new KeyReader(key).integer(), key: key.subarray(8) }
  }

  /** Puts one entry of state in its table, unless the restored watermark had closed it. */
  loadEntry(shard: number, key: Uint8Array, value: Uint8Array | undefined): void {
    const entry = this.readKey(key)
    if (this.isClosed(entry.bucket) || this.#isTimeClosed(entry.key)) return
    this.#tableAt(entry.bucket, this.#positions.get(shard) ?? 0).load(entry.key, value)
  }

  isClosed(bucket: number): boolean {
    const { watermarked, mode, bucketing } = this.#spec
    if (!watermarked || mode === 'complete' || bucketing.kind === 'none') return false
    return lastClosing(bucketing, bucket) <= this.#context.restoredWatermark
  }

  /** The groups of one shard as the state service sees them. */
  hotTable(shard: number): HotTable {
    return shardTable(this, shard)
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

  #tablesAt(bucket: number): (GroupTable | undefined)[] {
    const known = this.#buckets.get(bucket)
    if (known !== undefined) return known
    const made = new Array<GroupTable | undefined>(this.#positions.size).fill(undefined)
    this.#buckets.set(bucket, made)
    return made
  }

  #tableAt(bucket: number, position: number): GroupTable {
    const tables = this.#tablesAt(bucket)
    const known = tables[position]
    if (known !== undefined) return known
    // Shards fill evenly: tables of one first capacity would all grow in the same turn.
    const capacity = firstCapacity + Math.floor((firstCapacity * position) / this.#positions.size)
    const made = this.emptyTable({ prefix: this.prefixOf(bucket), capacity })
    tables[position] = made
    return made
  }

  #byShard(
    hashes: Int32Array,
    rows: Int32Array | undefined,
  ): readonly {
    readonly position: number
    readonly hashes: Int32Array
    readonly rows: Int32Array
  }[] {
    const count = hashes.length
    const positions = new Uint8Array(count)
    const sizes = new Int32Array(this.#positions.size)
    for (let k = 0; k < count; k++) {
      const shard = this.#context.shardOf(hashes[k] as number)
      const position = this.#positions.get(shard) ?? 0
      positions[k] = position
      sizes[position] = (sizes[position] as number) + 1
    }
    const parts = Array.from(sizes, (size, position) => ({
      position,
      hashes: new Int32Array(size),
      rows: new Int32Array(size),
    }))
    const filled = new Int32Array(sizes.length)
    for (let k = 0; k < count; k++) {
      const position = positions[k] as number
      const part = parts[position] as (typeof parts)[number]
      const at = filled[position] as number
      part.hashes[at] = hashes[k] as number
      part.rows[at] = rows === undefined ? k : (rows[k] as number)
      filled[position] = at + 1
    }
    return parts.filter((part) => part.hashes.length > 0)
  }

  *#all(): Iterable<GroupTable> {
    for (const tables of this.#buckets.values()) {
      for (const table of tables) if (table !== undefined) yield table
    }
  }

  #sum(figure: (table: GroupTable) => number): number {
    let sum = 0
    for (const table of this.#all()) sum += figure(table)
    return sum
  }
}

function encode(
  parts: readonly { readonly table: GroupTable; readonly frozen: FrozenGroups }[],
): Uint8Array {
  const writer = new ByteWriter()
  for (const { table, frozen } of parts) table.encodeFrozen(frozen, writer)
  return writer.take()
}
