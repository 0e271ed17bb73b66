import type { EntryBlock } from './frozen.ts'
import type { Entry } from './store.ts'

/**
 * The in-memory part of one shard, kept by an operator in whatever shape is fastest. The state
 * service reads it out in blocks for snapshots, fills it at a restore, and shrinks it when the
 * cache budget is exceeded. All methods are synchronous and bounded by their arguments.
 */
export interface HotTable {
  /** Bytes in use, approximately. */
  byteLength(): number
  /** Applies restored entries; later ones win; deletions remove. */
  load(block: EntryBlock): void
  /**
   * The next entries of a walk over everything, about `maxBytes` of them, and where to go on.
   * `cursor` 0 starts. Entries changed during the walk may appear in either state (a fuzzy dump:
   * the deltas of the epochs it spans are replayed over it), entries present all the time appear.
   * While `hasCold`, keys deleted since they were last given out by `cold` appear as deletions.
   */
  dump(
    cursor: number,
    maxBytes: number,
  ): { readonly block: EntryBlock; readonly cursor: number | undefined }
  /**
   * Up to `maxBytes` of entries not changed since the last freeze but one, coldest first; they stay in
   * the table. While `hasCold`, a deleted key is an entry too: a deletion. None while entries given out
   * before are still to be forgotten.
   */
  cold(maxBytes: number): EntryBlock
  /**
   * Drops those entries of the block last given out by `cold` that did not change since that call, which
   * may be several epochs ago. It may come while the operator waits for `getMany` or `scan`: entries that
   * the operator counts on until then it must keep.
   */
  forget(block: EntryBlock): void
}

/** What a checkpoint says of a shard without reading it. */
export interface RestoredShard {
  /** `FrozenState.rows` of the newest epoch; absent if the operator did not count them. */
  readonly rows?: number
  /** Bytes of the local store that comes with it, about. */
  readonly storedBytes: number
}

/** What an operator gets for its keyed state: the shards it owns and what lies behind its tables. */
export interface OperatorState {
  readonly operator: string
  /** Shards of this task, ascending; of `shardCount` in all. */
  readonly shards: readonly number[]
  readonly shardCount: number
  /**
   * Registers the table of a shard. Resolves when the restored entries were loaded, as far as the
   * budget allows; the rest is behind `getMany` and `scan`.
   */
  attach(shard: number, table: HotTable): Promise<void>
  /** What is known of the shard from the checkpoint; `undefined` on a first start. */
  restored(shard: number): RestoredShard | undefined
  /** True once entries of this shard lie outside its table, so that a miss must be looked up. */
  hasCold(shard: number): boolean
  /** Cold values in the order of `keys`. What the table holds is newer and must be asked first. */
  getMany(shard: number, keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Cold entries in key order; the caller overlays its table. */
  scan(shard: number, from: Uint8Array, to: Uint8Array | undefined): AsyncIterable<Entry>
  /**
   * The operator says that cold entries with `from <= key < to` are dead and never asked for again;
   * they may be removed at leisure. Dead entries may reappear after a restore: the operator knows which
   * are dead without them being deleted.
   */
  dropRange(shard: number, from: Uint8Array, to: Uint8Array): void
}
