import { type Batch, isValid, rowNumbers } from '../batch/batch.ts'

/** The time of each row, microseconds. */
export interface RowTimes {
  readonly values: Float64Array
  readonly validity: Uint8Array | undefined
}

/** The times of a column, or the ends of a column of windows. */
export function timesOf(batch: Batch, index: number): RowTimes {
  const column = batch.columns[index]
  if (column?.layout === 'f64') return { values: column.values, validity: column.validity }
  if (column?.layout === 'struct') {
    const end = column.children[1]
    if (end?.layout === 'f64') return { values: end.values, validity: column.validity }
  }
  // Nothing but NULLs: no row has a time.
  return { values: new Float64Array(batch.rowCount), validity: new Uint8Array(batch.rowCount) }
}

/** The live rows of a batch: those in time, and those whose time is at or below the late watermark. */
export function splitLate(
  batch: Batch,
  timeColumn: number | undefined,
  watermark: number,
): { readonly rows: Int32Array; readonly late: Int32Array } {
  const all = rowNumbers(batch)
  if (timeColumn === undefined) return { rows: all, late: new Int32Array(0) }
  const times = timesOf(batch, timeColumn)
  const isLate = (row: number): boolean =>
    isValid(times.validity, row) && (times.values[row] as number) <= watermark
  const late = all.filter(isLate)
  return { rows: late.length === 0 ? all : all.filter((row) => !isLate(row)), late }
}
