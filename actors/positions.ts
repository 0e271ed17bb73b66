import type { Json } from '../src/core/json.ts'
import type { Position } from '../src/flow/message.ts'

/** Whether two positions are the same place; the order of their partitions does not matter. */
export function samePosition(left: Position, right: Position): boolean {
  return sameJson(left, right)
}

function sameJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object') return false
  if (left === null || right === null || left === undefined || right === undefined) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const names = Object.keys(left)
  if (names.length !== Object.keys(right).length) return false
  const leftValues = new Map<string, Json>(Object.entries(left))
  const rightValues = new Map<string, Json>(Object.entries(right))
  return names.every(
    (name) => rightValues.has(name) && sameJson(leftValues.get(name), rightValues.get(name)),
  )
}

/** A position that does not pass `end` in any partition that is a plain number in both. */
export function capPosition(position: Position, end: Position): Position {
  const capped: Record<string, Json> = {}
  for (const [partition, at] of Object.entries(position)) {
    const limit = end[partition]
    capped[partition] =
      typeof at === 'number' && typeof limit === 'number' && limit < at ? limit : at
  }
  return capped
}
