import type { Schema } from '../../src/batch/schema.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import type { Sink } from '../../src/flow/connector.ts'
import type { BatchList } from '../batch-source.ts'
import type { Checksum } from '../checksum.ts'
import { checksumConnector } from '../checksum-connector.ts'
import { columnTables } from '../nexmark/columns.ts'
import { queries, tableOf } from '../nexmark/queries.ts'
import { type QueryName, resultSchemas } from '../nexmark/results.ts'
import { eventDdl, type TableName, tableSchemas } from '../nexmark/schema.ts'

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
  /** A stream over column batches, whose epochs end where they say. */
  stream(name: TableName, schema: Schema, batches: BatchList): DataFrame
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
  const frame =
    'events' in input
      ? memoryTables(session, input.events, perEpoch)
      : fileTables(session, input.folder, perEpoch)
  return async (sink) => {
    const { outputMode, over } = queries[query]
    const trigger = { availableNow: true } as const
    const frames = { person: frame('person'), auction: frame('auction'), bid: frame('bid') }
    await session.run(over(frames), sink, { outputMode, checkpoint, trigger })
  }
}

/** The tables of one stream of lines, which is read once however many of them a query joins. */
function fileTables(
  session: BenchSession,
  folder: string,
  perEpoch: number | undefined,
): (name: TableName) => DataFrame {
  const events = session.jsonLines(folder, eventDdl, perEpoch)
  return (name) => tableOf(events, name)
}

/** Tables whose epochs hold the same stretch of the stream; `perEpoch` is in batches of 4096 events. */
function memoryTables(
  session: BenchSession,
  events: number,
  perEpoch: number | undefined,
): (name: TableName) => DataFrame {
  const part = perEpoch === undefined ? {} : { partEvents: perEpoch * batchRows }
  const tables = columnTables(events, { seed: 42, batchRows, ...part })
  return (name) => {
    const { batches, ends } = tables[name]
    return session.stream(name, tableSchemas[name], {
      length: batches.length,
      at: (index) => batches[index],
      ends,
    })
  }
}
