import type { Batch } from './batch.ts'
import { batchOf } from './build.ts'
import { type EdgeRow, fromRow } from './edge-row.ts'
import type { Schema } from './schema.ts'

/**
 * Makes a batch of rows, so that a source need not fill columns itself. Each row is an object by column
 * name or a list in column order; a missing column is NULL. `toRows` is the way back.
 *
 * @throws StreamError `CAST_INVALID_INPUT` if a value does not fit its column
 */
export function fromRows(schema: Schema, rows: readonly (EdgeRow | readonly unknown[])[]): Batch {
  return batchOf(
    schema,
    rows.map((row) => fromRow(schema, row)),
  )
}
