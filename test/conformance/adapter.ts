import type { EdgeRow } from '../../src/batch/edge-row.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { StreamingQuery } from '../../src/dataframe/streaming-query.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import type { Session } from '../../src/index.ts'
import type { MemoryInput } from '../../src/session/session.ts'
import type { CaseOptions, CaseRow, CaseSource } from './case.ts'

/** How the whole run was asked to be. */
export interface RunOptions {
  readonly store: string
  readonly lanes: number
  /** Every row is an epoch of its own; only for cases whose answer does not depend on that. */
  readonly eachRow?: boolean
}

/** Makes a session with these settings; `clock` is the manual one where a case asks for it. */
export type OpenSession = (
  config: Readonly<Record<string, string | number | boolean>>,
  clock: Clock | undefined,
) => Session

/** What a run did with the rows of one epoch. */
export type OnEpoch = (epoch: number, rows: readonly EdgeRow[]) => void

/** One case's engine. The only file that knows how the session spells what the cases ask for. */
export interface Engine {
  /** The streaming frame of a source; its rows so far are those added before, if it was reopened. */
  frame(source: CaseSource, folder: string): DataFrame
  batchFrame(source: Pick<CaseSource, 'columns'>, rows: readonly CaseRow[]): DataFrame
  /** Puts rows into a memory source. */
  add(source: CaseSource, rows: readonly CaseRow[]): void
  /** A session with changed settings, as after a restart of the process: every frame is to be made again. */
  reopen(changed: CaseOptions): Promise<void>
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

/** A row that was added, and the partition of its source that keeps it over every restart. */
interface PlacedRow {
  readonly row: EdgeRow
  readonly partition: number
}

function put(stream: MemoryInput, rows: readonly PlacedRow[]): void {
  for (const { row, partition } of rows) stream.addData([row], { partition })
}

/** An engine with the settings of a case. */
export function openEngine(
  open: OpenSession,
  run: RunOptions,
  options: CaseOptions,
  clock: Clock | undefined,
): Engine {
  let settled = options
  let session = open(settings(run, settled), clock)
  const streams = new Map<string, MemoryInput>()
  const added = new Map<string, readonly PlacedRow[]>()
  const partitionsOf = (name: string): number => settled.source_partitions?.[name] ?? 1
  return {
    frame(source, folder) {
      if (source.kind === 'text_files') return textFiles(session, source, folder)
      const partitions = partitionsOf(source.name)
      const stream = session.memoryStream(ddlOf(source), { partitions })
      streams.set(source.name, stream)
      // A partition that is no more was read to its end before.
      const known = (added.get(source.name) ?? []).filter(({ partition }) => partition < partitions)
      put(stream, known)
      return stream.toDF()
    },
    batchFrame: (source, rows) => session.createDataFrame(edgeRows(source, rows), ddlOf(source)),
    add(source, rows) {
      const known = added.get(source.name) ?? []
      const more = edgeRows(source, rows).map((row, index) => ({
        row,
        partition: (known.length + index) % partitionsOf(source.name),
      }))
      added.set(source.name, [...known, ...more])
      const stream = streams.get(source.name)
      if (stream !== undefined) put(stream, more)
    },
    async reopen(changed) {
      await session.stop()
      const partitions = { ...settled.source_partitions, ...changed.source_partitions }
      settled = { ...settled, ...changed, source_partitions: partitions }
      session = open(settings(run, settled), clock)
      streams.clear()
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
 * Options of a case as settings of the session. Partitions of state are Spark's way of spreading work
 * and lanes are ours, so a case that changes the one changes the other.
 */
function settings(
  run: RunOptions,
  options: CaseOptions,
): Readonly<Record<string, string | number | boolean>> {
  return {
    progress: 'off',
    allowUnbounded: true,
    store: run.store,
    lanes: options.state_partitions ?? run.lanes,
    'spark.sql.streaming.noDataMicroBatches.enabled': options.no_data_batch ?? true,
    'spark.sql.streaming.multipleWatermarkPolicy': options.watermark_policy ?? 'min',
  }
}

function textFiles(session: Session, source: CaseSource, folder: string): DataFrame {
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
