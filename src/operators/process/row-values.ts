import type { Batch } from '../../batch/batch.ts'
import { valueAt } from '../../batch/read.ts'
import type { Value } from '../../batch/value.ts'

/** The values of a row in the first columns of a batch. */
export function valuesAt(batch: Batch, width: number, row: number): Value[] {
  return batch.schema.slice(0, width).map(({ type }, index) => {
    const column = batch.columns[index]
    return column === undefined ? null : valueAt(column, type, row)
  })
}
