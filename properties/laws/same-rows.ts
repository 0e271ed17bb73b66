import type { Value } from '../../src/batch/value.ts'
import { unpaired } from './unpaired.ts'

type Row = readonly Value[]

/** Relative difference up to which two floating-point results count as equal. */
const tolerance = 1e-9

/**
 * Holds two lists of rows to each other as multisets; floating-point numbers up to 1e-9.
 * @throws Error with the rows that differ
 */
export function mustBeSameRows(
  what: string,
  actual: readonly Row[],
  expected: readonly Row[],
): void {
  const [left, right] = unpaired(actual, expected, text)
  const found = left.filter((row) => {
    const at = right.findIndex((other) => isSame(row, other))
    if (at >= 0) right.splice(at, 1)
    return at < 0
  })
  if (found.length === 0 && right.length === 0) return
  const texts = (rows: readonly Row[]): string => rows.map(text).sort().join('\n    ')
  const differs = `${found.length} rows not expected:\n    ${texts(found)}\n  missing are ${right.length}`
  throw new Error(
    `${what}: ${differs}:\n    ${texts(right)}\n  expected:\n    ${texts(expected)}\n  actual:\n    ${texts(actual)}`,
  )
}

function text(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`
  return JSON.stringify(value)
}

function isSame(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number') {
    if (Object.is(left, right) || left === right) return true
    return Math.abs(left - right) <= tolerance * Math.max(1, Math.abs(left), Math.abs(right))
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, at) => isSame(item, right[at]))
  }
  return left === right
}
