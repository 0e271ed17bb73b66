import type { Batch } from '../../src/batch/batch.ts'
import type { Schema } from '../../src/batch/schema.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import type { Sink } from '../../src/flow/connector.ts'
import type { Checksum } from '../checksum.ts'
import { checksumConnector } from '../checksum-connector.ts'
import { columnTables } from '../nexmark/columns.ts'
import { bidsOf, queries } from '../nexmark/queries.ts'
import { type QueryName, resultSchemas } from '../nexmark/results.ts'
import { bidSchema, eventDdl } from '../nexmark/schema.ts'

/** One measured run of the engine. */
export interface Workload {
  readonly query: QueryName
  /** JSON lines in a folder, or column batches made before the clock starts. */
  readonly input: { readonly folder: string } | { readonly events: number }
  /** Files or batches that one epoch takes; absent = everything in one epoch, one checkpoint. */
  readonly perEpoch: number | undefined
  readonly checkpoint: string
}

/** The part of a session that a measured run uses. */
export interface BenchSession {
  /** A stream of JSON lines. */
  jsonLines(folder: string, schema: string, filesPerEpoch: number | undefined): DataFrame
  /** A stream over column batches. */
  stream(schema: Schema, batches: readonly Batch[], rowsPerEpoch: number | undefined): DataFrame
  /** Starts the query into the sink, and resolves when it has read everything and flushed. */
  run(
    frame: DataFrame,
    sink: Sink,
    how: {
      readonly checkpoint: string
      readonly trigger: TriggerOptions
      readonly outputMode: string
    },
  ): Promise<void>
  stop(): Promise<void>
}

/** The figure of a run that holds the seconds from its start to its first row. */
export const firstOutputFigure = 'firstOutputSeconds'

const batchRows = 4096

/** Builds what must not be measured, and returns the work that is: a run into the checksum. */
export function prepareWorkload(
  session: BenchSession,
  workload: Workload,
  onFirstRow: () => void,
): () => Promise<Checksum> {
  const run = prepareRun(session, workload)
  return async () => {
    const sink = checksumConnector(resultSchemas[workload.query], onFirstRow)
    await run(sink)
    // In update mode how often a group comes out depends on where the epochs end: no two settings
    // agree on the sum, and the gate compares what the groups were last.
    return sink.result()
  }
}

/** The same run into any sink. */
export function prepareRun(
  session: BenchSession,
  { query, input, perEpoch, checkpoint }: Workload,
): (sink: Sink) => Promise<void> {
  const batches: readonly Batch[] =
    'events' in input ? columnTables(input.events, { seed: 42, batchRows }).bid : []
  const rowsPerEpoch = perEpoch === undefined ? undefined : perEpoch * batchRows
  const bids = (): DataFrame =>
    'events' in input
      ? session.stream(bidSchema, batches, rowsPerEpoch)
      : bidsOf(session.jsonLines(input.folder, eventDdl, perEpoch))
  return async (sink) => {
    const { outputMode, over } = queries[query]
    const trigger = { availableNow: true } as const
    await session.run(over(bids()), sink, { outputMode, checkpoint, trigger })
  }
}
