import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { type ByteReader, encodeValue } from '../../batch/value-codec.ts'
import type { Arrival } from './accumulator.ts'

/** One value with the place in the order of arrival of the row that it came with. */
export interface Arrived {
  readonly value: Value
  readonly epoch: number
  readonly position: number
}

/** A value of a row; without arrivals all places are equal, and what is added later is later. */
export function arrivedAt(value: Value, row: number, arrival: Arrival | undefined): Arrived {
  if (arrival === undefined) return { value, epoch: 0, position: 0 }
  return { value, epoch: arrival.epoch, position: arrival.first + row }
}

/** Negative when the left came earlier, 0 when nothing says. */
export function compareArrivals(left: Arrived, right: Arrived): number {
  return left.epoch - right.epoch || left.position - right.position
}

export function encodeArrived(writer: ByteWriter, type: DataType, arrived: Arrived): void {
  encodeValue(writer, type, arrived.value)
  writer.f64(arrived.epoch)
  writer.f64(arrived.position)
}

export function decodeArrived(reader: ByteReader, type: DataType): Arrived {
  const value = reader.value(type)
  return { value, epoch: reader.f64(), position: reader.f64() }
}

/** Values in the order in which they came. */
export interface ArrivedList {
  values: Value[]
  /** Epoch and position of each value in turn; absent when rows come without arrival. */
  arrivals: number[] | undefined
}

export function emptyList(): ArrivedList {
  return { values: [], arrivals: undefined }
}

/** Appends a value that came after all others. */
export function append(
  list: ArrivedList,
  value: Value,
  row: number,
  arrival: Arrival | undefined,
): void {
  list.values.push(value)
  if (arrival === undefined) return
  list.arrivals ??= []
  list.arrivals.push(arrival.epoch, arrival.first + row)
}

/** Both lists in order of arrival; `into` may be the result, `from` stays as it is. */
export function mergeLists(into: ArrivedList, from: ArrivedList): ArrivedList {
  if (from.values.length === 0) return into
  const left = into.arrivals ?? (into.values.length === 0 ? [] : undefined)
  const right = from.arrivals
  if (left === undefined || right === undefined) {
    for (const value of from.values) into.values.push(value)
    into.arrivals = undefined
    return into
  }
  if (left.length === 0 || !isLater(left, into.values.length - 1, right, 0)) {
    // The usual case, a pane behind another.
    into.arrivals = left
    for (const value of from.values) into.values.push(value)
    for (const number of right) left.push(number)
    return into
  }
  const merged: ArrivedList = { values: [], arrivals: [] }
  let i = 0
  let j = 0
  while (i < into.values.length || j < from.values.length) {
    const takeLeft =
      j === from.values.length || (i < into.values.length && !isLater(left, i, right, j))
    const [list, arrivals, at] = takeLeft ? [into, left, i] : [from, right, j]
    merged.values.push(list.values[at] ?? null)
    merged.arrivals?.push(arrivals[2 * at] as number, arrivals[2 * at + 1] as number)
    if (takeLeft) i++
    else j++
  }
  return merged
}

function isLater(left: readonly number[], i: number, right: readonly number[], j: number): boolean {
  const [a = 0, b = 0] = [left[2 * i], right[2 * j]]
  return a === b ? (left[2 * i + 1] ?? 0) > (right[2 * j + 1] ?? 0) : a > b
}

export function encodeList(writer: ByteWriter, type: DataType, list: ArrivedList): void {
  const { values, arrivals } = list
  writer.u32(values.length)
  writer.byte(arrivals === undefined ? 0 : 1)
  for (const value of values) encodeValue(writer, type, value)
  for (const number of arrivals ?? []) writer.f64(number)
}

export function decodeList(reader: ByteReader, type: DataType): ArrivedList {
  const length = reader.u32()
  const hasArrivals = reader.byte() === 1
  const values = Array.from({ length }, () => reader.value(type))
  if (!hasArrivals) return { values, arrivals: undefined }
  return { values, arrivals: Array.from({ length: 2 * length }, () => reader.f64()) }
}

/** About what a list takes in memory. */
export function listBytes({ values, arrivals }: ArrivedList): number {
  return 48 + values.length * 48 + (arrivals?.length ?? 0) * 8
}
