import type { Batch, Column } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { forEachRow, valueAt } from '../batch/read.ts'
import type { Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { interpret } from './interpret.ts'
import type { CompiledStage, StageSpec } from './stage.ts'

/** The reference of `compileStage`: row by row, with nothing prepared. */
export function interpretStage(spec: StageSpec, inputSchema: Schema): CompiledStage {
  return {
    run(batch, context) {
      const rows: number[] = []
      const values = spec.columns.map(() => new Array<Value>(batch.rowCount).fill(null))
      forEachRow(batch, (row) => {
        const read = (index: number): Value => cell(batch, inputSchema, index, row)
        const { filter } = spec
        if (filter !== undefined && interpret(filter, read, context) !== true) return
        rows.push(row)
        spec.columns.forEach((column, index) => {
          const list = values[index]
          if (list !== undefined) list[row] = interpret(column, read, context)
        })
      })
      const columns = spec.columns.map(
        (column, index): Column => columnOf(column.type, values[index] ?? []),
      )
      const all = spec.filter === undefined && batch.selection === undefined
      return all ? { columns } : { columns, selection: Int32Array.from(rows) }
    },
  }
}

function cell(batch: Batch, schema: Schema, index: number, row: number): Value {
  const column = batch.columns[index]
  const field = schema[index]
  return column === undefined || field === undefined ? null : valueAt(column, field.type, row)
}
