import { freshMemory } from './growth-reserve.ts'

type Numbers = Float64Array | Int32Array | Uint8Array

/** A copy of the first `capacity` numbers; behind the given ones stands `filler`. */
export function resized(
  from: Float64Array,
  capacity: number,
  filler?: number,
): Float64Array<ArrayBuffer>
export function resized(
  from: Int32Array,
  capacity: number,
  filler?: number,
): Int32Array<ArrayBuffer>
export function resized(
  from: Uint8Array,
  capacity: number,
  filler?: number,
): Uint8Array<ArrayBuffer>
export function resized(from: Numbers, capacity: number, filler = 0): Numbers {
  const memory = freshMemory(capacity * from.BYTES_PER_ELEMENT)
  const to =
    from instanceof Float64Array
      ? new Float64Array(memory)
      : from instanceof Int32Array
        ? new Int32Array(memory)
        : new Uint8Array(memory)
  if (filler !== 0) to.fill(filler, from.length)
  to.set(from.length > capacity ? from.subarray(0, capacity) : from)
  return to
}
