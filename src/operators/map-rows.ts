import { originOfRows, siblingOrder } from '../batch/batch.ts'
import { batchBuilder } from '../batch/build.ts'
import { type EdgeRow, fromRow, toRow } from '../batch/edge-row.ts'
import { forEachRow, rowAt } from '../batch/read.ts'
import type { Schema } from '../batch/schema.ts'
import { reasonOf, StreamError } from '../core/error.ts'
import type { Operator } from '../flow/operator.ts'
import type { RowFunction } from '../flow/row-function.ts'

/** Rows of a function of the user for each row. */
export interface MapRowsSpec {
  readonly input: Schema
  readonly function: RowFunction
  readonly output: Schema
}

/**
 * Calls the function for each row, in order.
 * @throws StreamError (later) `USER_FUNCTION_FAILED`; `CAST_INVALID_INPUT` for rows that do not fit
 */
export function mapRowsOperator({ input, function: given, output }: MapRowsSpec): Operator {
  const builder = batchBuilder(output)
  const rowsOf = (row: EdgeRow): readonly unknown[] => {
    try {
      return [...given.call(row)]
    } catch (cause) {
      if (cause instanceof StreamError) throw cause
      const details = { name: given.name, why: reasonOf(cause) }
      throw new StreamError('USER_FUNCTION_FAILED', details, { cause })
    }
  }
  return {
    name: `map ${given.name}`,

    open() {},

    process(_input, batch, out) {
      const from: number[] = []
      const siblings: number[] = []
      forEachRow(batch, (row) => {
        rowsOf(toRow(input, rowAt(batch, row), given.edge)).forEach((made, position) => {
          // What the function gives out is checked against the schema here.
          builder.appendRow(fromRow(output, made as EdgeRow | readonly unknown[]))
          from.push(row)
          siblings.push(position)
        })
      })
      if (from.length === 0) return undefined
      const origin = originOfRows(batch, from)
      return out.emit({
        ...builder.finish(),
        ...origin,
        // Rows that were made stand where the row they were made from stood, one after the other.
        ...(origin.order === undefined ? {} : { order: siblingOrder(origin.order, siblings) }),
      })
    },

    closeEpoch: () => ({}),

    freeze: () => undefined,
  }
}
