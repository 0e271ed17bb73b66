import { type EdgeOptions, toRows } from '../batch/edge-row.ts'
import type { LateRow, ResultBatch } from '../dataframe/streaming-query.ts'
import type { Tap } from '../runtime/tap.ts'

/** Where the rows of a running query can be watched. */
export interface RowTaps {
  readonly edge: EdgeOptions
  readonly results: Tap
  readonly late: Tap
  /** The operator whose late rows the tap carries; `undefined` when the plan has none. */
  readonly lateOperator: string | undefined
}

/** The rows of each epoch as user code sees them, from now on. */
export async function* resultsOf(
  { results, edge }: RowTaps,
  uncommitted: boolean,
): AsyncGenerator<ResultBatch> {
  for await (const { epoch, batches } of results.subscribe({ uncommitted })) {
    yield { epoch, rows: batches.flatMap((batch) => toRows(batch, edge)) }
  }
}

/** Late rows with the watermark that they came after, by epoch. */
export async function* lateRowsOf(
  { late, edge, lateOperator }: RowTaps,
  watermarks: ReadonlyMap<number, number>,
): AsyncGenerator<LateRow> {
  if (lateOperator === undefined) return
  for await (const { epoch, batches } of late.subscribe({ uncommitted: false })) {
    const watermark = new Date((watermarks.get(epoch) ?? 0) / 1000)
    for (const batch of batches) {
      for (const row of toRows(batch, edge)) yield { epoch, operator: lateOperator, watermark, row }
    }
  }
}
