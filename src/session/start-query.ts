import type { JobHandle, JobSettings } from '../../actors/job.ts'
import type { Trigger } from '../../actors/trigger.ts'
import type { Batch } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import type { Registry } from '../connectors/registry.ts'
import { dataFrame } from '../dataframe/frame.ts'
import type { Launch, WriteSpec } from '../dataframe/launch.ts'
import type { StreamingQuery } from '../dataframe/streaming-query.ts'
import type { TriggerSpec } from '../dataframe/trigger.ts'
import { buildPhysical } from '../physical/build.ts'
import { printPhysical } from '../physical/print.ts'
import { type LogicalPlan, type Scan, schemaOf } from '../plan/logical.ts'
import { planText } from '../plan/print.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import { progressOf } from '../runtime/progress.ts'
import { type Deployed, runQuery } from '../runtime/query.ts'
import { createTap } from '../runtime/tap.ts'
import { checkpointFor } from './checkpoint-place.ts'
import type { SessionConfig } from './config.ts'
import { checkSink, makeSink, makeSource, type SinkDescription } from './formats.ts'
import type { MemoryTables } from './memory-tables.ts'
import type { SessionPorts } from './ports.ts'
import { progressLine } from './progress-line.ts'
import type { QueryRegistry } from './query-manager.ts'
import { runningQuery } from './running-query.ts'

/** What the parts of a session share. */
export interface Engine {
  readonly config: SessionConfig
  readonly ports: SessionPorts
  readonly registry: Registry
  readonly streams: QueryRegistry
  readonly views: Map<string, UnresolvedPlan>
  readonly tables: MemoryTables
}

/** Starts a streaming query; everything that can be refused at once is refused here. */
export function startQuery(
  engine: Engine,
  launch: Launch,
  plan: LogicalPlan,
  spec: WriteSpec,
): StreamingQuery {
  const { config, ports, registry, streams } = engine
  streams.checkName(spec.queryName)
  const place = checkpointFor(config, ports, spec)
  const physical = buildPhysical(plan, { mode: spec.outputMode, lateRows: true })
  const results = createTap()
  const late = createTap()
  const name = spec.queryName
  const runId = ports.random.uuid()
  const line = progressLine(ports.terminal, config.progress)
  let deployed: Deployed | undefined
  const context = {
    runId,
    name,
    plan: physical,
    lanes: config.lanes,
    shards: config.shards,
  }
  const {
    query,
    onEvent,
    run: bind,
  } = runningQuery({
    id: () => deployed?.queryId ?? place.queryId,
    runId,
    name,
    clock: ports.clock,
    edge: launch.edge,
    results,
    late,
    lateOperator: lateOperatorOf(physical),
    planText: (extended) =>
      extended ? `${planText(plan)}\n${printPhysical(physical)}` : planText(plan),
    stopTimeoutMs: config.stopTimeoutMs,
    recentLimit: config.numRecentProgressUpdates,
    print: (text) => ports.terminal.print(text),
    progressOf: (epoch, previousTriggerMs) =>
      progressOf(epoch, {
        ...context,
        id: deployed?.queryId ?? place.queryId,
        sources: deployed?.sources ?? new Map(),
        sink: deployed?.sink ?? { description: spec.format },
        previousTriggerMs,
      }),
    observe(event) {
      if (event.type === 'progress') line(name ?? config.appName, event.progress)
      streams.notify(query, event)
      if (event.type === 'terminated') void place.ended(event.error === undefined)
    },
  })
  const resultSink = resultSinkOf(engine, launch, plan, spec)
  checkSink(registry, resultSink)
  const job = (): JobHandle =>
    runQuery({
      name: name ?? config.appName,
      runId,
      queryId: place.queryId,
      plan: physical,
      lanes: config.lanes,
      shards: config.shards,
      checkpoint: place.path,
      store: ports.store(config.store),
      stateCacheBytes: config.stateCacheBytes,
      lockLeaseMs: config.lockLeaseMs,
      retention: {
        minEpochsToRetain: config.minEpochsToRetain,
        minRetentionMs: config.minRetentionMs,
      },
      settings: settingsOf(config, spec),
      restart: {
        maxRestarts: config.maxRestarts,
        firstDelayMs: config.restartDelayMs,
        maxDelayMs: 60_000,
        poisonAfter: config.poisonAfter,
        retryNever: false,
      },
      stopTimeoutMs: config.stopTimeoutMs,
      makeSource: (scan, folder) => makeSource(registry, ports, scan, folder),
      makeSink: async () => results.into(await makeSink(registry, ports, resultSink)),
      makeLateSink: async () => late.into(await makeLateSink(engine, physical, spec)),
      clock: ports.clock,
      random: ports.random,
      files: ports.files,
      process: ports.process,
      system: ports.system,
      listener: onEvent,
      onDeployed: (made) => {
        deployed = made
      },
    })
  streams.add(query)
  bind(Promise.resolve().then(job))
  return query
}

function settingsOf(config: SessionConfig, spec: WriteSpec): Partial<JobSettings> {
  return {
    trigger: triggerOf(spec.trigger),
    epochsInFlight: config.epochsInFlight,
    checkpointTimeoutMs: config.checkpointTimeoutMs,
    noDataEpochs: config.noDataEpochs,
    flush: spec.options['drain']?.toLowerCase() === 'flush',
    watermarkPolicy: config.watermarkPolicy,
  }
}

function triggerOf(trigger: TriggerSpec): Trigger {
  switch (trigger.kind) {
    case 'processingTime':
      return trigger.intervalMs === 0
        ? { type: 'default' }
        : { type: 'processingTime', intervalMs: trigger.intervalMs }
    case 'continuous':
      return { type: 'continuous', intervalMs: trigger.intervalMs }
    default:
      return { type: trigger.kind }
  }
}

/** Options of `writeStream` that are the engine's and not the sink's. */
const engineOptions = ['checkpointlocation', 'drain', 'laterowspath']

function resultSinkOf(
  { tables }: Engine,
  launch: Launch,
  plan: LogicalPlan,
  spec: WriteSpec,
): SinkDescription {
  const schema = schemaOf(plan)
  const options = Object.fromEntries(
    Object.entries(spec.options).filter(([name]) => !engineOptions.includes(name)),
  )
  const handle =
    spec.foreach ??
    (spec.foreachBatch === undefined
      ? undefined
      : batchCaller(launch, schema, spec.foreachBatch)) ??
    (spec.format === 'memory' ? tables.of(spec.queryName, schema) : undefined)
  return {
    format: spec.format,
    options,
    schema,
    mode: spec.outputMode,
    partitionBy: spec.partitionBy,
    queryName: spec.queryName ?? '',
    ...(handle === undefined ? {} : { handle }),
  }
}

/** Gives the rows of one epoch to the user's function as a batch frame. */
function batchCaller(
  launch: Launch,
  schema: Schema,
  call: NonNullable<WriteSpec['foreachBatch']>,
): (batches: readonly Batch[], epoch: number) => Promise<void> {
  return async (batches, epoch) => {
    const scan: Scan = {
      kind: 'scan',
      source: `epoch-${epoch}`,
      format: 'rows',
      options: {},
      schema,
      streaming: false,
      handle: batches,
    }
    await call(dataFrame({ kind: 'scan', scan }, launch), epoch)
  }
}

function makeLateSink(
  { ports, registry }: Engine,
  physical: ReturnType<typeof buildPhysical>,
  spec: WriteSpec,
): ReturnType<typeof makeSink> {
  const path = spec.options['laterowspath']
  return makeSink(registry, ports, {
    format: path === undefined ? 'noop' : 'json',
    options: path === undefined ? {} : { path },
    schema: physical.stages.find((stage) => stage.id === physical.late)?.output ?? [],
    mode: 'append',
    partitionBy: [],
    queryName: '',
  })
}

function lateOperatorOf(physical: ReturnType<typeof buildPhysical>): string | undefined {
  const from = physical.stages.find((stage) => stage.id === physical.late)?.inputs[0]?.from
  const step = physical.stages
    .find((stage) => stage.id === from)
    ?.steps.find((each) => each.kind === 'aggregate')
  return step?.kind === 'aggregate' ? step.spec.operator : undefined
}
