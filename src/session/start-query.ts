import type { JobSettings } from '../../actors/job.ts'
import type { StateQuota } from '../../actors/state-quota.ts'
import type { Trigger } from '../../actors/trigger.ts'
import { type CleanUpHold, cleanUpHold } from '../../state/clean-up-hold.ts'
import { checkSavepoint } from '../../state/copy-checkpoint.ts'
import { queryWarning } from '../core/warning.ts'
import type { StreamingQuery } from '../dataframe/data-frame.ts'
import type { Launch, WriteSpec } from '../dataframe/launch.ts'
import type { TriggerSpec } from '../dataframe/trigger.ts'
import { printPhysical } from '../physical/print.ts'
import type { LogicalPlan } from '../plan/logical.ts'
import { planText } from '../plan/print.ts'
import { growingState } from '../plan/state-growth.ts'
import type { PlannedQuery } from '../runtime/checked-plan.ts'
import { type ProgressContext, progressOf } from '../runtime/progress.ts'
import { type Deployed, type QuerySpec, runQuery } from '../runtime/query.ts'
import { createTap, type Tap } from '../runtime/tap.ts'
import { type CheckpointPlace, checkpointFor } from './checkpoint-place.ts'
import type { Engine } from './engine.ts'
import {
  checkSink,
  makeBatchReader,
  makeSink,
  makeSource,
  type SinkDescription,
} from './formats.ts'
import { plannedQuery } from './planned-query.ts'
import { progressLine } from './progress-line.ts'
import { releaseReaders } from './query-rows.ts'
import { resultSinkOf } from './query-sinks.ts'
import { queryState } from './query-state.ts'
import { type RunningQuery, runningQuery } from './running-query.ts'
import { makeSavepoint, takeSavepoint } from './savepoint.ts'
import { makeSideSink } from './side-rows.ts'
import { stateQuotaOf } from './state-quota.ts'

/** A query between its refusals and its job. */
interface Start {
  readonly engine: Engine
  readonly launch: Launch
  readonly plan: LogicalPlan
  readonly spec: WriteSpec
  readonly planned: PlannedQuery
  readonly resultSink: SinkDescription
  readonly place: CheckpointPlace
  readonly hold: CleanUpHold
  readonly runId: string
  readonly results: Tap
  readonly late: Tap
  readonly dead: Tap
  readonly quota: StateQuota | undefined
  /** Its end is up to the fleet that it is a part of. */
  readonly isPart: boolean
  /** The parts of the newest attempt. */
  deployed: Deployed | undefined
}

/**
 * Starts a streaming query; everything that can be refused at once is refused here.
 *
 * @param part - where the checkpoint of a partition of a fleet lies, whose end is the fleet's to report; default: a query
 *   by itself, with a checkpoint where its options say
 */
export function startQuery(
  engine: Engine,
  launch: Launch,
  plan: LogicalPlan,
  spec: WriteSpec,
  part?: CheckpointPlace,
): StreamingQuery {
  const { config, ports, registry, streams } = engine
  const place = part ?? checkpointFor(config, ports, spec)
  streams.checkName(spec.queryName)
  const from = spec.options['startfrom']
  if (from !== undefined) checkSavepoint(ports.files, from)
  const planned = plannedQuery(engine, plan, spec, place.path)
  const resultSink = resultSinkOf(engine, launch, plan, spec)
  checkSink(registry, resultSink)
  const start: Start = {
    engine,
    launch,
    plan,
    spec,
    planned,
    resultSink,
    place,
    hold: cleanUpHold((name, cause) =>
      running.onEvent({ type: 'warning', what: `clean-up of ${name}`, cause }),
    ),
    runId: ports.random.uuid(),
    results: createTap(),
    late: createTap(),
    dead: createTap(),
    quota: stateQuotaOf(config, spec.options),
    isPart: part !== undefined,
    deployed: undefined,
  }
  const running = runningOf(start)
  streams.add(running.query)
  running.run(Promise.resolve().then(() => runQuery(querySpecOf(start, running.onEvent))))
  return running.query
}

function runningOf(start: Start): RunningQuery {
  const { engine, launch, plan, spec, planned, place } = start
  const { config, ports, streams } = engine
  const name = spec.queryName
  const physical = planned.plan
  const line = progressLine(ports.terminal, config.progress)
  const running = runningQuery({
    id: () => idOf(start),
    runId: start.runId,
    name,
    clock: ports.clock,
    edge: launch.edge,
    results: start.results,
    late: start.late,
    dead: start.dead,
    warnings: growingState(plan, spec.outputMode).map((each) =>
      queryWarning('STATE_GROWS', { ...each }),
    ),
    planText: (extended) =>
      extended ? `${planText(plan)}\n${printPhysical(physical)}` : planText(plan),
    stopTimeoutMs: config.stopTimeoutMs,
    recentLimit: config.numRecentProgressUpdates,
    print: (text) => ports.terminal.print(text),
    state: (operator, options = {}) =>
      queryState({ ports, launch, checkpoint: place.path, operator, options }),
    savepoint: (to) =>
      makeSavepoint(ports, start.hold, { checkpoint: place.path, to, owner: start.deployed }),
    progressOf: (epoch, previousTriggerMs) =>
      progressOf(epoch, progressContextOf(start, previousTriggerMs)),
    observe(event) {
      if (event.type === 'progress') line(name ?? config.appName, event.progress)
      streams.notify(running.query, event)
      if (event.type !== 'terminated') return
      if (!start.isPart) streams.hasEnded(running.query)
      removeTemporary(start, running, event.error === undefined)
    },
  })
  return running
}

/** A temporary checkpoint goes when nobody copies it any more; whoever stops a query does not wait for that. */
function removeTemporary({ hold, place }: Start, running: RunningQuery, cleanly: boolean): void {
  const what = 'the temporary checkpoint'
  hold
    .whenFree(what, () => place.ended(cleanly))
    .catch((cause: unknown) =>
      running.onEvent({ type: 'warning', what: `clean-up of ${what}`, cause }),
    )
}

function idOf({ deployed, place }: Start): string {
  return deployed?.queryId ?? place.queryId
}

function progressContextOf(start: Start, previousTriggerMs: number | undefined): ProgressContext {
  const { engine, spec, planned, runId, deployed } = start
  return {
    id: idOf(start),
    runId,
    name: spec.queryName,
    plan: planned.plan,
    lanes: engine.config.lanes,
    shards: deployed?.shards ?? engine.config.shards,
    sources: deployed?.sources ?? new Map(),
    sink: deployed?.sink ?? { description: spec.format },
    previousTriggerMs,
  }
}

function querySpecOf(start: Start, listener: QuerySpec['listener']): QuerySpec {
  const { engine, spec, planned, resultSink, place, results } = start
  const { config, ports, registry } = engine
  return {
    name: spec.queryName ?? config.appName,
    runId: start.runId,
    queryId: place.queryId,
    ...planned,
    hold: start.hold,
    ...beginningOf(start),
    store: ports.store(config.store),
    stateCacheBytes: config.stateCacheBytes,
    snapshots: {
      snapshotMinBytes: config.snapshotMinBytes,
      snapshotMaxChain: config.snapshotMaxDeltas,
    },
    lockLeaseMs: config.lockLeaseMs,
    retention: {
      minEpochsToRetain: config.minEpochsToRetain,
      minRetentionMs: config.minRetentionMs,
    },
    settings: settingsOf(start),
    restart: {
      maxRestarts: config.maxRestarts,
      firstDelayMs: config.restartDelayMs,
      maxDelayMs: 60_000,
      poisonAfter: config.poisonAfter,
      retryNever: false,
      // A partition comes to a process while the fleet runs: nobody is there to start it again.
      retryFirst: start.isPart,
    },
    stopTimeoutMs: config.stopTimeoutMs,
    makeSource: (scan, folder) => makeSource(registry, ports, scan, folder),
    readAll: makeBatchReader(registry, ports),
    makeSink: async () => results.into(await makeSink(registry, ports, resultSink)),
    makeSideSink: async ({ name }) => {
      const tap = name === 'lateRows' ? start.late : start.dead
      return tap.into(await makeSideSink(engine, spec, name))
    },
    clock: ports.clock,
    random: ports.random,
    http: ports.http,
    files: ports.files,
    process: ports.process,
    system: ports.system,
    listener,
    ending: () => releaseReaders(start),
    onDeployed: (made) => {
      start.deployed = made
    },
  }
}

/** A query that begins with a savepoint takes it into its checkpoint, the first time that it starts. */
function beginningOf({ engine, spec, place }: Start): Pick<QuerySpec, 'beginCheckpoint'> {
  const from = spec.options['startfrom']
  if (from === undefined) return {}
  const { path: to, queryId } = place
  return { beginCheckpoint: () => takeSavepoint(engine.ports, { from, to, queryId }) }
}

function settingsOf({ engine: { config }, spec, quota }: Start): Partial<JobSettings> {
  return {
    trigger: triggerOf(spec.trigger),
    epochsInFlight: config.epochsInFlight,
    checkpointTimeoutMs: config.checkpointTimeoutMs,
    noDataEpochs: config.noDataEpochs,
    flush: spec.options['drain']?.toLowerCase() === 'flush',
    ...(quota === undefined ? {} : { stateQuota: quota }),
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
