import type { Batch, Column } from '../batch/batch.ts'
import { longType, type Schema, timestampType } from '../batch/schema.ts'
import type { Slice } from '../flow/connector.ts'

/** The columns of the sources that count. */
export const countedSchema: Schema = [
  { name: 'timestamp', type: timestampType, nullable: true },
  { name: 'value', type: longType, nullable: true },
]

const rowsAtOnce = 4096

/** Which of the numbers `from <= value < to` to make rows of. */
export interface CountedRange {
  readonly from: number
  readonly to: number
  readonly slice: Slice
  /** Value `v` is of partition `v % partitions`; a lane reads whole partitions. */
  readonly partitions: number
  readonly columns: readonly number[] | undefined
  /** Microseconds of a value; asked for ascending values. */
  readonly timestampOf: (value: number) => number
}

/** Rows that are a function of their number, partition by partition. */
export function* countedRows(range: CountedRange): Iterable<Batch> {
  const { from, to, slice, partitions } = range
  for (let partition = slice.index; partition < partitions; partition += slice.count) {
    let next = from + ((partition - (from % partitions) + partitions) % partitions)
    while (next < to) {
      const rowCount = Math.min(rowsAtOnce, Math.ceil((to - next) / partitions))
      yield { ...countedBatch(range, next, rowCount), part: partition }
      next += rowCount * partitions
    }
  }
}

/**
 * The first batch of a range in the order of its numbers, and the position behind it: for `poll`,
 * whose position is one number.
 */
export function firstCounted(
  range: Omit<CountedRange, 'slice' | 'partitions'>,
): { readonly batch: Batch; readonly position: { readonly '0': number } } | undefined {
  const all = { ...range, slice: { index: 0, count: 1 }, partitions: 1 }
  for (const batch of countedRows(all)) {
    return { batch, position: { '0': range.from + batch.rowCount } }
  }
  return undefined
}

function countedBatch(
  { partitions, columns, timestampOf }: CountedRange,
  first: number,
  rowCount: number,
): Batch {
  const buffer = new ArrayBuffer(rowCount * 16)
  const timestamps = new Float64Array(buffer, 0, rowCount)
  const values = new Float64Array(buffer, rowCount * 8, rowCount)
  for (let row = 0; row < rowCount; row++) {
    const value = first + row * partitions
    timestamps[row] = timestampOf(value)
    values[row] = value
  }
  const all: readonly Column[] = [
    { layout: 'f64', values: timestamps },
    { layout: 'f64', values },
  ]
  const isRead = (_: unknown, index: number): boolean => columns?.includes(index) ?? true
  return { schema: countedSchema.filter(isRead), rowCount, columns: all.filter(isRead) }
}
