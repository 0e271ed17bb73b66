import type { DataType } from '../batch/schema.ts'
import type { MapValue, Value } from '../batch/value.ts'

/** What the constants of a call come to. */
type Make<T> = (constants: readonly Value[], type: DataType | undefined) => T

/** More calls than this in one process only cost time. */
const keptMax = 64

/**
 * Makes something of the constant arguments of a call once, not for each row: calls are evaluated by
 * themselves with the same constants again and again. `type` is a type that it depends on, too.
 */
export function madeOnce<T>(make: Make<T>): Make<T> {
  const kept: {
    constants: readonly Value[]
    readonly type: DataType | undefined
    readonly made: T
  }[] = []
  return (constants, type) => {
    for (const each of kept) {
      if (each.type !== type || !areSame(each.constants, constants)) continue
      // The next row comes with these very objects, which are compared at no cost.
      each.constants = constants
      return each.made
    }
    const made = make(constants, type)
    kept.unshift({ constants, type, made })
    kept.length = Math.min(kept.length, keptMax)
    return made
  }
}

function areSame(left: readonly Value[], right: readonly Value[]): boolean {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) {
    if (!isSame(left[index] ?? null, right[index] ?? null)) return false
  }
  return true
}

/** Constants are nearly always the very same objects. */
function isSame(left: Value, right: Value): boolean {
  if (left === right) return true
  if (left === null || right === null) return false
  if (typeof left !== 'object' || typeof right !== 'object') return false
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    const isBytes = left instanceof Uint8Array && right instanceof Uint8Array
    return isBytes && left.length === right.length && left.every((byte, at) => byte === right[at])
  }
  if (isMap(left) && isMap(right)) return areSame(left.entries.flat(), right.entries.flat())
  return Array.isArray(left) && Array.isArray(right) && areSame(left, right)
}

function isMap(value: object): value is MapValue {
  return !Array.isArray(value) && 'entries' in value
}
