import type { Batch } from '../../batch/batch.ts'
import type { AggregateSpec } from './spec.ts'

/** The time of each row that decides its bucket, microseconds. */
export interface RowTimes {
  readonly values: Float64Array
  readonly validity: Uint8Array | undefined
}

/** The column that decides the bucket: the time itself, or the end of a window column. */
export function timesOf(batch: Batch, spec: AggregateSpec): RowTimes {
  const { bucketing } = spec
  if (bucketing.kind === 'none') return { values: new Float64Array(0), validity: undefined }
  const index =
    bucketing.kind === 'window' ? bucketing.timeColumn : (spec.keys[bucketing.key]?.column ?? 0)
  const column = batch.columns[index]
  if (column?.layout === 'f64') return { values: column.values, validity: column.validity }
  if (column?.layout === 'struct') {
    const end = column.children[1]
    if (end?.layout === 'f64') return { values: end.values, validity: column.validity }
  }
  // Nothing but NULLs: no row has a time.
  return { values: new Float64Array(batch.rowCount), validity: new Uint8Array(batch.rowCount) }
}
