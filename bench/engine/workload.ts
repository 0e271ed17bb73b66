import type { Batch } from '../../src/batch/batch.ts'
import type { Schema } from '../../src/batch/schema.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import type { Source } from '../../src/flow/connector.ts'
import { batchSource } from '../batch-source.ts'
import { type ChecksumConnector, checksumConnector } from '../checksum-connector.ts'
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
  readonly perEpoch?: number
  readonly checkpoint: string
  readonly trigger: TriggerOptions
}

/** The part of a session that a measured run uses; `run.ts` says how the session spells it. */
export interface BenchSession {
  /** A stream of JSON lines. */
  jsonLines(folder: string, schema: string, filesPerEpoch: number | undefined): DataFrame
  /** A stream over a source of the bench's own. */
  stream(source: Source, rowsPerEpoch: number | undefined): DataFrame
  /** Starts the query into a sink of the bench's own, and resolves when it has ended. */
  run(
    frame: DataFrame,
    sink: ChecksumConnector,
    how: Pick<Workload, 'checkpoint' | 'trigger'> & { readonly outputMode: string },
  ): Promise<void>
}

const batchRows = 4096

/** Builds what must not be measured, and returns the work that is. */
export function prepareWorkload(
  session: BenchSession,
  workload: Workload,
  onFirstRow: () => void,
): () => Promise<unknown> {
  const { query, input, perEpoch, checkpoint, trigger } = workload
  const schema = resultSchemas[query]
  const batches: readonly Batch[] =
    'events' in input ? columnTables(input.events, { seed: 42, batchRows }).bid : []
  const bids = (): DataFrame =>
    'events' in input
      ? session.stream(
          batchSource(bidSchema, batches),
          perEpoch === undefined ? undefined : perEpoch * batchRows,
        )
      : bidsOf(session.jsonLines(input.folder, eventDdl, perEpoch))
  return async () => {
    const sink = checksumConnector(schema, onFirstRow)
    const { outputMode, over } = queries[query]
    await session.run(over(bids()), sink, { outputMode, checkpoint, trigger })
    return summary(query, schema, sink)
  }
}

/**
 * What runs are compared by. In update mode how often a group comes out depends on where epochs end,
 * so only the number of columns is told there; the gate looks at the rows.
 */
function summary(query: QueryName, schema: Schema, sink: ChecksumConnector): unknown {
  return queries[query].outputMode === 'update' ? { columns: schema.length } : sink.result()
}
