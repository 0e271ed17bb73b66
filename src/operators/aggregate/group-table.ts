import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import { hashValues } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import { ByteReader } from '../../batch/value-codec.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { ByteKeys } from '../keys/byte-keys.ts'
import { firstCapacity } from '../keys/hash-index.ts'
import type { KeyIndex } from '../keys/key-index.ts'
import { fitsNumberKeys, NumberKeys } from '../keys/number-keys.ts'
import type { Accumulator } from './accumulator.ts'
import { makeAccumulator } from './make-accumulator.ts'

/** Rows of a batch that one aggregate takes; all of them unless it has a FILTER. */
export interface AggregateInput {
  readonly args: readonly Column[]
  /** Bit per row, set where the FILTER is true. */
  readonly keep?: (row: number) => boolean
}

/** Changes of one epoch that are still to be encoded: what is not in `saved` yet is as it was in the table. */
export interface FrozenGroups {
  readonly epoch: number
  slots: readonly number[]
  /** Entries of groups that changed again before they were encoded. */
  readonly saved: ByteWriter
}

export interface GroupTableOptions {
  /** What every state key of the table begins with; default: nothing. */
  readonly prefix?: Uint8Array
  /** Groups before the table grows for the first time; it doubles each time. Default 64. */
  readonly capacity?: number
}

/** The groups of one shard in one window pane, or of one shard in an aggregation without windows. */
export class GroupTable {
  keys: KeyIndex
  readonly accumulators: readonly Accumulator[]
  /** The epoch that last changed each slot. */
  stamps: Int32Array
  /** Slots changed in the epoch `#epoch`, in order of first change. */
  dirty: number[] = []
  readonly #types: readonly DataType[]
  readonly #prefix: Uint8Array
  /** Oldest first; epochs under way are few. */
  #frozen: FrozenGroups[] = []
  #epoch = -2
  #slots = new Int32Array(4096)

  constructor(
    types: readonly DataType[],
    calls: readonly AggregateCall[],
    { prefix = new Uint8Array(0), capacity = firstCapacity }: GroupTableOptions = {},
  ) {
    this.#types = types
    this.#prefix = prefix
    const [type] = types
    this.keys =
      type !== undefined && fitsNumberKeys(types)
        ? new NumberKeys(type, capacity)
        : new ByteKeys(types, capacity)
    this.accumulators = calls.map(makeAccumulator)
    this.stamps = new Int32Array(0)
    this.#fitCapacity()
  }

  get count(): number {
    return this.keys.count
  }

  /** Begins an epoch: nothing has changed in it yet. */
  openEpoch(epoch: number): void {
    if (this.#epoch === epoch) return
    this.#epoch = epoch
    this.dirty = []
  }

  /**
   * Adds rows to their groups and says which slot each went to. `hashes[k]` belongs to row `rows[k]`
   * (k without `rows`). The answer is valid until the next call.
   */
  update(
    keyColumns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array | undefined,
    inputs: readonly AggregateInput[],
  ): Int32Array {
    const count = hashes.length
    if (this.#slots.length < count) this.#slots = new Int32Array(count)
    const slots = this.#slots.subarray(0, count)
    if (!this.keys.findOrInsert(keyColumns, rows, hashes, slots)) {
      this.#useByteKeys()
      this.keys.findOrInsert(keyColumns, rows, hashes, slots)
    }
    this.#fitCapacity()
    this.#markDirty(slots)
    inputs.forEach((input, index) => {
      const accumulator = this.accumulators[index]
      if (accumulator === undefined) return
      if (input.keep === undefined) accumulator.update(slots, rows, count, input.args)
      else updateFiltered(accumulator, slots, rows, input.args, input.keep)
    })
    return slots
  }

  /** Puts an entry read from state in its slot; the key bytes are those of the key codec. */
  load(key: Uint8Array, value: Uint8Array | undefined): void {
    const hash = this.hashOf(key)
    if (value === undefined) return this.#remove(key, hash)
    const slot = this.insert(key, hash)
    const values = new ByteReader(value)
    for (const accumulator of this.accumulators) accumulator.decode(slot, values)
    this.stamps[slot] = -2
  }

  /** The slot of an encoded key; a new one holds the value of no rows. */
  insert(key: Uint8Array, hash: number): number {
    if (!this.#holds(key)) this.#useByteKeys()
    const slot = this.keys.insertEncoded(key, hash)
    this.#fitCapacity()
    return slot
  }

  /** The slot of a key of another table of the same shape, made if it is new. */
  insertFrom(other: GroupTable, slot: number): number {
    const direct = this.keys.insertFrom(other.keys, slot)
    if (direct !== undefined) {
      this.#fitCapacity()
      return direct
    }
    return this.insert(other.keyAt(slot), other.keys.hashes[slot] as number)
  }

  /** The slot of a key of another table of the same shape, or −1. */
  findFrom(other: GroupTable, slot: number): number {
    const direct = this.keys.findFrom(other.keys, slot)
    return direct ?? this.find(other.keyAt(slot), other.keys.hashes[slot] as number)
  }

  keyAt(slot: number): Uint8Array {
    const writer = new ByteWriter()
    this.encodeKey(slot, writer)
    return writer.take()
  }

  /** The slot of an encoded key whose hash is not at hand, or −1. */
  findKey(key: Uint8Array): number {
    return this.find(key, this.hashOf(key))
  }

  /** The hash of an encoded key. */
  hashOf(key: Uint8Array): number {
    const reader = new KeyReader(key)
    return hashValues(
      this.#types,
      this.#types.map((type) => reader.read(type)),
    )
  }

  /** The slot of an encoded key, or −1. */
  find(key: Uint8Array, hash: number): number {
    return this.#holds(key) ? this.keys.findEncoded(key, hash) : -1
  }

  encodeKey(slot: number, writer: ByteWriter): void {
    this.keys.encode(slot, writer)
  }

  encodeValue(slot: number, writer: ByteWriter): void {
    for (const accumulator of this.accumulators) accumulator.encode(slot, writer)
  }

  /** One entry in the packed form of `EntryBlock`. */
  writeEntry(writer: ByteWriter, slot: number): void {
    const head = writer.length
    writer.u32(0)
    writer.u32(0)
    const keyStart = writer.length
    writer.raw(this.#prefix)
    this.encodeKey(slot, writer)
    const valueStart = writer.length
    this.encodeValue(slot, writer)
    writer.u32At(head, valueStart - keyStart)
    writer.u32At(head + 4, writer.length - valueStart + 1)
  }

  /**
   * Sets aside what changed in this epoch without encoding it: a group that changes again before
   * `encodeFrozen` is saved first. Keeps the pause at the barrier short, however much has changed.
   */
  freeze(): FrozenGroups | undefined {
    if (this.dirty.length === 0) return undefined
    const frozen = { epoch: this.#epoch, slots: this.dirty, saved: new ByteWriter() }
    this.#frozen.push(frozen)
    return frozen
  }

  /** Appends the entries as they were when they were frozen; once. */
  encodeFrozen(frozen: FrozenGroups, writer: ByteWriter): void {
    writer.raw(frozen.saved.view())
    for (const slot of frozen.slots) {
      if (this.stamps[slot] === frozen.epoch) this.writeEntry(writer, slot)
    }
    this.#frozen = this.#frozen.filter((other) => other !== frozen)
  }

  /** Squeezes out the slots for which `keep` is not 1; slot numbers change. */
  compact(keep: Uint8Array): void {
    this.#saveAll()
    let to = 0
    const newSlot = new Map<number, number>()
    for (let slot = 0; slot < this.count; slot++) {
      if (keep[slot] !== 1) continue
      newSlot.set(slot, to)
      if (slot !== to) {
        for (const accumulator of this.accumulators) accumulator.move(slot, to)
        this.stamps[to] = this.stamps[slot] as number
      }
      to++
    }
    this.dirty = this.dirty.flatMap((slot) => newSlot.get(slot) ?? [])
    this.keys.compact(keep)
    for (const accumulator of this.accumulators) accumulator.clearFrom(to)
    this.stamps.fill(-2, to)
  }

  byteLength(): number {
    return this.accumulators.reduce(
      (sum, accumulator) => sum + accumulator.byteLength(),
      this.keys.byteLength() + this.stamps.byteLength,
    )
  }

  #markDirty(slots: Int32Array): void {
    const { stamps, dirty } = this
    const epoch = this.#epoch
    const oldestFrozen = this.#frozen[0]?.epoch ?? epoch
    for (let k = 0; k < slots.length; k++) {
      const slot = slots[k] as number
      const before = stamps[slot] as number
      if (before === epoch) continue
      if (before >= oldestFrozen) this.#save(slot, before)
      stamps[slot] = epoch
      dirty.push(slot)
    }
  }

  #save(slot: number, epoch: number): void {
    const frozen = this.#frozen.find((each) => each.epoch === epoch)
    if (frozen !== undefined) this.writeEntry(frozen.saved, slot)
  }

  /** Before slots move: encodes everything that is still to be encoded. */
  #saveAll(): void {
    for (const frozen of this.#frozen) {
      for (const slot of frozen.slots) {
        if (this.stamps[slot] === frozen.epoch) this.writeEntry(frozen.saved, slot)
      }
      frozen.slots = []
    }
    this.#frozen = []
  }

  #fitCapacity(): void {
    const { capacity } = this.keys
    if (this.stamps.length >= capacity) return
    const stamps = new Int32Array(capacity).fill(-2)
    stamps.set(this.stamps)
    this.stamps = stamps
    for (const accumulator of this.accumulators) accumulator.grow(capacity)
  }

  #remove(key: Uint8Array, hash: number): void {
    const slot = this.find(key, hash)
    if (slot < 0) return
    const keep = new Uint8Array(this.count).fill(1)
    keep[slot] = 0
    this.compact(keep)
  }

  /** Whether the present index can hold the encoded key: whole numbers beyond 2^53 need the other one. */
  #holds(key: Uint8Array): boolean {
    if (!(this.keys instanceof NumberKeys)) return true
    const [type] = this.#types
    const value = type === undefined ? null : new KeyReader(key).read(type)
    return value === null || Number.isSafeInteger(Number(value))
  }

  /** Takes over every key under its old slot number. */
  #useByteKeys(): void {
    const before = this.keys
    const keys = new ByteKeys(this.#types, before.capacity)
    const columns = before.columns(Int32Array.from({ length: before.count }, (_, slot) => slot))
    keys.findOrInsert(
      columns,
      undefined,
      before.hashes.subarray(0, before.count),
      new Int32Array(before.count),
    )
    this.keys = keys
    this.#fitCapacity()
  }
}

function updateFiltered(
  accumulator: Accumulator,
  slots: Int32Array,
  rows: Int32Array | undefined,
  args: readonly Column[],
  keep: (row: number) => boolean,
): void {
  const keptRows = new Int32Array(slots.length)
  const keptSlots = new Int32Array(slots.length)
  let kept = 0
  for (let k = 0; k < slots.length; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    if (!keep(row)) continue
    keptRows[kept] = row
    keptSlots[kept++] = slots[k] as number
  }
  accumulator.update(keptSlots, keptRows, kept, args)
}
