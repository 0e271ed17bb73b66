import type { Brand } from './brand.ts'
import { StreamError } from './error.ts'

/** Number of a checkpoint; the first one is 0, the state before any row is epoch −1. Never a time. */
export type Epoch = Brand<number, 'Epoch'>

/** A moment in event time or processing time: whole microseconds since 1970-01-01T00:00:00Z. */
export type Micros = Brand<number, 'Micros'>

/** The epoch of the initial checkpoint: start positions, no state. */
export const initialEpoch = -1 as Epoch

/** Checks a number read from outside, such as a manifest. */
export function epoch(value: number): Epoch {
  if (Number.isSafeInteger(value) && value >= -1) return value as Epoch
  throw new StreamError('INTERNAL', { what: `epoch ${value} is not an integer from -1 up` })
}

export function nextEpoch(current: Epoch): Epoch {
  return epoch(current + 1)
}

/** Checks that a number of microseconds is exact, that is within ±2^53 (until the year 2255). */
export function micros(value: number): Micros {
  if (Number.isSafeInteger(value)) return value as Micros
  throw new StreamError('TIMESTAMP_OUT_OF_RANGE', { value })
}
