import type { Batch } from '../batch/batch.ts'
import type { EdgeRow } from '../batch/edge-row.ts'
import { fromRows } from '../batch/from-rows.ts'
import type { Schema } from '../batch/schema.ts'
import { builtinRegistry } from '../connectors/builtins.ts'
import {
  type MemoryStream,
  type MemoryStreamOptions,
  memoryStream,
} from '../connectors/memory/source.ts'
import { type PushStream, type PushStreamOptions, pushStream } from '../connectors/push/source.ts'
import type { SinkFactory, SourceFactory } from '../connectors/registry.ts'
import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import { initialEpoch, type Micros } from '../core/units.ts'
import type { DataFrame, DataStreamWriter } from '../dataframe/data-frame.ts'
import { dataFrame } from '../dataframe/frame.ts'
import type { Launch, ReadSpec, SaveSpec } from '../dataframe/launch.ts'
import { type DataFrameReader, type DataStreamReader, dataReader } from '../dataframe/reader.ts'
import { type SchemaLike, schemaFrom } from '../dataframe/struct-type.ts'
import type { UpgradeReport } from '../dataframe/upgrade-report.ts'
import { buildPhysical, endingQuery } from '../physical/build.ts'
import { printPhysical } from '../physical/print.ts'
import { type LogicalPlan, type Scan, schemaOf } from '../plan/logical.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import { runBatch } from '../runtime/batch-run.ts'
import type { SessionConfig } from './config.ts'
import type { Engine } from './engine.ts'
import { explainUpgrade } from './explain-upgrade.ts'
import { startFleet } from './fleet.ts'
import { makeBatchReader, makeScan, makeSink } from './formats.ts'
import { memoryTables } from './memory-tables.ts'
import type { SessionPorts } from './ports.ts'
import { queryRegistry, type StreamingQueryManager } from './query-manager.ts'
import { startQuery } from './start-query.ts'
import { stateMetadataSource } from './state-metadata-source.ts'
import { statestoreSource } from './statestore-source.ts'

/**
 * The front door: makes frames and runs queries. Spark's `SparkSession`, also exported under that name.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 *
 * const spark = Session.builder.appName('first steps').getOrCreate()
 * const numbers = spark.createDataFrame([{ n: 1 }, { n: 2 }], 'n INT')
 * await numbers.selectExpr('n * 10 AS tens').show()
 * await spark.stop()
 * ```
 */
export interface Session {
  readonly appName: string
  /** Frames over all the rows there are now. */
  readonly read: DataFrameReader
  /** Frames over rows that keep coming. */
  readonly readStream: DataStreamReader
  /** The queries of this session. */
  readonly streams: StreamingQueryManager
  /**
   * A batch frame of rows given as objects or lists.
   * @throws StreamError `CAST_INVALID_INPUT` if a value does not fit its column
   */
  createDataFrame(rows: readonly (EdgeRow | readonly unknown[])[], schema: SchemaLike): DataFrame
  /** A stream that a test feeds by hand; its rows can be read again as long as the process lives. */
  memoryStream(schema: SchemaLike, options?: MemoryStreamOptions): MemoryInput
  /** A stream that this process feeds: see `PushStream` for what `push` promises. */
  pushSource(
    schema: SchemaLike,
    options?: PushStreamOptions & { readonly name?: string },
  ): PushInput
  /**
   * What a query would do with a checkpoint that another version of it wrote: which operator's state is kept,
   * migrated, lost, or makes the start be refused, and which sources come or go. Nothing is started or
   * changed, and the checkpoint may be in use. A frame counts as written in append mode.
   *
   * @throws StreamError `CHECKPOINT_NOT_FOUND`, and what `start` throws at once
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const orders = spark.memoryStream('user STRING, price INT')
   * const perUser = orders.toDF().groupBy('user').count()
   * const writer = perUser.writeStream.outputMode('update').format('noop')
   * const query = writer.option('checkpointLocation', 'checkpoints/per-user').start()
   * await query.processAllAvailable()
   * await query.stop()
   * const report = await spark.explainUpgrade(writer, 'checkpoints/per-user')
   * if (!report.canStart) throw new Error(String(report))
   * await spark.stop()
   * ```
   */
  explainUpgrade(query: DataFrame | DataStreamWriter, checkpoint: string): Promise<UpgradeReport>
  /** A frame by the name of a view, or of the query that writes to a `memory` sink. */
  table(name: string): DataFrame
  /** Makes another format known by name. */
  register(factory: { readonly source?: SourceFactory; readonly sink?: SinkFactory }): void
  /**
   * Stops every query at the end of its epoch, and forgets the session.
   * @throws StreamError the first failure, after all queries have been asked
   */
  stop(): Promise<void>
}

/** A memory stream and the frame over it. */
export interface MemoryInput extends MemoryStream {
  toDF(): DataFrame
}

/** A push stream and the frame over it. */
export interface PushInput extends PushStream {
  toDF(): DataFrame
}

/** A session on given ports; `Session.builder` puts the real ones in. `forget` is called by `stop`. */
export function createSession(
  config: SessionConfig,
  ports: SessionPorts,
  forget: () => void = () => undefined,
): Session {
  const { terminal, clock } = ports
  const registry = builtinRegistry()
  registry.addSource(statestoreSource(ports))
  registry.addSource(stateMetadataSource(ports))
  const views = new Map<string, UnresolvedPlan>()
  const streams = queryRegistry(clock, config.noDataProgressIntervalMs, (text) =>
    terminal.status(text),
  )
  const tables = memoryTables()
  const fleets: Engine['fleets'] = new Set()
  const engine: Engine = { config, ports, registry, streams, fleets, views, tables }
  const launch = launchOf(engine)
  const frameOf = (scan: Scan): DataFrame => dataFrame({ kind: 'scan', scan }, launch)
  const made = new Map<string, number>()
  /** By format, so that a frame of rows more or less does not rename the streams. */
  const nextName = (format: string): string => {
    const count = made.get(format) ?? 0
    made.set(format, count + 1)
    return `${format}-${count}`
  }
  const liveScan = (format: string, handle: object, schema: Schema, name?: string): Scan => ({
    kind: 'scan',
    source: name ?? nextName(format),
    format,
    options: {},
    schema,
    streaming: true,
    handle,
  })

  return {
    appName: config.appName,
    get read() {
      return dataReader(launch, { streaming: false })
    },
    get readStream() {
      return dataReader(launch, { streaming: true })
    },
    streams,

    createDataFrame(rows, schemaLike) {
      const schema = schemaFrom(schemaLike)
      const handle = fromRows(schema, rows)
      return frameOf({
        kind: 'scan',
        source: nextName('rows'),
        format: 'rows',
        options: {},
        schema,
        streaming: false,
        handle,
      })
    },

    memoryStream(schemaLike, options = {}) {
      const stream = memoryStream(schemaFrom(schemaLike), options)
      const scan = liveScan('memory', stream, stream.schema)
      return Object.assign(stream, { toDF: () => frameOf(scan) })
    },

    pushSource(schemaLike, options = {}) {
      const stream = pushStream(schemaFrom(schemaLike), options, clock)
      const scan = liveScan('push', stream, stream.schema, options.name)
      return Object.assign(stream, { toDF: () => frameOf(scan) })
    },

    async explainUpgrade(query, checkpoint) {
      const writer = 'writeStream' in query ? query.writeStream : query
      return writer.explainUpgrade(checkpoint)
    },
    table: (name) => dataFrame(launch.view(name), launch),
    register({ source, sink }) {
      if (source !== undefined) registry.addSource(source)
      if (sink !== undefined) registry.addSink(sink)
    },

    async stop() {
      // Their queries would begin again.
      await Promise.all([...fleets].map((fleet) => fleet.stop()))
      const stopped = await Promise.allSettled(streams.active.map((query) => query.stop()))
      forget()
      const failed = stopped.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    },
  }
}

function launchOf(engine: Engine): Launch {
  const { config, ports, views } = engine
  const launch: Launch = {
    edge: { longAs: config.longAs },
    scan: (spec: ReadSpec) => makeScan(engine.registry, spec),
    start: (plan, spec) => startQuery(engine, launch, plan, spec),
    startFleet: (plan, spec, options) => startFleet(engine, launch, plan, spec, options),
    explainUpgrade: (plan, spec, checkpoint) =>
      explainUpgrade({ engine, launch, plan, spec, checkpoint }),
    collect: (plan) => collect(engine, plan),
    save: (plan, spec) => save(engine, plan, spec),
    physicalText: (plan) => printPhysical(buildPhysical(plan, endingQuery)),
    putView: (name, plan) => void views.set(name.toLowerCase(), plan),
    view(name) {
      const plan = views.get(name.toLowerCase())
      if (plan !== undefined) return plan
      const scan = engine.tables.scan(name)
      if (scan !== undefined) return { kind: 'scan', scan }
      throw new StreamError('TABLE_NOT_FOUND', { name, closest: closest(name, [...views.keys()]) })
    },
    print: (text) => ports.terminal.print(text),
  }
  return launch
}

async function collect(engine: Engine, plan: LogicalPlan): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  await run(engine, plan, async (batch) => void batches.push(batch))
  return batches
}

async function run(
  { ports, registry }: Engine,
  plan: LogicalPlan,
  emit: (batch: Batch) => Promise<void>,
): Promise<void> {
  const physical = buildPhysical(plan, endingQuery)
  const now = (ports.clock.now() * 1000) as Micros
  await runBatch(physical, { readAll: makeBatchReader(registry, ports), world: ports }, now, emit)
}

async function save(engine: Engine, plan: LogicalPlan, spec: SaveSpec): Promise<void> {
  const { ports, registry } = engine
  const sink = await makeSink(registry, ports, {
    format: spec.format,
    options: { ...spec.options, savemode: spec.mode },
    schema: schemaOf(plan),
    mode: 'append',
    partitionBy: spec.partitionBy,
    queryName: '',
  })
  const epoch = 0 as Parameters<typeof sink.commit>[0]
  try {
    const id = ports.random.uuid()
    const snapshotIdOf = (of: number) => `${id}.${of}`
    const attempt = { queryId: id, runId: id, token: 0, openEpochsMax: 1, snapshotIdOf }
    await sink.fence?.(attempt)
    const standsOn = { epoch: initialEpoch, snapshotId: snapshotIdOf(initialEpoch) }
    await sink.open({ ...attempt, lastCommitted: undefined, standsOn })
    await run(engine, plan, (batch) => sink.write(batch, epoch))
    await sink.commit(epoch, await sink.prepare(epoch, (ports.clock.now() * 1000) as Micros))
  } finally {
    await sink.close()
  }
}
