import type { EdgeRow } from '../../src/batch/edge-row.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { StreamingQuery } from '../../src/dataframe/streaming-query.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import type { CaseOptions, CaseRow, CaseSource } from './case.ts'

/** The part of the session that the runner uses. The only file that knows how the engine spells it. */
export interface SessionLike {
  readonly conf: { set(name: string, value: string | number | boolean): void }
  readonly readStream: {
    format(name: string): ReaderLike
  }
  createDataFrame(rows: readonly EdgeRow[], schema: string): DataFrame
  memoryStream(schema: string): MemoryStreamLike
  stop(): Promise<void>
}

interface ReaderLike {
  option(name: string, value: string | number | boolean): ReaderLike
  load(path: string): DataFrame
}

interface MemoryStreamLike {
  toDF(): DataFrame
  addData(rows: readonly EdgeRow[]): unknown
}

/** How the whole run was asked to be. */
export interface RunOptions {
  readonly store: string
  readonly lanes: number
}

/** Makes a session with these settings; `clock` is the manual one where a case asks for it. */
export type OpenSession = (
  config: Readonly<Record<string, string | number | boolean>>,
  clock: Clock | undefined,
) => SessionLike

/** What a run did with the rows of one epoch. */
export type OnEpoch = (epoch: number, rows: readonly EdgeRow[]) => void

/** One case's engine. */
export interface Engine {
  /** The frame of a source; a stream, or in batch mode the rows added so far. */
  frame(source: CaseSource, folder: string): DataFrame
  batchFrame(source: Pick<CaseSource, 'columns'>, rows: readonly CaseRow[]): DataFrame
  /** Puts rows into a memory source. */
  add(source: CaseSource, rows: readonly CaseRow[]): Promise<void>
  /** Settings that hold from the next start on. */
  configure(options: CaseOptions): void
  start(
    frame: DataFrame,
    how: {
      readonly outputMode: string
      readonly trigger: TriggerOptions | undefined
      readonly checkpoint: string
      readonly onEpoch: OnEpoch
    },
  ): StreamingQuery
  stop(): Promise<void>
}

/** An engine with the settings of a case. */
export function openEngine(
  open: OpenSession,
  run: RunOptions,
  options: CaseOptions,
  clock: Clock | undefined,
): Engine {
  const session = open({ store: run.store, lanes: run.lanes, ...settings(options) }, clock)
  const streams = new Map<string, MemoryStreamLike>()
  return {
    frame(source, folder) {
      if (source.kind === 'text_files') return textFiles(session, source, folder)
      const stream = session.memoryStream(ddlOf(source))
      streams.set(source.name, stream)
      return stream.toDF()
    },
    batchFrame: (source, rows) => session.createDataFrame(edgeRows(source, rows), ddlOf(source)),
    async add(source, rows) {
      await streams.get(source.name)?.addData(edgeRows(source, rows))
    },
    configure(changed) {
      for (const [name, value] of Object.entries(settings(changed))) session.conf.set(name, value)
    },
    start(frame, { outputMode, trigger, checkpoint, onEpoch }) {
      const writer = frame.writeStream
        .outputMode(outputMode)
        .option('checkpointLocation', checkpoint)
        .foreachBatch(async (rows, epoch) => onEpoch(epoch, await rows.collect()))
      return (trigger === undefined ? writer : writer.trigger(trigger)).start()
    },
    stop: () => session.stop(),
  }
}

/**
 * Options of a case as settings of the session. The partitions of a case's source and state are
 * Spark's way of spreading work: lanes are ours, and they are set for the whole run.
 */
function settings(options: CaseOptions): Readonly<Record<string, string | boolean>> {
  return {
    ...(options.no_data_batch === undefined
      ? {}
      : { 'spark.sql.streaming.noDataMicroBatches.enabled': options.no_data_batch }),
    ...(options.watermark_policy === undefined
      ? {}
      : { 'spark.sql.streaming.multipleWatermarkPolicy': options.watermark_policy }),
  }
}

function textFiles(session: SessionLike, source: CaseSource, folder: string): DataFrame {
  const limited = session.readStream.format('text')
  const first =
    source.max_files_per_trigger === undefined
      ? limited
      : limited.option('maxFilesPerTrigger', source.max_files_per_trigger)
  const reader =
    source.latest_first === undefined ? first : first.option('latestFirst', source.latest_first)
  return reader.load(folder)
}

function ddlOf({ columns }: Pick<CaseSource, 'columns'>): string {
  return columns
    .map(([name, type]) => `\`${name}\` ${type === 'long' ? 'BIGINT' : type}`)
    .join(', ')
}

/** Rows by column name; long columns take `bigint`, as user code gives them. */
function edgeRows({ columns }: Pick<CaseSource, 'columns'>, rows: readonly CaseRow[]): EdgeRow[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map(([name, type], index) => [name, edgeCell(type, row[index])])),
  )
}

function edgeCell(type: string, cell: unknown): unknown {
  if (cell === undefined) return null
  return type === 'long' && typeof cell === 'number' ? BigInt(cell) : cell
}
