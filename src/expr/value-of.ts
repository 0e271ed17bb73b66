import type { MapValue, Value } from '../batch/value.ts'
import { StreamError } from '../core/error.ts'

/** The readers of this file hold values to the types that resolution promised; a miss is our own fault. */
function broken(wanted: string, value: Value | undefined): never {
  throw new StreamError('INTERNAL', { what: `${wanted} expected, ${typeof value} found` })
}

export function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : broken('string', value)
}

/** For byte, short, int, float, double, date and timestamp. */
export function numberOf(value: Value | undefined): number {
  return typeof value === 'number' ? value : broken('number', value)
}

/** For long and unscaled decimals. */
export function bigintOf(value: Value | undefined): bigint {
  return typeof value === 'bigint' ? value : broken('bigint', value)
}

export function booleanOf(value: Value | undefined): boolean {
  return typeof value === 'boolean' ? value : broken('boolean', value)
}

export function bytesOf(value: Value | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : broken('binary', value)
}

/** For arrays and structs. */
export function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : broken('list', value)
}

export function mapOf(value: Value | undefined): MapValue {
  const isMap = typeof value === 'object' && value !== null && 'entries' in value
  return isMap && !Array.isArray(value) && !(value instanceof Uint8Array)
    ? (value as MapValue)
    : broken('map', value)
}
