import type { EdgeRow } from '../../src/batch/edge-row.ts'
import type { CaseRow } from './case.ts'

/** Rows that the engine gave out, in the form of the cases: cells in column order, whole numbers as numbers. */
export function caseRows(rows: readonly EdgeRow[]): readonly CaseRow[] {
  return rows.map((row) => Object.values(row).map(cellOf))
}

function cellOf(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(cellOf)
  if (typeof value === 'object' && value !== null) return Object.values(value).map(cellOf)
  return value
}

const timeText = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/

/**
 * A row as text: of a fraction the digits that do not depend on the order of a sum, and a time always
 * with its milliseconds.
 */
function textOfRow(row: CaseRow): string {
  return JSON.stringify(row, (_, cell: unknown) => {
    if (typeof cell === 'number' && !Number.isInteger(cell)) return Number(cell.toPrecision(12))
    if (typeof cell === 'string' && timeText.test(cell)) return new Date(cell).toISOString()
    return cell
  })
}

/** Nothing when both hold the same rows as often; else both as text. */
export function difference(
  expected: readonly CaseRow[],
  actual: readonly CaseRow[],
  ordered = false,
): string | undefined {
  const left = expected.map(textOfRow)
  const right = actual.map(textOfRow)
  if (!ordered) {
    left.sort()
    right.sort()
  }
  if (left.join('\n') === right.join('\n')) return undefined
  return `expected [${left.join(', ')}], actual [${right.join(', ')}]`
}
