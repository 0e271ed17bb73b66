import { isValid } from '../../batch/batch.ts'
import type { RowTimes } from '../row-times.ts'
import type { GroupRows } from './epoch-groups.ts'

/** The largest event time of the rows of a key, with the times of each batch; `otherwise` if none has one. */
export function largestTime(
  { batches, rows }: GroupRows,
  times: readonly RowTimes[],
  otherwise: number,
): number {
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
