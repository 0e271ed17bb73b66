import { type Batch, type Column, isValid } from '../../batch/batch.ts'
import { isOrdered } from '../../expr/aggregates.ts'
import type { Arrival } from './accumulator.ts'
import type { AggregateInput } from './group-table.ts'
import type { AggregateColumns } from './spec.ts'

/** What each aggregate reads of a batch. With `arrival`, those that go by the order of rows are told it. */
export function inputsOf(
  aggregates: readonly AggregateColumns[],
  batch: Batch,
  arrival?: Arrival,
): readonly AggregateInput[] {
  return aggregates.map(({ call, args: indexes, filter }) => {
    const args = indexes.map((index) => batch.columns[index] as Column)
    const isTold = arrival !== undefined && isOrdered(call)
    const input = isTold ? { args, arrival } : { args }
    if (filter === undefined) return input
    const column = batch.columns[filter]
    if (column === undefined || column.layout !== 'bits') return { ...input, keep: () => false }
    const { values, validity } = column
    return {
      ...input,
      keep: (row) =>
        (((values[row >> 3] as number) >> (row & 7)) & 1) === 1 && isValid(validity, row),
    }
  })
}
