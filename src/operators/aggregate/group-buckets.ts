import type { Column } from '../../batch/batch.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { heldBack } from '../../flow/held-back.ts'
import type { StateContext } from '../context.ts'
import { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import { splitByShard } from '../keyed/split-by-shard.ts'
import { windowsOf } from '../window.ts'
import { type AggregateInput, GroupTable } from './group-table.ts'
import { PaneTree } from './pane-tree.ts'
import { type AggregateSpec, lastClosing } from './spec.ts'
import { isUnsent } from './unsent-marks.ts'

/** Groups of one table that some rows went to. */
export interface ChangedGroups {
  readonly table: GroupTable
  readonly slots: Int32Array
}

/** What of an aggregation its state depends on. */
export type GroupsSpec = Pick<
  AggregateSpec,
  'operator' | 'mode' | 'early' | 'bucketing' | 'watermarked' | 'watermarkShift'
> & {
  readonly keys: readonly { readonly type: DataType; readonly column?: number }[]
  readonly aggregates: readonly { readonly call: AggregateCall }[]
}

/** All groups of one task: by window pane or by minute of a time key, and by shard. */
export class GroupBuckets extends KeyedBuckets<GroupTable> {
  readonly #aggregate: GroupsSpec
  /** Panes merged for windows that overlap, by position of the shard. */
  readonly #trees: readonly PaneTree[]
  readonly #paneNumber: (bucket: number) => number

  constructor(spec: GroupsSpec, context: StateContext) {
    const keyTypes = spec.keys.map((key) => key.type)
    const calls = spec.aggregates.map((aggregate) => aggregate.call)
    super(
      {
        operator: spec.operator,
        keyTypes,
        layout: spec.bucketing.kind === 'none' ? 'plain' : 'bucketed',
        make: (options) =>
          new GroupTable(keyTypes, calls, { ...options, marksUnsent: spec.early !== undefined }),
        isClosed: (bucket, key) =>
          isClosed(spec, heldBack(context.restoredWatermark, spec.watermarkShift), bucket, key),
      },
      context,
    )
    this.#aggregate = spec
    const { bucketing } = spec
    const math = bucketing.kind === 'window' ? windowsOf(bucketing.windows) : undefined
    const pane = math?.paneMicros ?? 1
    this.#paneNumber = (bucket) => Math.floor(bucket / pane)
    const overlaps = math !== undefined && math.panesPerWindow > 1
    // All panes begin at the same distance behind a multiple of their size.
    const origin =
      math === undefined ? 0 : math.paneOf(0) - Math.floor(math.paneOf(0) / pane) * pane
    this.#trees = (overlaps ? this.shards : []).map(
      (shard) =>
        new PaneTree({
          paneAt: (number) => this.tableOf(number * pane + origin, shard),
          emptyTable: () => this.emptyTable(),
          mayKeep: () => !this.anyCold(),
        }),
    )
  }

  /** Tables that together hold the groups of one shard in a window; they must not be changed. */
  windowTables(start: number, shard: number): readonly GroupTable[] {
    const { bucketing } = this.#aggregate
    if (bucketing.kind !== 'window') return []
    const { panesPerWindow } = windowsOf(bucketing.windows)
    const tree = this.#trees[this.positions.get(shard) ?? -1]
    const only = this.tableOf(start, shard)
    if (tree === undefined) return only === undefined || only.size === 0 ? [] : [only]
    // Groups that were away may have come back since something was kept.
    if (this.anyCold()) tree.clear()
    return tree.stretches(this.#paneNumber(start), panesPerWindow)
  }

  override async drop(bucket: number): Promise<void> {
    for (const tree of this.#trees) tree.forget(this.#paneNumber(bucket))
    await super.drop(bucket)
  }

  override byteLength(): number {
    return this.#trees.reduce((sum, tree) => sum + tree.byteLength(), super.byteLength())
  }

  override shardByteLength(shard: number): number {
    const tree = this.#trees[this.positions.get(shard) ?? -1]
    return super.shardByteLength(shard) + (tree?.byteLength() ?? 0)
  }

  changedCount(): number {
    return this.sum((table) => table.dirty.length)
  }

  /** Adds rows of one bucket to their groups. `hashes[k]` belongs to row `rows[k]` (k without `rows`). */
  update(
    bucket: number,
    keyColumns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array | undefined,
    inputs: readonly AggregateInput[],
  ): readonly ChangedGroups[] {
    for (const tree of this.#trees) tree.forget(this.#paneNumber(bucket))
    if (this.positions.size === 1) {
      const table = this.tableAt(bucket, 0)
      return [{ table, slots: table.update(keyColumns, hashes, rows, inputs) }]
    }
    return splitByShard(this.positions, this.context, hashes, rows).map((part) => {
      const table = this.tableAt(bucket, part.position)
      return { table, slots: table.update(keyColumns, part.hashes, part.rows, inputs) }
    })
  }

  /** Whether some group of a bucket, in memory or not, changed since it was last given out. */
  isUnsent(bucket: number): boolean {
    return this.tablesOf(bucket).some(({ unsent }) => unsent?.any() === true || unsent?.someLeft)
  }

  anyUnsent(): boolean {
    return this.numbers().some((bucket) => this.isUnsent(bucket))
  }

  /**
   * Loads the groups that lie outside of memory and were not given out; `everywhere` also where none has
   * left since the start.
   */
  async loadUnsent(everywhere: boolean): Promise<void> {
    for (const bucket of this.numbers()) {
      for (const shard of this.shards) {
        if (!this.context.state.hasCold(shard)) continue
        const unsent = this.tableOf(bucket, shard)?.unsent
        if (!everywhere && unsent?.someLeft !== true) continue
        await this.#loadUnsentOf(bucket, shard)
        if (unsent !== undefined) unsent.someLeft = false
      }
    }
  }

  async #loadUnsentOf(bucket: number, shard: number): Promise<void> {
    const [from, to] = [this.prefixOf(bucket), this.prefixOf(bucket + 1)]
    for await (const [stateKey, value] of this.context.state.scan(shard, from, to)) {
      const entry = isUnsent(value) ? this.readKey(stateKey) : undefined
      if (entry === undefined) continue
      const table = this.tableOf(bucket, shard)
      // What is in memory is newer.
      if ((table?.findKey(entry.key) ?? -1) >= 0 || table?.isGone(stateKey) === true) continue
      this.loadEntry(shard, stateKey, value)
    }
  }

  /** Starts of all windows that hold a pane with groups, ascending. */
  windowStarts(): readonly number[] {
    const { bucketing } = this.#aggregate
    if (bucketing.kind !== 'window') return []
    const math = windowsOf(bucketing.windows)
    const starts = new Set<number>()
    for (const bucket of this.numbers()) {
      for (const start of math.startsOf(bucket)) starts.add(start)
    }
    return [...starts].sort((a, b) => a - b)
  }

  /** Loads all groups of all panes of a window. */
  async loadWindow(start: number): Promise<void> {
    const { bucketing } = this.#aggregate
    if (!this.anyCold() || bucketing.kind !== 'window') return
    const math = windowsOf(bucketing.windows)
    for (let index = 0; index < math.panesPerWindow; index++) {
      const bucket = start + index * math.paneMicros
      if (this.has(bucket)) await this.loadBucket(bucket)
    }
  }
}

/** Whether the restored watermark had closed a bucket, or one group of it. */
function isClosed(
  { watermarked, mode, bucketing, keys }: GroupsSpec,
  restoredWatermark: number,
  bucket: number,
  key: Uint8Array | undefined,
): boolean {
  if (!watermarked || mode === 'complete' || bucketing.kind === 'none') return false
  if (lastClosing(bucketing, bucket) <= restoredWatermark) return true
  // A bucket of plain times may be closed in part.
  if (bucketing.kind !== 'timeKey' || key === undefined) return false
  const reader = new KeyReader(key)
  const values = keys.slice(0, bucketing.key + 1).map(({ type }) => reader.read(type))
  const time = values[bucketing.key]
  return typeof time === 'number' && time <= restoredWatermark
}
