import {
  type Deployment,
  defaultSettings,
  type JobEvent,
  type JobHandle,
  type JobSettings,
  type RestartSettings,
} from '../../actors/job.ts'
import { runJob } from '../../actors/supervisor.ts'
import type { ActorFailure, ActorSystem } from '../../actors/system.ts'
import { fleetFile } from '../../state/checkpoint-paths.ts'
import type { CleanUpHold } from '../../state/clean-up-hold.ts'
import { shardLayout, shardsOfLane } from '../../state/key-group.ts'
import { type LocalEpochLog, openEpochLog } from '../../state/local-epoch-log.ts'
import type { Manifest } from '../../state/manifest.ts'
import { cleanUp, type RetentionLimits, removeOrphans } from '../../state/retention.ts'
import type { SnapshotLimits } from '../../state/snapshot-chain.ts'
import type { StateStoreFactory } from '../../state/store.ts'
import { openTaskState, type TaskStateOptions } from '../../state/task-state-service.ts'
import type { Clock } from '../core/clock.ts'
import { StreamError } from '../core/error.ts'
import { type FileSystem, joinPath } from '../core/file-system.ts'
import type { Http } from '../core/http.ts'
import type { ProcessInfo } from '../core/process-info.ts'
import type { Random } from '../core/random.ts'
import type { ReadLimit, Sink, SinkAttempt, Source } from '../flow/connector.ts'
import type { Position } from '../flow/message.ts'
import type { PlanFingerprint } from '../physical/compatibility.ts'
import type { Scan } from '../plan/logical.ts'
import { historiesOf } from '../plan/read-after.ts'
import { type ReadAll, staticsOf } from './batch-run.ts'
import { checkedPlan, type PlannedQuery, without } from './checked-plan.ts'
import { checkpointEffects, initialManifest, recoveredFrom } from './checkpoint.ts'
import { watermarkNodesOf } from './nodes.ts'
import {
  describeSinks,
  makeSinks,
  openSinks,
  plannedRecovery,
  type SinkMakers,
} from './open-sinks.ts'
import { Opened } from './opened.ts'
import { buildTasks, statefulTasks } from './tasks.ts'

/** A source as the session makes it for one attempt. */
export interface MadeSource {
  readonly source: Source
  readonly limit: ReadLimit
  readonly idleTimeoutMs?: number
}

/** A streaming query, complete: what to run, where its checkpoint is, and everything it touches. */
export interface QuerySpec extends PlannedQuery, SinkMakers {
  readonly name: string
  readonly runId: string
  readonly queryId: string
  /** Fills the folder of a checkpoint that has no epoch yet, for queries that go on from elsewhere. */
  readonly beginCheckpoint?: () => Promise<void>
  /** Keeps files that somebody copies. */
  readonly hold: CleanUpHold
  readonly store: StateStoreFactory
  readonly stateCacheBytes: number
  readonly snapshots: SnapshotLimits
  readonly lockLeaseMs: number
  readonly retention: RetentionLimits
  readonly settings: Partial<JobSettings>
  readonly restart: RestartSettings
  readonly stopTimeoutMs: number
  /** Makes a source; `folder` is its own place under the checkpoint. Closed at the end of the attempt. */
  readonly makeSource: (scan: Scan, folder: string) => Promise<MadeSource>
  /** Reads everything that a scan has now, for sides of joins that do not stream. */
  readonly readAll: ReadAll
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly files: FileSystem
  readonly process: () => Promise<ProcessInfo>
  readonly system: (report: (failure: ActorFailure) => void) => ActorSystem
  readonly listener: (event: JobEvent) => void
  /** Called when an attempt comes to its end: lets go of whoever waits for a reader of its rows. */
  readonly ending: () => void
  /** Told what each attempt knows and is made of, once it is known. */
  readonly onDeployed: (deployed: Deployed) => void
}

/** An attempt that is about to run. */
export interface Deployed {
  readonly queryId: string
  /** Grows with every attempt. */
  readonly token: number
  /** Fixed at the first start. */
  readonly shards: number
  readonly sources: ReadonlyMap<string, Source>
  readonly sink: Sink
}

/** Runs a query until it ends, over all its attempts. */
export function runQuery(spec: QuerySpec): JobHandle {
  return runJob({
    name: spec.name,
    clock: spec.clock,
    random: spec.random,
    system: spec.system,
    deploy: () => deploy(spec),
    restart: spec.restart,
    stopTimeoutMs: spec.stopTimeoutMs,
    listener: spec.listener,
  })
}

async function deploy(spec: QuerySpec): Promise<Deployment> {
  const opened = new Opened()
  let log: LocalEpochLog | undefined
  try {
    log = opened.add(await openLog(spec))
    return await openAttempt(spec, opened, log)
  } catch (cause) {
    // Whoever was asleep meets files that are gone and transactions of others: that is no damage.
    const isReplaced = await log?.isReplaced().catch(() => false)
    await opened.close().catch(() => undefined)
    if (log === undefined || isReplaced !== true) throw cause
    throw new StreamError('FENCED', { attempt: log.token + 1 }, { cause })
  }
}

function parallelismOf({ plan, lanes, settings }: QuerySpec) {
  return { plan, lanes, continuous: settings.trigger?.type === 'continuous' }
}

/** The memory for state is that of the query: its tasks share it. */
function taskStateOptions(
  spec: QuerySpec,
  place: Pick<TaskStateOptions, 'task' | 'token' | 'shards' | 'shardCount' | 'restore'>,
): TaskStateOptions {
  const { files, checkpoint, clock, store, stateCacheBytes, snapshots, settings } = spec
  return {
    ...place,
    ...snapshots,
    files,
    root: checkpoint,
    localDir: joinPath(checkpoint, 'local'),
    clock,
    storeFactory: store,
    cacheBudgetBytes: Math.floor(stateCacheBytes / statefulTasks(parallelismOf(spec))),
    epochsInFlight: settings.epochsInFlight ?? defaultSettings.epochsInFlight,
  }
}

async function openAttempt(
  spec: QuerySpec,
  opened: Opened,
  log: LocalEpochLog,
): Promise<Deployment> {
  const sinks = await makeSinks(spec, opened)
  const attempt = sinkAttempt(spec, log)
  const found = await plannedRecovery(log, sinks, attempt)
  const { fingerprint, lost } = checkedPlan(spec, found, sinks.byName)
  if (found.voids !== undefined) await log.append(found.voids)
  const sources = await openSources(spec, opened)
  opened.add({ close: async () => spec.hold.forget() })
  const base = without(
    found.manifest ?? (await publishInitial(spec, log, sources, fingerprint)),
    lost,
  )
  await openSinks(sinks, attempt, { log, found, base })
  const layout = shardLayout(fingerprint.shards)
  const tasks = await buildTasks({
    ...parallelismOf(spec),
    layout,
    restoredWatermark: base.evictWatermark,
    shapes: fingerprint.operators,
    query: { queryId: log.queryId, runId: spec.runId },
    source: (name) => madeSource(sources, name).source,
    sink: sinks.sink,
    sideSinks: sinks.sideSinks,
    statics: staticsOf(spec.readAll, spec),
    world: spec,
    opened,
    openState: async (task, lane, single) => {
      const { shardCount } = layout
      const shards = shardsOfLane(single ? 0 : lane, { shardCount, lanes: single ? 1 : spec.lanes })
      const place = { task, token: log.token, shards, shardCount, restore: base.state }
      return opened.add(await openTaskState(taskStateOptions(spec, place)))
    },
  })
  const positions: Readonly<Record<string, Position>> = {
    ...(base.positions as Readonly<Record<string, Position>>),
    ...(await newPositions(base, sources)),
  }
  spec.onDeployed({
    queryId: log.queryId,
    token: log.token,
    shards: fingerprint.shards,
    sources: new Map([...sources].map(([name, made]) => [name, made.source])),
    sink: sinks.sink,
  })
  const place = { files: spec.files, root: spec.checkpoint, log }
  await removeOrphans(place)
  await commitAgain(spec, base, sources)
  const recovered = recoveredFrom(
    { ...base, positions },
    found.runAgain.map(({ header }) => header),
  )
  return {
    tasks,
    sources: [...sources].map(([name, made]) => ({ name, ...made })),
    recovered,
    effects: checkpointEffects({
      log,
      fingerprint,
      sinks: describeSinks(sinks),
      base,
      clean: () => spec.hold.ifFree(() => cleanUp(place, spec.retention, spec.clock.now())),
    }),
    cleanUp: spec.hold.whenFree,
    settings: {
      ...defaultSettings,
      ...spec.settings,
      watermarkPolicy: fingerprint.watermarkPolicy,
      watermarkNodes: watermarkNodesOf(spec.plan),
      readAfter: spec.plan.readAfter ?? {},
    },
    ending: spec.ending,
    close: () => opened.close(),
  }
}

/** The attempt that has opened the log, as sinks know it. */
function sinkAttempt({ runId, settings }: QuerySpec, log: LocalEpochLog): SinkAttempt {
  const { queryId, token, snapshotIdOf } = log
  const epochsInFlight = settings.epochsInFlight ?? defaultSettings.epochsInFlight
  // Those without a manifest, and the one whose manifest stands while the sinks commit.
  return { queryId, runId, token, snapshotIdOf, openEpochsMax: epochsInFlight + 1 }
}

/** What the checkpoint covers is committed: whoever waits for that, such as a durable push, may go on. */
async function commitAgain(
  { hold }: QuerySpec,
  base: Manifest,
  sources: ReadonlyMap<string, MadeSource>,
): Promise<void> {
  for (const [name, { source }] of sources) {
    const position = base.positions[name]
    if (position === undefined) continue
    await hold.whenFree(`source ${name}`, () => source.commit(position as Position))
  }
}

async function openLog(spec: QuerySpec): Promise<LocalEpochLog> {
  if ((await spec.files.stat(joinPath(spec.checkpoint, fleetFile))) !== undefined) {
    const difference = 'a fleet keeps the checkpoints of its partitions below it'
    throw new StreamError('CHECKPOINT_OTHER_QUERY', { path: spec.checkpoint, difference })
  }
  return openEpochLog({
    files: spec.files,
    root: spec.checkpoint,
    clock: spec.clock,
    random: spec.random,
    processInfo: await spec.process(),
    lockLeaseMs: spec.lockLeaseMs,
    queryId: spec.queryId,
    ...(spec.beginCheckpoint === undefined ? {} : { begin: spec.beginCheckpoint }),
  })
}

async function openSources(
  spec: QuerySpec,
  opened: Opened,
): Promise<ReadonlyMap<string, MadeSource>> {
  const sources = new Map<string, MadeSource>()
  for (const { source: scan } of spec.plan.stages) {
    if (scan === undefined || sources.has(scan.source)) continue
    const folder = joinPath(spec.checkpoint, 'sources', scan.source)
    const made = await spec.makeSource(scan, folder)
    opened.add(made.source)
    sources.set(scan.source, made)
  }
  return sources
}

function madeSource(sources: ReadonlyMap<string, MadeSource>, name: string): MadeSource {
  const made = sources.get(name)
  if (made === undefined) throw new StreamError('INTERNAL', { what: `no source ${name}` })
  return made
}

/** The first checkpoint of a query exists before anything is decided. */
async function publishInitial(
  spec: QuerySpec,
  log: LocalEpochLog,
  sources: ReadonlyMap<string, MadeSource>,
  fingerprint: PlanFingerprint,
): Promise<Manifest> {
  const positions: Record<string, Position> = {}
  for (const [name, { source }] of sources) positions[name] = await source.initial()
  const ends: Record<string, Position> = {}
  for (const name of historiesOf(spec.plan.readAfter ?? {})) {
    ends[name] = await madeSource(sources, name).source.latest(positions[name] ?? {}, {})
  }
  const manifest = initialManifest({ positions, ends }, fingerprint, log)
  await log.append({ type: 'manifest', manifest })
  return manifest
}

async function newPositions(
  base: Manifest,
  sources: ReadonlyMap<string, MadeSource>,
): Promise<Readonly<Record<string, Position>>> {
  const positions: Record<string, Position> = {}
  for (const [name, { source }] of sources) {
    if (base.positions[name] === undefined) positions[name] = await source.initial()
  }
  return positions
}
