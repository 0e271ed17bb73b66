import type { DataType } from './schema.ts'
import type { MapValue, Value } from './value.ts'

/**
 * Orders two non-null values of one type as SQL does: numbers by size with NaN equal to itself and
 * above everything, −0 equal to 0, strings and binary by bytes, structs and arrays from the left with
 * nulls first.
 */
export function compareValues(type: DataType, left: Value, right: Value): number {
  switch (type.kind) {
    case 'string':
      return compareText(left as string, right as string)
    case 'binary':
      return compareBytes(left as Uint8Array, right as Uint8Array)
    case 'float':
    case 'double':
      return compareDoubles(left as number, right as number)
    case 'array':
      return compareLists(left as readonly Value[], right as readonly Value[], () => type.element)
    case 'struct':
      return compareLists(
        left as readonly Value[],
        right as readonly Value[],
        (index) => type.fields[index]?.type ?? type,
      )
    case 'map':
      return compareLists(flatten(left as MapValue), flatten(right as MapValue), (index) =>
        index % 2 === 0 ? type.key : type.value,
      )
    default: {
      const a = left as number | bigint | boolean
      const b = right as number | bigint | boolean
      return a < b ? -1 : a > b ? 1 : 0
    }
  }
}

/** Orders with NULL before every value. */
export function compareNullable(type: DataType, left: Value, right: Value): number {
  if (left === null || right === null) {
    return left === right ? 0 : left === null ? -1 : 1
  }
  return compareValues(type, left, right)
}

/** SQL's `<=>`: NULL equals NULL. */
export function equalValues(type: DataType, left: Value, right: Value): boolean {
  return compareNullable(type, left, right) === 0
}

/** By unsigned bytes, shorter first. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const difference = (left[index] as number) - (right[index] as number)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/** By code points, which is the order of their UTF-8 bytes; UTF-16 order differs for surrogates. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a === b) continue
    const aHigh = a >= 0xd800 && a <= 0xdfff
    const bHigh = b >= 0xd800 && b <= 0xdfff
    if (aHigh !== bHigh) return aHigh ? 1 : -1
    return a - b
  }
  return left.length - right.length
}

function compareDoubles(left: number, right: number): number {
  if (left < right) return -1
  if (left > right) return 1
  if (left === right) return 0
  const leftNaN = Number.isNaN(left)
  return leftNaN === Number.isNaN(right) ? 0 : leftNaN ? 1 : -1
}

function compareLists(
  left: readonly Value[],
  right: readonly Value[],
  typeAt: (index: number) => DataType,
): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const order = compareNullable(typeAt(index), left[index] ?? null, right[index] ?? null)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function flatten(map: MapValue): Value[] {
  return map.entries.flat()
}
