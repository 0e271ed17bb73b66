import { type Batch, isValid, liveRows } from '../../batch/batch.ts'
import { timesOf } from '../row-times.ts'
import type { GroupRows, PendingRows } from './epoch-groups.ts'

/** Rows in time, and late ones: at or below the watermark `late`. Rows without a time are never late. */
export function splitLate(
  batch: Batch,
  timeColumn: number | undefined,
  late: number,
): { readonly rows: Int32Array; readonly late: Int32Array } {
  const count = liveRows(batch)
  const all = batch.selection ?? Int32Array.from({ length: count }, (_, row) => row)
  if (timeColumn === undefined) return { rows: all, late: new Int32Array(0) }
  const times = timesOf(batch, timeColumn)
  const isLate = (row: number): boolean =>
    isValid(times.validity, row) && (times.values[row] as number) <= late
  const found = all.filter(isLate)
  return { rows: found.length === 0 ? all : all.filter((row) => !isLate(row)), late: found }
}

/** The largest event time of the rows of a key; `otherwise` if none has one. */
export function largestTime(
  { batches, rows }: GroupRows,
  pending: readonly PendingRows[],
  timeColumn: number,
  otherwise: number,
): number {
  const times = pending.map(({ batch }) => timesOf(batch, timeColumn))
  let largest = Number.NEGATIVE_INFINITY
  for (let k = 0; k < rows.length; k++) {
    const ofBatch = times[batches[k] as number]
    const row = rows[k] as number
    if (ofBatch !== undefined && isValid(ofBatch.validity, row)) {
      largest = Math.max(largest, ofBatch.values[row] as number)
    }
  }
  return largest === Number.NEGATIVE_INFINITY ? otherwise : largest
}
