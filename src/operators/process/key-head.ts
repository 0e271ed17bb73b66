import { ByteWriter } from '../../batch/byte-writer.ts'
import { ByteReader } from '../../batch/value-codec.ts'

/** A value variable of one key. */
export interface ValueCell {
  bytes: Uint8Array
  /** When it is over, microseconds; infinity = never. */
  expiry: number
}

/** The elements of a list or map of one key: numbers from `start` up to `next`, with gaps in maps. */
export interface ElementRange {
  start: number
  next: number
  count: number
  /** A time that no element is over before. */
  expiry: number
  /** When the newest element is over; NaN once elements are not over in their order. */
  last: number
}

/**
 * What one key keeps apart from the elements of its lists and maps: read and written as a whole, so a
 * key costs one entry as long as it has only values and timers.
 */
export interface KeyHead {
  /** Timers, microseconds, ascending. */
  timers: number[]
  readonly values: Map<number, ValueCell>
  readonly lists: Map<number, ElementRange>
  readonly maps: Map<number, ElementRange>
}

/** Used by `encodeHead` only, which takes what it wrote. */
const writer = new ByteWriter()
const valueTag = 0
const listTag = 1
const mapTag = 2

export function emptyHead(): KeyHead {
  return { timers: [], values: new Map(), lists: new Map(), maps: new Map() }
}

/** A key with an empty head has no state at all. */
export function isEmptyHead({ timers, values, lists, maps }: KeyHead): boolean {
  return timers.length === 0 && values.size === 0 && lists.size === 0 && maps.size === 0
}

/** How many rows of state a key has, as Spark counts: values, lists, and entries of maps. */
export function rowsOfHead({ values, lists, maps }: KeyHead): number {
  let rows = values.size + lists.size
  for (const { count } of maps.values()) rows += count
  return rows
}

/** When something of the key is over or due; infinity = never. */
export function dueOfHead({ timers, values, lists, maps }: KeyHead): number {
  let due = timers[0] ?? Number.POSITIVE_INFINITY
  for (const part of [values, lists, maps]) {
    for (const { expiry } of part.values()) due = Math.min(due, expiry)
  }
  return due
}

export function encodeHead({ timers, values, lists, maps }: KeyHead): Uint8Array {
  writer.u32(timers.length)
  for (const timer of timers) writer.f64(timer)
  for (const [id, { bytes, expiry }] of values) {
    writer.byte(valueTag)
    writer.u32(id)
    writer.f64(expiry)
    writer.u32(bytes.length)
    writer.raw(bytes)
  }
  const parts: readonly (readonly [number, ReadonlyMap<number, ElementRange>])[] = [
    [listTag, lists],
    [mapTag, maps],
  ]
  for (const [tag, ranges] of parts) {
    for (const [id, { start, next, count, expiry, last }] of ranges) {
      writer.byte(tag)
      writer.u32(id)
      writer.f64(start)
      writer.f64(next)
      writer.f64(count)
      writer.f64(expiry)
      writer.f64(last)
    }
  }
  return writer.take()
}

export function decodeHead(bytes: Uint8Array): KeyHead {
  const head = emptyHead()
  const reader = new ByteReader(bytes)
  const timers = reader.u32()
  for (let index = 0; index < timers; index++) head.timers.push(reader.f64())
  while (reader.at < bytes.length) {
    const tag = reader.byte()
    const id = reader.u32()
    if (tag === valueTag) {
      const expiry = reader.f64()
      head.values.set(id, { expiry, bytes: new Uint8Array(reader.raw(reader.u32())) })
      continue
    }
    const range = {
      start: reader.f64(),
      next: reader.f64(),
      count: reader.f64(),
      expiry: reader.f64(),
      last: reader.f64(),
    }
    const ranges = tag === listTag ? head.lists : head.maps
    ranges.set(id, range)
  }
  return head
}
