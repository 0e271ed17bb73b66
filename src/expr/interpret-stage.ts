import type { Batch, Column } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { forEachRow, valueAt } from '../batch/read.ts'
import type { Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { StreamError } from '../core/error.ts'
import { interpret } from './interpret.ts'
import type { CompiledStage, RejectRow, StageSpec } from './stage.ts'

/**
 * The reference of `compileStage`: row by row, with nothing prepared. With `reject` a row that raises an
 * error is handed to it and left out, and the others go on.
 */
export function interpretStage(
  spec: StageSpec,
  inputSchema: Schema,
  reject?: RejectRow,
): CompiledStage {
  return {
    run(batch, context) {
      const rows: number[] = []
      const values = spec.columns.map(() => new Array<Value>(batch.rowCount).fill(null))
      const add = (row: number): void => {
        const read = (index: number): Value => cell(batch, inputSchema, index, row)
        const { filter } = spec
        if (filter !== undefined && interpret(filter, read, context) !== true) return
        spec.columns.forEach((column, index) => {
          const list = values[index]
          if (list !== undefined) list[row] = interpret(column, read, context)
        })
        rows.push(row)
      }
      let hasBad = false
      forEachRow(batch, (row) => {
        try {
          add(row)
        } catch (cause) {
          if (reject === undefined || !isOfRow(cause)) throw cause
          hasBad = true
          reject(row, cause)
        }
      })
      const columns = spec.columns.map(
        (column, index): Column => columnOf(column.type, values[index] ?? []),
      )
      const all = !hasBad && spec.filter === undefined && batch.selection === undefined
      return all ? { columns } : { columns, selection: Int32Array.from(rows) }
    },
  }
}

/** Whether an error says something of the row it was raised for; others are faults of our own. */
export function isOfRow(cause: unknown): cause is StreamError {
  return cause instanceof StreamError && cause.code !== 'INTERNAL'
}

function cell(batch: Batch, schema: Schema, index: number, row: number): Value {
  const column = batch.columns[index]
  const field = schema[index]
  return column === undefined || field === undefined ? null : valueAt(column, field.type, row)
}
