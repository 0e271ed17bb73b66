import type { Batch } from '../batch/batch.ts'
import { batchOf } from '../batch/build.ts'
import { compareNullable } from '../batch/compare.ts'
import { rowsOf } from '../batch/read.ts'
import type { DataType, Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import type { Operator } from '../flow/operator.ts'

/** An order of rows; the key columns stand behind the `kept` ones that go on. */
export interface SortSpec {
  readonly keys: readonly {
    readonly column: number
    readonly type: DataType
    readonly descending: boolean
    readonly nullsFirst: boolean
  }[]
  readonly kept: number
  readonly output: Schema
}

const rowsPerBatch = 4096

/** Orders the rows of one epoch: the whole answer in complete mode or of a batch query. Holds them all. */
export function sortOperator(spec: SortSpec): Operator {
  let batches: Batch[] = []
  return {
    name: 'sort',

    open() {
      batches = []
    },

    process(_input, batch) {
      batches.push(batch)
      return undefined
    },

    async closeEpoch(_header, output) {
      const rows = batches.flatMap(rowsOf).sort((left, right) => compareRows(spec, left, right))
      batches = []
      for (let from = 0; from < rows.length; from += rowsPerBatch) {
        const part = rows.slice(from, from + rowsPerBatch).map((row) => row.slice(0, spec.kept))
        await output.emit(batchOf(spec.output, part))
      }
      return { progress: { sort: { rowsIn: rows.length } } }
    },

    freeze: () => undefined,
  }
}

function compareRows(spec: SortSpec, left: readonly Value[], right: readonly Value[]): number {
  for (const { column, type, descending, nullsFirst } of spec.keys) {
    const a = left[column] ?? null
    const b = right[column] ?? null
    if (a === null || b === null) {
      if (a === b) continue
      return (a === null) === nullsFirst ? -1 : 1
    }
    const order = compareNullable(type, a, b)
    if (order !== 0) return descending ? -order : order
  }
  return 0
}
