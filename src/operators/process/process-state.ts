import { ByteWriter } from '../../batch/byte-writer.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import { binaryType, type DataType } from '../../batch/schema.ts'
import { ByteReader } from '../../batch/value-codec.ts'
import type { StateContext } from '../context.ts'
import { entryTag, KeyedBuckets } from '../keyed/keyed-buckets.ts'
import { KeyedTable } from '../keyed/keyed-table.ts'
import { decodeHead } from './key-head.ts'
import { elementKey, headKey, KeyState, lookupKey, partKey, type StateTable } from './key-state.ts'
import { SlotBytes } from './slot-bytes.ts'

/** A key and the shard it belongs to. */
export interface Group {
  readonly group: Uint8Array
  readonly position: number
}

export interface DueTimer extends Group {
  readonly time: number
}

const emptyPart = headKey(new Uint8Array(0))
const never = Number.POSITIVE_INFINITY
const totalPart = new TextEncoder().encode('total')

/**
 * All keys of one task: entries of heads and elements in one table per shard, a head due when its first
 * timer or the first end of a time to live is. One entry per shard counts its rows.
 */
export class ProcessState {
  readonly #buckets: KeyedBuckets<StateTable>
  readonly #context: StateContext
  readonly #keyTypes: readonly DataType[]
  readonly #positions: ReadonlyMap<number, number>
  readonly #totals: number[]
  readonly #totalKey: Uint8Array

  constructor(operator: string, keyTypes: readonly DataType[], context: StateContext) {
    const types = [...keyTypes, binaryType]
    this.#keyTypes = keyTypes
    this.#context = context
    this.#positions = new Map(context.state.shards.map((shard, position) => [shard, position]))
    this.#totals = context.state.shards.map(() => 0)
    // Keys are never empty here: the part says that this is no group.
    this.#totalKey = partKey(new Uint8Array(keyTypes.length), totalPart)
    this.#buckets = new KeyedBuckets<StateTable>(
      {
        operator,
        keyTypes: types,
        layout: 'due',
        make: (options) => {
          const bytes = new SlotBytes()
          const dueOf = (slot: number): number => bytes.dueAt(slot)
          return new KeyedTable(types, [bytes], { ...options, dueOf, hashesBytes: true })
        },
      },
      context,
    )
  }

  async attach(): Promise<void> {
    await this.#buckets.attach()
    for (const [position, shard] of this.#buckets.shards.entries()) {
      await this.#buckets.loadKeys(0, shard, [this.#stateKey(this.#totalKey)])
      const table = this.#table(position)
      const slot = table.findKey(this.#totalKey)
      const bytes = slot < 0 ? undefined : table.values[0]?.bytesAt(slot)
      if (bytes !== undefined) this.#totals[position] = new ByteReader(bytes).f64()
    }
  }

  openEpoch(epoch: number): void {
    this.#buckets.openEpoch(epoch)
  }

  pinned<R>(work: () => Promise<R>): Promise<R> {
    return this.#buckets.pinned(work)
  }

  anyCold(): boolean {
    return this.#buckets.anyCold()
  }

  freeze() {
    return this.#buckets.freeze()
  }

  byteLength(): number {
    return this.#buckets.byteLength()
  }

  storedBytes(): number {
    return this.#buckets.storedBytes()
  }

  rowsTotal(): number {
    return this.#totals.reduce((sum, rows) => sum + rows, 0)
  }

  /** The place of a key among the shards of this task; `undefined` if another task has it. */
  positionOf(hash: number): number | undefined {
    return this.#positions.get(this.#context.shardOf(hash))
  }

  /** The state of a key; what is out of memory must have been fetched. */
  stateOf({ group, position }: Group): KeyState {
    return new KeyState(this.#table(position), group)
  }

  /** Writes a key back and counts its rows. */
  save(state: KeyState, position: number): void {
    const grown = state.save()
    if (grown === 0) return
    const total = (this.#totals[position] ?? 0) + grown
    this.#totals[position] = total
    const table = this.#table(position)
    const slot = table.insert(this.#totalKey, table.hashOf(this.#totalKey))
    const writer = new ByteWriter()
    writer.f64(total)
    table.touch(slot)
    table.values[0]?.set(slot, writer.take())
  }

  /** Brings everything of some keys into memory. */
  async fetch(groups: readonly Group[]): Promise<void> {
    if (!this.anyCold()) return
    for (const [position, shard] of this.#buckets.shards.entries()) {
      const ofShard = groups.filter((group) => group.position === position)
      if (ofShard.length === 0 || !this.#context.state.hasCold(shard)) continue
      const load = (keys: readonly Uint8Array[]): Promise<void> =>
        this.#buckets.loadKeys(
          0,
          shard,
          keys.map((key) => this.#stateKey(key)),
        )
      await load(ofShard.map(({ group }) => headKey(group)))
      for (const { group } of ofShard) await this.#fetchElements(group, position, load)
    }
  }

  async #fetchElements(
    group: Uint8Array,
    position: number,
    load: (keys: readonly Uint8Array[]) => Promise<void>,
  ): Promise<void> {
    const { head } = this.stateOf({ group, position })
    for (const ranges of [head.lists, head.maps]) {
      for (const [id, { start, next }] of ranges) {
        const indexes = Array.from({ length: next - start }, (_, index) => start + index)
        await load(indexes.map((index) => elementKey(group, id, index)))
      }
    }
    for (const [id, range] of head.maps) {
      const state = this.stateOf({ group, position })
      const keys = [...state.elements(id, range)].map(([, { key }]) => lookupKey(group, id, key))
      await load(keys)
    }
  }

  /** The timers that are due at a time, in order of time over all keys; and every key of which something is over. */
  async due(time: number): Promise<{ timers: DueTimer[]; groups: Group[] }> {
    await this.#buckets.loadDue(time)
    const timers: DueTimer[] = []
    const groups: Group[] = []
    for (const position of this.#buckets.shards.keys()) {
      const table = this.#table(position)
      for (const slot of table.dueAt(time)) {
        const key = table.keyAt(slot)
        const group = key.subarray(0, key.length - emptyPart.length)
        const bytes = table.values[0]?.bytesAt(slot)
        const all = bytes === undefined ? [] : decodeHead(bytes).timers
        groups.push({ group, position })
        for (const timer of all) if (timer <= time) timers.push({ group, position, time: timer })
        // It stays due until what is over is gone.
        table.settle(slot)
      }
    }
    timers.sort((a, b) => a.time - b.time || Buffer.compare(a.group, b.group))
    return { timers, groups }
  }

  /** A time that no timer is before; infinity when there are none. */
  firstTimer(): number {
    let first = this.#buckets.coldDue()
    for (const table of this.#buckets.tablesOf(0)) {
      first = Math.min(first, table.values[0]?.firstTimer ?? never)
    }
    return first
  }

  /** After timers fired or were deleted: looks which one is first now. */
  findFirstTimer(): void {
    for (const table of this.#buckets.tablesOf(0)) {
      table.values[0]?.findFirstTimer(table.count, (slot) => !table.keys.isDead(slot))
    }
  }

  /** The values of a key. */
  keyValues(group: Uint8Array) {
    const reader = new KeyReader(group)
    return this.#keyTypes.map((type) => reader.read(type))
  }

  #table(position: number): StateTable {
    return this.#buckets.tableAt(0, position)
  }

  #stateKey(key: Uint8Array): Uint8Array {
    return Buffer.concat([this.#buckets.prefixOf(0), key])
  }
}

/** Splits a state key into the key columns and the part; `undefined` for what belongs to no key. */
export function entryPart(
  stateKey: Uint8Array,
  keyTypes: readonly DataType[],
): { readonly group: Uint8Array; readonly part: Uint8Array } | undefined {
  if (stateKey[0] !== entryTag) return undefined
  const key = stateKey.subarray(1)
  const reader = new KeyReader(key)
  for (const type of keyTypes) reader.read(type)
  const group = key.subarray(0, reader.at)
  const part = reader.read(binaryType)
  if (!(part instanceof Uint8Array)) return undefined
  return Buffer.compare(part, totalPart) === 0 ? undefined : { group, part }
}
