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

/** What comes to its end no longer waits for readers. */
export function releaseReaders({ results, late, dead }: Omit<RowTaps, 'edge'>): void {
  for (const tap of [results, late, dead]) tap.release()
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
