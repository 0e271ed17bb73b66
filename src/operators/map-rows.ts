import { type Batch, originOfRows, siblingOrder } from '../batch/batch.ts'
import { batchBuilder } from '../batch/build.ts'
import { type EdgeRow, fromRow, toRow } from '../batch/edge-row.ts'
import { forEachRow, rowAt } from '../batch/read.ts'
import type { Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { reasonOf, StreamError } from '../core/error.ts'
import { isOfRow } from '../expr/interpret-stage.ts'
import type { Operator } from '../flow/operator.ts'
import type { RowFunction } from '../flow/row-function.ts'
import { allOf, type BadRowPolicies, rejectedRows } from './bad-rows.ts'

/** Rows of a function of the user for each row. */
export interface MapRowsSpec {
  readonly input: Schema
  readonly function: RowFunction
  readonly output: Schema
  /** What becomes of rows that the function throws for; absent = they end the query. */
  readonly badRows?: BadRowPolicies
}

/**
 * Calls the function for each row, in order. A row for which it throws, or gives out what does not fit,
 * leaves nothing behind.
 * @throws StreamError (later) `USER_FUNCTION_FAILED`; `CAST_INVALID_INPUT` for rows that do not fit
 */
export function mapRowsOperator(spec: MapRowsSpec): Operator {
  const { input, function: given, output, badRows } = spec
  const name = `map ${given.name}`
  const builder = batchBuilder(output)
  const bad = badRows === undefined ? undefined : rejectedRows(name, badRows)
  /** What the function gives out is checked against the schema here. */
  const rowsOf = (batch: Batch, row: number): readonly Value[][] =>
    madeBy(given, toRow(input, rowAt(batch, row), given.edge)).map((made) =>
      fromRow(output, made as EdgeRow | readonly unknown[]),
    )
  const rowsOrNone = (batch: Batch, row: number): readonly Value[][] => {
    if (bad === undefined) return rowsOf(batch, row)
    try {
      return rowsOf(batch, row)
    } catch (cause) {
      if (!isOfRow(cause)) throw cause
      bad.add(row, cause)
      return []
    }
  }
  return {
    name,

    open: () => bad?.open(),

    process(_input, batch, out) {
      const from: number[] = []
      const siblings: number[] = []
      forEachRow(batch, (row) => {
        rowsOrNone(batch, row).forEach((made, position) => {
          builder.appendRow(made)
          from.push(row)
          siblings.push(position)
        })
      })
      const rejected = bad?.flush(batch, input, out)
      if (from.length === 0) return rejected
      const origin = originOfRows(batch, from)
      const made = {
        ...builder.finish(),
        ...origin,
        // Rows that were made stand where the row they were made from stood, one after the other.
        ...(origin.order === undefined ? {} : { order: siblingOrder(origin.order, siblings) }),
      }
      return allOf(rejected, out.emit(made))
    },

    closeEpoch: () => bad?.report() ?? {},

    freeze: () => undefined,
  }
}

function madeBy(given: RowFunction, row: EdgeRow): readonly unknown[] {
  try {
    return [...given.call(row)]
  } catch (cause) {
    if (cause instanceof StreamError) throw cause
    const details = { name: given.name, why: reasonOf(cause) }
    throw new StreamError('USER_FUNCTION_FAILED', details, { cause })
  }
}
