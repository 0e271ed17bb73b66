import { type Batch, type Column, isValid } from '../../batch/batch.ts'
import type { AggregateInput } from './group-table.ts'
import type { AggregateColumns } from './spec.ts'

/** The rows of a batch as each aggregate takes them. */
export function inputsOf(
  aggregates: readonly AggregateColumns[],
  batch: Batch,
): readonly AggregateInput[] {
  return aggregates.map(({ args, filter }) => {
    const columns = args.map((index) => batch.columns[index] as Column)
    if (filter === undefined) return { args: columns }
    const column = batch.columns[filter]
    if (column === undefined || column.layout !== 'bits')
      return { args: columns, keep: () => false }
    const { values, validity } = column
    return {
      args: columns,
      keep: (row) =>
        (((values[row >> 3] as number) >> (row & 7)) & 1) === 1 && isValid(validity, row),
    }
  })
}
