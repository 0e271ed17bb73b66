import type { Value } from '../../src/batch/value.ts'

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
  const left = [...actual].sort(byRoughText)
  const right = [...expected].sort(byRoughText)
  const differs = left.length !== right.length || left.some((row, at) => !isSame(row, right[at]))
  if (!differs) return
  const texts = (rows: readonly Row[]): string => rows.map((row) => text(row, exact)).join('\n    ')
  throw new Error(`${what}\n  expected:\n    ${texts(right)}\n  actual:\n    ${texts(left)}`)
}

function byRoughText(left: Row, right: Row): number {
  const a = text(left, rough)
  const b = text(right, rough)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Equal sums differ in their last digits when they were added up in another order. */
const rough = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toFixed(4)))
const exact = (value: number): string => String(value)

function text(value: unknown, numberText: (value: number) => string): string {
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `[${value.map((item) => text(item, numberText)).join(', ')}]`
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
