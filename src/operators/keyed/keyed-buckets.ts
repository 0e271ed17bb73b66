/**
 * Over 400 lines: what is in memory, what lies outside and what was restored are told apart entry by
 * entry, and every one of these questions is asked of all three.
 */
import type { FrozenState } from '../../../state/frozen.ts'
import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt, KeyReader } from '../../batch/key-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import type { StateContext } from '../context.ts'
import { AwayRows } from './away-rows.ts'
import { textOfKey } from './entries.ts'
import { firstCapacity } from './hash-index.ts'
import type { FrozenChanges, KeyedTable, KeyedTableOptions } from './keyed-table.ts'
import { shardTable } from './shard-table.ts'
import { type ShardRows, splitByShard } from './split-by-shard.ts'

/** What the keyed state of an operator is made of. */
export interface KeyedSpec<T extends KeyedTable> {
  readonly operator: string
  readonly keyTypes: readonly DataType[]
  /**
   * `bucketed`: entries live in buckets, which are closed as a whole; their state keys begin with the
   * bucket as a sortable integer. `due`: entries fall due one by one. `plain`: neither.
   */
  readonly layout: 'plain' | 'bucketed' | 'due'
  make(options: KeyedTableOptions): T
  /** True for entries that the restored watermark has closed: they were not deleted one by one. */
  readonly isClosed?: (bucket: number, key: Uint8Array | undefined) => boolean
  /** Entries that fell due up to here were over when the checkpoint was made (`KeyedTable.forget`). */
  readonly overUntil?: number
}

/** First bytes of state keys in the layout `due`: the entries, and where cold ones are found by time. */
export const entryTag = 0
const dueTag = 1

/**
 * All entries of one task by bucket and shard, and their form as state entries. Closing a bucket
 * writes no entries: whoever restores knows the watermark, and with it which buckets are closed. A
 * table per shard keeps each one small, so that growing it never takes long.
 */
export class KeyedBuckets<T extends KeyedTable> {
  readonly spec: KeyedSpec<T>
  protected readonly context: StateContext
  readonly #buckets = new Map<number, (T | undefined)[]>()
  /** Where a shard stands among those of this task. */
  protected readonly positions: ReadonlyMap<number, number>
  #epoch = -2
  #pins = 0
  readonly #waiting: (() => void)[] = []
  /** By position: a time that no cold entry of the shard falls due before. */
  readonly #coldDue: number[]
  readonly #away: AwayRows
  /** By position: the rows that were last given out by `freeze`, and before that those restored. */
  readonly #rowsFrozen: (number | undefined)[]
  #isAttached = false

  constructor(spec: KeyedSpec<T>, context: StateContext) {
    this.spec = spec
    this.context = context
    this.positions = new Map(context.state.shards.map((shard, position) => [shard, position]))
    this.#coldDue = context.state.shards.map(() => Number.POSITIVE_INFINITY)
    this.#away = new AwayRows(context.state.shards.length)
    this.#rowsFrozen = context.state.shards.map((shard) => context.state.restored(shard)?.rows)
  }

  /** The shards of this task. */
  get shards(): readonly number[] {
    return this.context.state.shards
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Runs work that makes entries leave memory, at once or as soon as none is counted on to stay. */
  whenUnpinned(work: () => void): void {
    if (this.#pins > 0) this.#waiting.push(work)
    else work()
  }

  /** Runs work during which no entry leaves memory that it has looked up or brought back. */
  async pinned<R>(work: () => Promise<R>): Promise<R> {
    this.#pins++
    try {
      return await work()
    } finally {
      this.#pins--
      if (this.#pins === 0) for (const leave of this.#waiting.splice(0)) leave()
    }
  }

  /** Registers all shards and loads what is restored. */
  async attach(): Promise<void> {
    for (const shard of this.shards) await this.context.state.attach(shard, shardTable(this, shard))
    await this.#discover()
    this.#isAttached = true
    this.#countRestored()
  }

  /** Buckets that are known, with entries in memory or not; ascending. */
  numbers(): readonly number[] {
    return [...this.#buckets.keys()].sort((a, b) => a - b)
  }

  has(bucket: number): boolean {
    return this.#buckets.has(bucket)
  }

  /** The tables of a bucket, one per shard that has entries. */
  tablesOf(bucket: number): readonly T[] {
    return (this.#buckets.get(bucket) ?? []).filter((table) => table !== undefined)
  }

  /** The table of one shard in a bucket, if it has entries. */
  tableOf(bucket: number, shard: number): T | undefined {
    return this.#buckets.get(bucket)?.[this.positions.get(shard) ?? -1]
  }

  /** The table of the shard that stands at a position among those of this task, made if there is none. */
  tableAt(bucket: number, position: number): T {
    const tables = this.#tablesAt(bucket)
    const known = tables[position]
    if (known !== undefined) return known
    // Shards fill evenly: tables of one first capacity would all grow in the same turn.
    const capacity = firstCapacity + Math.floor((firstCapacity * position) / this.positions.size)
    const shard = this.shards[position] ?? -1
    const made = this.emptyTable({
      prefix: this.prefixOf(bucket),
      capacity,
      hasCold: () => this.context.state.hasCold(shard),
    })
    tables[position] = made
    return made
  }

  /** A table of the same shape that belongs to no bucket. */
  emptyTable(options?: KeyedTableOptions): T {
    const table = this.spec.make(options ?? {})
    table.openEpoch(this.#epoch)
    return table
  }

  /** Splits rows by shard. `hashes[k]` belongs to row `rows[k]`. */
  split(hashes: Int32Array, rows: Int32Array): readonly ShardRows[] {
    if (this.positions.size === 1) return [{ position: 0, hashes, rows }]
    return splitByShard(this.positions, this.context, hashes, rows)
  }

  openEpoch(epoch: number): void {
    this.#epoch = epoch
    for (const table of this.all()) table.openEpoch(epoch)
  }

  /** Forgets a bucket; its entries outside of memory are dead. */
  async drop(bucket: number): Promise<void> {
    if (this.anyCold()) await this.#countAway(bucket)
    this.#away.forget(bucket)
    this.#buckets.delete(bucket)
    if (this.spec.layout !== 'bucketed' || !this.anyCold()) return
    const [from, to] = [this.prefixOf(bucket), this.prefixOf(bucket + 1)]
    for (const shard of this.shards) this.context.state.dropRange(shard, from, to)
  }

  /** Rows of state, in memory or not. */
  rowsTotal(): number {
    return this.shards.reduce((sum, _, position) => sum + this.#rowsAt(position), 0)
  }

  /** Bytes of entries that lie outside of memory only, about: of restored ones those of their files. */
  storedBytes(): number {
    return this.shards.reduce((sum, _, position) => sum + this.#away.bytesOf(position), 0)
  }

  byteLength(): number {
    return this.sum((table) => table.byteLength())
  }

  /** Bytes of the tables of one shard. */
  shardByteLength(shard: number): number {
    const position = this.positions.get(shard) ?? -1
    let bytes = 0
    for (const tables of this.#buckets.values()) bytes += tables[position]?.byteLength() ?? 0
    return bytes
  }

  /** Whether any entry of this task is out of memory. */
  anyCold(): boolean {
    return this.shards.some((shard) => this.context.state.hasCold(shard))
  }

  /** What changed in the epoch and is still there, by shard; encoded when it is asked for. */
  freeze(): readonly FrozenState[] | undefined {
    const { operator } = this.spec
    const states: FrozenState[] = []
    for (const [shard, position] of this.positions) {
      const parts: { readonly table: T; readonly frozen: FrozenChanges }[] = []
      for (const tables of this.#buckets.values()) {
        const table = tables[position]
        const frozen = table?.freeze()
        if (table !== undefined && frozen !== undefined) parts.push({ table, frozen })
      }
      const changeCount = parts.reduce((sum, { frozen }) => sum + frozen.count, 0)
      const rows = this.#rowsAt(position)
      // What closes is not written, but it is no longer there.
      if (changeCount === 0 && rows === (this.#rowsFrozen[position] ?? 0)) continue
      this.#rowsFrozen[position] = rows
      states.push({ operator, shard, changeCount, rows, encode: () => encode(parts) })
    }
    return states.length === 0 ? undefined : states
  }

  /** What state keys of a bucket begin with. */
  prefixOf(bucket: number): Uint8Array {
    const writer = new ByteWriter()
    if (this.spec.layout === 'bucketed') writer.sortableInteger(bucket)
    if (this.spec.layout === 'due') writer.byte(entryTag)
    return writer.take()
  }

  /** Splits a state key into its bucket and the bytes of the key columns; `undefined` if it holds none. */
  readKey(stateKey: Uint8Array): { readonly bucket: number; readonly key: Uint8Array } | undefined {
    switch (this.spec.layout) {
      case 'plain':
        return { bucket: 0, key: stateKey }
      case 'bucketed':
        return { bucket: new KeyReader(stateKey).integer(), key: stateKey.subarray(8) }
      default:
        return stateKey[0] === entryTag ? { bucket: 0, key: stateKey.subarray(1) } : undefined
    }
  }

  /** Puts one entry of state in its table, unless the restored watermark had closed it. */
  loadEntry(shard: number, stateKey: Uint8Array, value: Uint8Array | undefined): void {
    const entry = this.readKey(stateKey)
    if (entry === undefined) return
    const { isClosed, overUntil } = this.spec
    if (isClosed?.(entry.bucket, entry.key) === true) return
    const position = this.positions.get(shard) ?? 0
    const table = this.tableAt(entry.bucket, position)
    const before = table.rowCount
    table.load(entry.key, value, overUntil)
    if (!this.#isAttached) return
    const bytes = stateKey.length + (value?.length ?? 0)
    this.#away.change(entry.bucket, position, before - table.rowCount, -bytes)
  }

  /** Lets entries of a shard leave its table; `keep` is 1 for the slots that stay. */
  leave(shard: number, bucket: number, keep: Uint8Array, bytes: number): void {
    const position = this.positions.get(shard) ?? 0
    const table = this.tableOf(bucket, shard)
    if (table === undefined) return
    const before = table.rowCount
    this.#noteDues(position, table, keep)
    table.compact(keep)
    this.#away.change(bucket, position, before - table.rowCount, bytes)
  }

  /** Not when entries are given out: `loadDue` may look for the first that is outside in between. */
  #noteDues(position: number, table: KeyedTable, keep: Uint8Array): void {
    if (table.dues === undefined) return
    let first = this.#coldDue[position] as number
    for (let slot = 0; slot < keep.length; slot++) {
      if (keep[slot] === 0) first = Math.min(first, table.dueOf(slot))
    }
    this.#coldDue[position] = first
  }

  /** Where an entry that leaves memory is found again when it falls due; `undefined` if it never does. */
  dueKey(table: KeyedTable, slot: number): Uint8Array | undefined {
    if (this.spec.layout !== 'due') return undefined
    const due = table.dueOf(slot)
    if (due === Number.POSITIVE_INFINITY) return undefined
    const writer = new ByteWriter()
    writer.byte(dueTag)
    writer.sortableInteger(due)
    table.encodeKey(slot, writer)
    return writer.take()
  }

  /** A time that no entry of this task falls due before; infinity when none ever does. */
  nextDue(): number {
    let next = Math.min(...this.#coldDue, Number.POSITIVE_INFINITY)
    for (const table of this.all()) next = Math.min(next, table.nextDue())
    return next
  }

  /** A time that no entry outside of memory falls due before; infinity when none ever does. */
  coldDue(): number {
    return Math.min(...this.#coldDue, Number.POSITIVE_INFINITY)
  }

  /** Brings entries into memory that are due at `time` and lie outside of it. None may leave meanwhile (`pinned`). */
  async loadDue(time: number): Promise<void> {
    for (const [position, shard] of this.shards.entries()) {
      if ((this.#coldDue[position] as number) > time) continue
      const to = new ByteWriter()
      to.byte(dueTag)
      to.sortableInteger(time + 1)
      const from = Uint8Array.of(dueTag)
      const end = to.take()
      const keys: Uint8Array[] = []
      for await (const [stateKey] of this.context.state.scan(shard, from, end)) {
        keys.push(Buffer.concat([Uint8Array.of(entryTag), stateKey.subarray(9)]))
      }
      await this.loadKeys(0, shard, keys)
      this.context.state.dropRange(shard, from, end)
      this.#coldDue[position] = await this.#firstColdDue(shard, end)
    }
  }

  /** Loads entries from outside of memory, those that memory does not hold newer. */
  async loadKeys(bucket: number, shard: number, stateKeys: readonly Uint8Array[]): Promise<void> {
    const table = this.tableAt(bucket, this.positions.get(shard) ?? 0)
    const missing = stateKeys.filter((stateKey) => {
      const entry = this.readKey(stateKey)
      return entry !== undefined && !table.isGone(stateKey) && table.findKey(entry.key) < 0
    })
    if (missing.length === 0) return
    const values = await this.context.state.getMany(shard, missing)
    values.forEach((value, index) => {
      const stateKey = missing[index]
      if (value !== undefined && stateKey !== undefined) this.loadEntry(shard, stateKey, value)
    })
  }

  /** Loads the entries that these rows belong to and that lie outside of memory. */
  async fetch(
    bucket: number,
    keyColumns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array | undefined,
  ): Promise<void> {
    const missing = new Map<number, Map<string, Uint8Array>>()
    const writer = new ByteWriter()
    const prefix = this.prefixOf(bucket)
    for (let k = 0; k < hashes.length; k++) {
      const hash = hashes[k] as number
      const shard = this.context.shardOf(hash)
      if (!this.context.state.hasCold(shard)) continue
      const row = rows === undefined ? k : (rows[k] as number)
      writer.length = 0
      writer.raw(prefix)
      this.spec.keyTypes.forEach((type, index) => {
        encodeKeyAt(writer, type, keyColumns[index] as Column, row)
      })
      const stateKey = writer.take()
      const key = stateKey.subarray(prefix.length)
      if ((this.tableOf(bucket, shard)?.find(key, hash) ?? -1) >= 0) continue
      const ofShard = missing.get(shard) ?? new Map<string, Uint8Array>()
      ofShard.set(textOfKey(stateKey), stateKey)
      missing.set(shard, ofShard)
    }
    for (const [shard, keys] of missing) await this.loadKeys(bucket, shard, [...keys.values()])
  }

  /** Loads every entry of a bucket that lies outside of memory. */
  async loadBucket(bucket: number): Promise<void> {
    if (!this.anyCold()) return
    const from = this.prefixOf(bucket)
    const to = this.#endOf(bucket)
    for (const shard of this.shards) {
      const { state } = this.context
      if (!state.hasCold(shard)) continue
      for await (const [stateKey, value] of state.scan(shard, from, to)) {
        const entry = this.readKey(stateKey)
        if (entry === undefined) continue
        // What is in memory is newer.
        const table = this.tableOf(bucket, shard)
        if ((table?.findKey(entry.key) ?? -1) >= 0 || table?.isGone(stateKey) === true) continue
        this.loadEntry(shard, stateKey, value)
      }
    }
    this.#away.settle(bucket)
  }

  protected *all(): Iterable<T> {
    for (const tables of this.#buckets.values()) {
      for (const table of tables) if (table !== undefined) yield table
    }
  }

  protected sum(figure: (table: T) => number): number {
    let sum = 0
    for (const table of this.all()) sum += figure(table)
    return sum
  }

  #rowsAt(position: number): number {
    let rows = this.#away.rowsOf(position)
    for (const tables of this.#buckets.values()) rows += tables[position]?.rowCount ?? 0
    return rows
  }

  /** What the checkpoint counts and memory does not hold lies outside. */
  #countRestored(): void {
    const { state } = this.context
    if (this.shards.every((shard) => state.restored(shard)?.rows === undefined)) return
    const amounts = this.shards.map((shard, position) => {
      const { rows = 0, storedBytes = 0 } = state.restored(shard) ?? {}
      let inMemory = 0
      for (const tables of this.#buckets.values()) inMemory += tables[position]?.rowCount ?? 0
      // With what left memory again while the rest was loaded.
      const bytes = storedBytes + this.#away.bytesOf(position)
      return { rows: Math.max(0, rows - inMemory), bytes }
    })
    const buckets = this.spec.layout === 'bucketed' ? this.#buckets.keys() : [0]
    this.#away.restore(buckets, amounts)
  }

  /** Takes the entries of a bucket that lie outside of memory out of those that are counted together. */
  async #countAway(bucket: number): Promise<void> {
    if (!this.#away.isUncounted(bucket)) return
    for (const [position, shard] of this.shards.entries()) {
      const { state } = this.context
      if (!state.hasCold(shard)) continue
      const table = this.tableOf(bucket, shard)
      const [from, to] = [this.prefixOf(bucket), this.#endOf(bucket)]
      for await (const [stateKey, value] of state.scan(shard, from, to)) {
        const entry = this.readKey(stateKey)
        if (entry === undefined || this.spec.isClosed?.(bucket, entry.key) === true) continue
        if ((table?.findKey(entry.key) ?? -1) >= 0 || table?.isGone(stateKey) === true) continue
        this.#away.change(bucket, position, -1, -stateKey.length - value.length)
      }
    }
    this.#away.settle(bucket)
  }

  /** The first state key behind those of a bucket; `undefined` = there is nothing behind. */
  #endOf(bucket: number): Uint8Array | undefined {
    if (this.spec.layout === 'bucketed') return this.prefixOf(bucket + 1)
    return this.spec.layout === 'due' ? Uint8Array.of(dueTag) : undefined
  }

  /** After a restore: makes the buckets known whose entries are all out of memory, and what falls due. */
  async #discover(): Promise<void> {
    for (const [position, shard] of this.shards.entries()) {
      if (!this.context.state.hasCold(shard)) continue
      if (this.spec.layout === 'due') {
        const first = await this.#firstColdDue(shard, Uint8Array.of(dueTag))
        this.#coldDue[position] = Math.min(first, this.#coldDue[position] as number)
      }
      if (this.spec.layout !== 'bucketed') continue
      let from: Uint8Array | undefined = new Uint8Array(0)
      while (from !== undefined) {
        const first = await firstKey(this.context.state.scan(shard, from, undefined))
        const bucket = first === undefined ? undefined : this.readKey(first)?.bucket
        if (bucket === undefined) break
        if (this.spec.isClosed?.(bucket, undefined) !== true) this.#tablesAt(bucket)
        from = this.prefixOf(bucket + 1)
      }
    }
  }

  async #firstColdDue(shard: number, from: Uint8Array): Promise<number> {
    const first = await firstKey(this.context.state.scan(shard, from, undefined))
    if (first === undefined) return Number.POSITIVE_INFINITY
    return new KeyReader(first.subarray(1)).integer()
  }

  #tablesAt(bucket: number): (T | undefined)[] {
    const known = this.#buckets.get(bucket)
    if (known !== undefined) return known
    const made = new Array<T | undefined>(this.positions.size).fill(undefined)
    this.#buckets.set(bucket, made)
    return made
  }
}

async function firstKey(
  entries: AsyncIterable<readonly [Uint8Array, Uint8Array]>,
): Promise<Uint8Array | undefined> {
  for await (const [key] of entries) return key
  return undefined
}

function encode(
  parts: readonly { readonly table: KeyedTable; readonly frozen: FrozenChanges }[],
): Uint8Array {
  const writer = new ByteWriter()
  for (const { table, frozen } of parts) table.encodeFrozen(frozen, writer)
  // Not copied: the writer is not used again.
  return writer.view()
}
