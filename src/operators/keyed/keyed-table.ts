/**
 * Over 400 lines: what is changed, frozen, removed and squeezed out depends on each other slot by
 * slot, and every line of it runs in the hottest loops.
 */
import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import { hashBytes, hashValues } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import { ByteReader } from '../../batch/value-codec.ts'
import { DueTimes } from './due-times.ts'
import { textOfKey, writeEntry } from './entries.ts'
import { firstCapacity } from './hash-index.ts'
import type { KeyIndex } from './key-index.ts'
import { holdsKey, keysForColumns, keysForEncoded, newKeys } from './make-keys.ts'
import { resized } from './resized.ts'
import type { SlotValues } from './slot-values.ts'

/** Changes of one epoch that are still to be encoded: what is not in `saved` yet is as it was in the table. */
export interface FrozenChanges {
  readonly epoch: number
  slots: readonly number[]
  /** Removals of the epoch, and entries that changed again before they were encoded. */
  readonly saved: ByteWriter
  readonly count: number
}

export interface KeyedTableOptions {
  /** What every state key of the table begins with; default: nothing. */
  readonly prefix?: Uint8Array
  /** Slots before the table grows for the first time; it doubles each time. Default 64. */
  readonly capacity?: number
  /** True while older entries of the table may lie outside of it, so that removals must be remembered. */
  readonly hasCold?: () => boolean
  /** When an entry falls due, for tables whose entries do: infinity = never. */
  readonly dueOf?: (slot: number) => number
  /** Keys come encoded only, never as columns, so that their bytes can be hashed as they are. Default: false. */
  readonly hashesBytes?: boolean
}

/** Slots of a table, squeezed together only when so many of them are dead. */
const deadSlotsMin = 1024
const sampleSlots = 256

/**
 * The entries of one shard of an operator, or of one shard in one bucket: keys in an index, values in
 * columns. Knows what changed in which epoch, and gives out each epoch's changes as they were at its
 * barrier although the next epoch has begun to change them.
 */
export class KeyedTable<V extends SlotValues = SlotValues> {
  keys: KeyIndex
  readonly values: readonly V[]
  /** The epoch that last changed each slot. */
  stamps = new Int32Array(0)
  /** Slots changed in the epoch `#epoch`, in order of first change. */
  dirty: number[] = []
  /** How often slots got other numbers: whoever keeps one over a wait must ask whether it is still good. */
  generation = 0
  /** When entries fall due, for tables whose entries do. */
  readonly dues: DueTimes | undefined
  /** State keys removed since they were last given out as cold, as text of their bytes, with the epoch. */
  readonly gone = new Map<string, number>()
  readonly #types: readonly DataType[]
  readonly #prefix: Uint8Array
  readonly #hasCold: () => boolean
  readonly #dueOf: ((slot: number) => number) | undefined
  readonly #hashesBytes: boolean
  /** State keys removed in the epoch `#epoch`. */
  #removed: Uint8Array[] = []
  /** Oldest first; epochs under way are few. */
  #frozen: FrozenChanges[] = []
  #epoch = -2
  #slots = new Int32Array(0)

  constructor(
    types: readonly DataType[],
    values: readonly V[],
    {
      prefix = new Uint8Array(0),
      capacity = firstCapacity,
      hasCold = () => false,
      dueOf,
      hashesBytes = false,
    }: KeyedTableOptions = {},
  ) {
    this.#types = types
    this.#prefix = prefix
    this.#hasCold = hasCold
    this.#dueOf = dueOf
    this.#hashesBytes = hashesBytes
    this.dues = dueOf === undefined ? undefined : new DueTimes()
    this.keys = newKeys(types, capacity)
    this.values = values
    this.fitCapacity()
  }

  /** Slots in use, dead ones included: a bound for walks. */
  get count(): number {
    return this.keys.count
  }

  /** Entries. */
  get size(): number {
    return this.keys.count - this.keys.deadCount
  }

  /** What users count as rows of state: one for each entry, where a table does not say otherwise. */
  get rowCount(): number {
    return this.size
  }

  /** Begins an epoch: nothing has changed in it yet. */
  openEpoch(epoch: number): void {
    if (this.#epoch === epoch) return
    this.#epoch = epoch
    this.dirty = []
    this.#removed = []
    if (this.keys.deadCount > Math.max(deadSlotsMin, this.count / 2)) this.#squeeze()
  }

  /** Entries changed or removed in this epoch. */
  get changeCount(): number {
    return this.dirty.length + this.#removed.length
  }

  /**
   * The slot of the key of each row, made where it is new: new slots count up from `count` in order of
   * rows. `hashes[k]` belongs to row `rows[k]` (k without `rows`). The answer is valid until the next call.
   */
  slotsOf(
    keyColumns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array | undefined,
  ): Int32Array {
    const count = hashes.length
    if (this.#slots.length < count) this.#slots = new Int32Array(count)
    const slots = this.#slots.subarray(0, count)
    this.keys = keysForColumns(this.keys, this.#types, keyColumns)
    this.keys.findOrInsert(keyColumns, rows, hashes, slots)
    this.fitCapacity()
    return slots
  }

  /** Must be called before a value is changed: whatever an earlier barrier still needs of it is kept. */
  touch(slot: number): void {
    const before = this.stamps[slot] as number
    if (before === this.#epoch) return
    if (before >= this.#oldestFrozen()) this.#save(slot, before)
    this.stamps[slot] = this.#epoch
    this.dirty.push(slot)
  }

  /** `touch` for many slots. */
  touchAll(slots: Int32Array): void {
    const { stamps, dirty } = this
    const epoch = this.#epoch
    const oldestFrozen = this.#oldestFrozen()
    for (let k = 0; k < slots.length; k++) {
      const slot = slots[k] as number
      const before = stamps[slot] as number
      if (before === epoch) continue
      if (before >= oldestFrozen) this.#save(slot, before)
      stamps[slot] = epoch
      dirty.push(slot)
    }
  }

  /** After a value was changed: notes when it falls due now. */
  settle(slot: number): void {
    if (this.#dueOf !== undefined) this.dues?.set(slot, this.#dueOf(slot))
  }

  /** The first time at which an entry falls due; infinity = none ever does. */
  nextDue(): number {
    return this.dues?.first(this.count) ?? Number.POSITIVE_INFINITY
  }

  /** The slots that are due at `time`; those that stay must be settled again. */
  dueAt(time: number): Int32Array {
    return this.dues?.take(time, this.count) ?? new Int32Array(0)
  }

  /** Takes an entry out. Its slot is dead until the table is squeezed. */
  remove(slot: number): void {
    const stateKey = this.#stateKey(slot)
    this.#removed.push(stateKey)
    this.#takeOut(slot, stateKey)
  }

  /**
   * Takes an entry out that is over by its time: nothing is written about it, as whoever restores sees
   * that it is over (`KeyedSpec.overUntil`).
   */
  forget(slot: number): void {
    this.#takeOut(slot, this.#hasCold() ? this.#stateKey(slot) : undefined)
  }

  #stateKey(slot: number): Uint8Array {
    const writer = new ByteWriter()
    writer.raw(this.#prefix)
    this.encodeKey(slot, writer)
    return writer.take()
  }

  #takeOut(slot: number, stateKey: Uint8Array | undefined): void {
    const before = this.stamps[slot] as number
    if (before !== this.#epoch && before >= this.#oldestFrozen()) this.#save(slot, before)
    if (stateKey !== undefined && this.#hasCold()) this.gone.set(textOfKey(stateKey), this.#epoch)
    this.#unlink(slot)
  }

  #unlink(slot: number): void {
    this.keys.remove(slot)
    this.stamps[slot] = -2
    this.dues?.set(slot, Number.POSITIVE_INFINITY)
    this.#release(slot)
  }

  #release(slot: number): void {
    for (const column of this.values) column.release?.(slot)
  }

  /** Slots that hold an entry, ascending. */
  liveSlots(): Int32Array {
    const slots = new Int32Array(this.size)
    let count = 0
    for (let slot = 0; slot < this.count; slot++) {
      if (!this.keys.isDead(slot)) slots[count++] = slot
    }
    return slots
  }

  /** Whether a state key was removed and the entry outside of the table, if any, is void. */
  isGone(stateKey: Uint8Array): boolean {
    return this.gone.size > 0 && this.gone.has(textOfKey(stateKey))
  }

  /**
   * Puts an entry read from state in its slot, unless it was over at `overUntil`; the key bytes are those
   * of the key codec.
   */
  load(key: Uint8Array, value: Uint8Array | undefined, overUntil = Number.NEGATIVE_INFINITY): void {
    const hash = this.hashOf(key)
    if (value === undefined) {
      const slot = this.find(key, hash)
      if (slot >= 0) this.#unlink(slot)
      return
    }
    const slot = this.insert(key, hash)
    const reader = new ByteReader(value)
    for (const column of this.values) column.decode(slot, reader)
    this.stamps[slot] = -2
    this.settle(slot)
    if (this.dueOf(slot) <= overUntil) this.#unlink(slot)
  }

  /** The slot of an encoded key; a new one holds the value of a new key. */
  insert(key: Uint8Array, hash: number): number {
    this.keys = keysForEncoded(this.keys, this.#types, key)
    const slot = this.keys.insertEncoded(key, hash)
    this.fitCapacity()
    return slot
  }

  /** The slot of a key of another table of the same shape, made if it is new. */
  insertFrom(other: KeyedTable<V>, slot: number): number {
    const direct = this.keys.insertFrom(other.keys, slot)
    if (direct !== undefined) {
      this.fitCapacity()
      return direct
    }
    return this.insert(other.keyAt(slot), other.keys.hashes[slot] as number)
  }

  /** The slot of a key of another table of the same shape, or −1. */
  findFrom(other: KeyedTable<V>, slot: number): number {
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
    if (this.#hashesBytes) return hashBytes(key)
    const reader = new KeyReader(key)
    return hashValues(
      this.#types,
      this.#types.map((type) => reader.read(type)),
    )
  }

  /** The slot of an encoded key, or −1. */
  find(key: Uint8Array, hash: number): number {
    return holdsKey(this.keys, this.#types, key) ? this.keys.findEncoded(key, hash) : -1
  }

  encodeKey(slot: number, writer: ByteWriter): void {
    this.keys.encode(slot, writer)
  }

  encodeValue(slot: number, writer: ByteWriter): void {
    for (const column of this.values) column.encode(slot, writer)
  }

  /** When the entry falls due; infinity = never. */
  dueOf(slot: number): number {
    return this.dues?.at(slot) ?? Number.POSITIVE_INFINITY
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
   * Sets aside what changed in this epoch without encoding it: an entry that changes again before
   * `encodeFrozen` is saved first. Keeps the pause at the barrier short, however much has changed.
   */
  freeze(): FrozenChanges | undefined {
    const count = this.changeCount
    if (count === 0) return undefined
    const saved = new ByteWriter()
    // Removals first: a key that was removed and came again is there.
    for (const stateKey of this.#removed) writeEntry(saved, stateKey, undefined)
    const frozen = { epoch: this.#epoch, slots: this.dirty, saved, count }
    this.#frozen.push(frozen)
    return frozen
  }

  /** Appends the entries as they were when they were frozen; once. */
  encodeFrozen(frozen: FrozenChanges, writer: ByteWriter): void {
    const { saved, slots } = frozen
    writer.expect(saved.length)
    writer.raw(saved.view())
    const start = writer.length
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at] as number
      if (this.stamps[slot] === frozen.epoch) this.writeEntry(writer, slot)
      // The first entries tell about how large the others are.
      if (at === sampleSlots) writer.expect(((writer.length - start) / at) * slots.length * 1.05)
    }
    this.#frozen = this.#frozen.filter((other) => other !== frozen)
  }

  /** Squeezes out the slots for which `keep` is not 1, and dead ones; slot numbers change. */
  compact(keep: Uint8Array): void {
    this.generation++
    this.#saveAll()
    let to = 0
    const newSlot = new Int32Array(this.count).fill(-1)
    for (let slot = 0; slot < this.count; slot++) {
      const isDead = this.keys.isDead(slot)
      if (isDead) keep[slot] = 0
      if (keep[slot] !== 1) {
        if (!isDead) this.#release(slot)
        continue
      }
      newSlot[slot] = to
      if (slot !== to) {
        for (const column of this.values) column.move(slot, to)
        this.stamps[to] = this.stamps[slot] as number
        this.dues?.move(slot, to)
      }
      to++
    }
    this.dirty = this.dirty.map((slot) => newSlot[slot] as number).filter((slot) => slot >= 0)
    this.keys.compact(keep)
    for (const column of this.values) column.clearFrom(to)
    this.stamps.fill(-2, to)
    this.dues?.clearFrom(to)
    if (to < this.keys.capacity / 3) this.#shrink(Math.max(firstCapacity, Math.ceil(to * 1.5)))
  }

  #shrink(capacity: number): void {
    this.keys.shrink(capacity)
    this.#resizeColumns(capacity)
  }

  byteLength(): number {
    return this.values.reduce(
      (sum, column) => sum + column.byteLength(),
      this.keys.byteLength() +
        this.keys.reserve.byteLength +
        this.stamps.byteLength +
        (this.dues?.byteLength() ?? 0),
    )
  }

  #oldestFrozen(): number {
    return this.#frozen[0]?.epoch ?? this.#epoch
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

  #squeeze(): void {
    this.compact(new Uint8Array(this.count).fill(1))
  }

  /** Makes room for every slot of the index. */
  protected fitCapacity(): void {
    const { capacity, count, reserve } = this.keys
    reserve.prepare(count, capacity)
    if (this.stamps.length >= capacity) return
    reserve.use(capacity, () => this.#resizeColumns(capacity))
    reserve.end()
  }

  #resizeColumns(capacity: number): void {
    this.stamps = resized(this.stamps, capacity, -2)
    this.dues?.resize(capacity)
    for (const column of this.values) column.resize(capacity)
  }
}
