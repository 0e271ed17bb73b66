import type { Batch } from '../batch/batch.ts'

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
