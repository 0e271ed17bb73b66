import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKey } from '../../batch/key-codec.ts'
import { binaryType } from '../../batch/schema.ts'
import { ByteReader } from '../../batch/value-codec.ts'
import type { KeyedTable } from '../keyed/keyed-table.ts'
import {
  decodeHead,
  dueOfHead,
  type ElementRange,
  emptyHead,
  encodeHead,
  isEmptyHead,
  type KeyHead,
  rowsOfHead,
} from './key-head.ts'
import type { SlotBytes } from './slot-bytes.ts'

/** The entries of one shard: heads of keys, and the elements of their lists and maps. */
export type StateTable = KeyedTable<SlotBytes>

/** One element of a list, or entry of a map. */
export interface Element {
  readonly value: Uint8Array
  /** When it is over; infinity = never. */
  readonly expiry: number
  /** Maps: the bytes of its key. */
  readonly key: Uint8Array
}

const never = Number.POSITIVE_INFINITY
/** By variable: what stands before the keys of its map. */
const lookupPrefixes: Uint8Array[] = []
/** Keys and values are written one inside the other, so each has a writer; both are empty in between. */
const keyWriter = new ByteWriter()
const valueWriter = new ByteWriter()

/** The last column of a state key: which part of the group it is. Empty = the head. */
export function partKey(group: Uint8Array, part: Uint8Array): Uint8Array {
  keyWriter.raw(group)
  encodeKey(keyWriter, binaryType, part)
  return keyWriter.take()
}

/** The head of a group. */
export function headKey(group: Uint8Array): Uint8Array {
  return partKey(group, new Uint8Array(0))
}

/** An element of a variable, by its number. */
export function elementKey(group: Uint8Array, variable: number, index: number): Uint8Array {
  return partKey(group, plainBytes(`${variable}e${index}`))
}

/** The bytes of a short text of digits and letters. */
function plainBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

/** Reads the part of a state key that `elementKey` made; `undefined` for every other part. */
export function elementOf(
  part: Uint8Array,
): { readonly variable: number; readonly index: number } | undefined {
  const [, variable, index] = /^(\d+)e(\d+)$/.exec(Buffer.from(part).toString('latin1')) ?? []
  return index === undefined ? undefined : { variable: Number(variable), index: Number(index) }
}

/** What `putElement` wrote. */
export function decodeElement(bytes: Uint8Array): Element {
  const reader = new ByteReader(bytes)
  const expiry = reader.f64()
  const key = reader.raw(reader.u32())
  return { expiry, key, value: reader.raw(bytes.length - reader.at) }
}

/** Where the number of a map entry is found by its key. */
export function lookupKey(group: Uint8Array, variable: number, key: Uint8Array): Uint8Array {
  lookupPrefixes[variable] ??= plainBytes(`${variable}k`)
  const prefix = lookupPrefixes[variable]
  const part = new Uint8Array(prefix.length + key.length)
  part.set(prefix)
  part.set(key, prefix.length)
  return partKey(group, part)
}

/**
 * The state of one key while a handler runs: its head as an object, its elements where they lie. Holds no
 * slot numbers, as these move when other entries leave memory.
 */
export class KeyState {
  readonly group: Uint8Array
  readonly head: KeyHead
  readonly #table: StateTable
  readonly #headKey: Uint8Array
  readonly #rowsBefore: number
  #isDirty = false
  /** Whether anything of the key was written since it was looked up. */
  isTouched = false

  constructor(table: StateTable, group: Uint8Array) {
    this.group = group
    this.#table = table
    this.#headKey = headKey(group)
    const slot = table.findKey(this.#headKey)
    const bytes = slot < 0 ? undefined : table.values[0]?.bytesAt(slot)
    this.head = bytes === undefined ? emptyHead() : decodeHead(bytes)
    this.#rowsBefore = rowsOfHead(this.head)
  }

  /** Says that the head was changed. */
  changed(): void {
    this.#isDirty = true
  }

  /** Writes the head back if it was changed; by how many rows the key grew. */
  save(): number {
    if (!this.#isDirty) return 0
    this.#isDirty = false
    if (isEmptyHead(this.head)) this.#remove(this.#headKey)
    else {
      const timer = this.head.timers[0] ?? never
      this.#put(this.#headKey, encodeHead(this.head), dueOfHead(this.head), timer)
    }
    return rowsOfHead(this.head) - this.#rowsBefore
  }

  /** Drops what belongs to variables that are not declared any more. */
  dropOthers(known: ReadonlySet<number>): void {
    const { values, lists, maps } = this.head
    for (const id of [...values.keys()].filter((each) => !known.has(each))) values.delete(id)
    for (const ranges of [lists, maps]) {
      for (const [id, range] of [...ranges].filter(([each]) => !known.has(each))) {
        for (const [index, { key }] of this.elements(id, range)) {
          this.removeElement(id, index)
          this.removeIndex(id, key)
        }
        ranges.delete(id)
      }
    }
    if (rowsOfHead(this.head) !== this.#rowsBefore) this.#isDirty = true
  }

  element(variable: number, index: number): Element | undefined {
    const bytes = this.#get(elementKey(this.group, variable, index))
    return bytes === undefined ? undefined : decodeElement(bytes)
  }

  /** Puts an element at a number; the caller keeps the range. */
  putElement(variable: number, index: number, { value, expiry, key }: Element): void {
    valueWriter.f64(expiry)
    valueWriter.u32(key.length)
    valueWriter.raw(key)
    valueWriter.raw(value)
    this.#put(elementKey(this.group, variable, index), valueWriter.take())
  }

  removeElement(variable: number, index: number): void {
    this.#remove(elementKey(this.group, variable, index))
  }

  /** The number of a map entry. */
  indexOf(variable: number, key: Uint8Array): number | undefined {
    const bytes = this.#get(lookupKey(this.group, variable, key))
    return bytes === undefined ? undefined : new ByteReader(bytes).f64()
  }

  setIndex(variable: number, key: Uint8Array, index: number): void {
    valueWriter.f64(index)
    this.#put(lookupKey(this.group, variable, key), valueWriter.take())
  }

  removeIndex(variable: number, key: Uint8Array): void {
    this.#remove(lookupKey(this.group, variable, key))
  }

  /** Every element of a range, in order; the caller may remove the one it was given. */
  *elements(
    variable: number,
    { start, next }: ElementRange,
  ): Iterable<readonly [index: number, element: Element]> {
    for (let index = start; index < next; index++) {
      const element = this.element(variable, index)
      if (element !== undefined) yield [index, element]
    }
  }

  #get(key: Uint8Array): Uint8Array | undefined {
    const slot = this.#table.findKey(key)
    return slot < 0 ? undefined : this.#table.values[0]?.bytesAt(slot)
  }

  #put(key: Uint8Array, bytes: Uint8Array, due = never, timer = never): void {
    const table = this.#table
    this.isTouched = true
    const slot = table.insert(key, table.hashOf(key))
    table.touch(slot)
    table.values[0]?.set(slot, bytes, due, timer)
    table.settle(slot)
  }

  #remove(key: Uint8Array): void {
    const slot = this.#table.findKey(key)
    if (slot < 0) return
    this.isTouched = true
    this.#table.remove(slot)
  }
}
