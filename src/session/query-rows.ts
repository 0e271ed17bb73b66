import { type EdgeOptions, toRows } from '../batch/edge-row.ts'
import type { ResultBatch } from '../dataframe/streaming-query.ts'
import type { Tap } from '../runtime/tap.ts'

/** Where the rows of a running query can be watched. */
export interface RowTaps {
  readonly edge: EdgeOptions
  readonly results: Tap
  readonly late: Tap
  readonly dead: Tap
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
