import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt } from '../../batch/key-codec.ts'
import { heldBack } from '../../flow/held-back.ts'
import type { StateContext } from '../context.ts'
import { textOfKey } from '../keyed/entries.ts'
import { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import { PagePool } from '../keyed/page-pool.ts'
import { JoinTable } from './join-table.ts'
import type { JoinSpec } from './spec.ts'

/** All rows of a join that this task keeps. */
export class JoinBuckets extends KeyedBuckets<JoinTable> {
  /** Shards that began with every row in memory, so that their tables know which keys have left it. */
  readonly #whole = new Set<number>()

  constructor(
    {
      operator,
      keyTypes,
      watermarkShift,
    }: Pick<JoinSpec, 'operator' | 'keyTypes' | 'watermarkShift'>,
    context: StateContext,
  ) {
    const pages = new PagePool()
    super(
      {
        operator,
        keyTypes,
        layout: 'due',
        make: (options) => new JoinTable(keyTypes, options, pages),
        overUntil: heldBack(context.restoredWatermark, watermarkShift),
      },
      context,
    )
  }

  override async attach(): Promise<void> {
    await super.attach()
    const { state } = this.context
    for (const shard of this.shards) if (!state.hasCold(shard)) this.#whole.add(shard)
  }

  /** What the progress of a join says of its rows; those of each side are those in memory. */
  figures() {
    return {
      rowsTotal: this.rowsTotal(),
      memoryUsedBytes: this.byteLength(),
      storedBytes: this.storedBytes(),
      custom: { numLeftRows: this.#countOf(0), numRightRows: this.#countOf(1) },
    }
  }

  #countOf(side: 0 | 1): number {
    return this.sum((table) => table.index.counts[side])
  }

  /** Brings rows of one side into memory that the keys of these rows have outside of it. */
  async fetchPartners(
    side: number,
    columns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array,
  ): Promise<void> {
    const { state } = this.context
    const seen = new Set<string>()
    const writer = new ByteWriter()
    for (let k = 0; k < rows.length; k++) {
      const shard = this.context.shardOf(hashes[k] as number)
      if (!state.hasCold(shard) || !this.#mayBeAway(shard, hashes[k] as number)) continue
      writer.length = 0
      writer.raw(this.prefixOf(0))
      this.spec.keyTypes.forEach((type, index) => {
        encodeKeyAt(writer, type, columns[index] as Column, rows[k] as number)
      })
      writer.byte(side)
      const from = writer.take()
      const text = textOfKey(from)
      if (seen.has(text)) continue
      seen.add(text)
      await this.#loadSide(shard, from)
    }
  }

  /** Brings rows of one side into memory that keys of a shard, by their numbers, have outside of it. */
  async fetchRows(side: number, shard: number, keys: Iterable<number>): Promise<void> {
    if (!this.context.state.hasCold(shard)) return
    const writer = new ByteWriter()
    for (const key of keys) {
      // Rows that come back may change the form in which the table holds its keys.
      const keyIndex = this.tableOf(0, shard)?.index.keys.index
      if (keyIndex === undefined) return
      if (!this.#mayBeAway(shard, keyIndex.hashes[key] as number)) continue
      writer.length = 0
      writer.raw(this.prefixOf(0))
      keyIndex.encode(key, writer)
      writer.byte(side)
      await this.#loadSide(shard, writer.take())
    }
  }

  #mayBeAway(shard: number, hash: number): boolean {
    return !this.#whole.has(shard) || this.tableOf(0, shard)?.away.mayHold(hash) === true
  }

  /** Brings the rows of a key and side into memory, which their state keys begin with. */
  async #loadSide(shard: number, from: Uint8Array): Promise<void> {
    const to = from.slice()
    to[to.length - 1] = (from.at(-1) ?? 0) + 1
    for await (const [stateKey, value] of this.context.state.scan(shard, from, to)) {
      const entry = this.readKey(stateKey)
      if (entry === undefined) continue
      const table = this.tableOf(0, shard)
      // What is in memory is newer.
      if (table?.isGone(stateKey) === true || (table?.findKey(entry.key) ?? -1) >= 0) continue
      this.loadEntry(shard, stateKey, value)
    }
  }
}
