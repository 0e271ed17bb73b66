import { StreamError, unreachable } from '../src/core/error.ts'
import { type Epoch, nextEpoch } from '../src/core/units.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import type { TaskId } from './task-id.ts'

/** Who takes part. Does not change during an attempt. */
export interface ProtocolParties {
  readonly tasks: ReadonlySet<TaskId>
  /** The tasks among them that read sources; a new epoch opens when they have passed the last one. */
  readonly sources: ReadonlySet<TaskId>
  /** The sink whose commit is the commit point, if there is one. */
  readonly authoritative: string | undefined
  /** Sinks that commit when the manifest stands. */
  readonly repeatable: ReadonlySet<string>
  readonly epochsInFlight: number
}

/**
 * How far an epoch is. Micro-batch triggers decide, then run; the continuous trigger runs, then
 * decides when all sources have cut. `publishing` to `noting` happen to one epoch at a time.
 */
export type Stage =
  | 'deciding'
  | 'running'
  | 'publishing'
  | 'authoritative'
  | 'committing'
  | 'noting'

/** One epoch under way. */
export interface EpochRun {
  readonly header: EpochHeader
  readonly stage: Stage
  /** The decision is durable. */
  readonly decided: boolean
  readonly passed: ReadonlySet<TaskId>
  readonly acked: ReadonlySet<TaskId>
  readonly uncommitted: ReadonlySet<string>
  readonly snapshotId: string | undefined
}

export interface ProtocolState {
  readonly parties: ProtocolParties
  /** Newest epoch that was begun. */
  readonly last: Epoch
  /** Epochs under way, oldest first. */
  readonly runs: readonly EpochRun[]
  /** Headers that an earlier attempt decided; they run first, in order and unchanged. */
  readonly replay: readonly EpochHeader[]
  readonly mode: 'running' | 'stopping' | 'ended'
}

/** What happened. */
export type ProtocolEvent =
  /** Begin the next epoch: the next replayed header if there is one, else this. */
  | { readonly type: 'begin'; readonly header: EpochHeader }
  /** Continuous trigger: all sources have cut, so the ranges are known. */
  | { readonly type: 'cut'; readonly header: EpochHeader }
  | { readonly type: 'decided'; readonly epoch: Epoch }
  | { readonly type: 'passed'; readonly epoch: Epoch; readonly task: TaskId }
  | { readonly type: 'ack'; readonly epoch: Epoch; readonly task: TaskId }
  | { readonly type: 'published'; readonly epoch: Epoch; readonly snapshotId: string }
  | { readonly type: 'sinkCommitted'; readonly epoch: Epoch; readonly sink: string }
  | { readonly type: 'noted'; readonly epoch: Epoch }
  | { readonly type: 'timeout'; readonly epoch: Epoch }
  /** Begin nothing new, finish what is under way. */
  | { readonly type: 'stop' }

/** What to do about it. The coordinator carries these out in order; this file never does. */
export type ProtocolCommand =
  /** Write the decision to the log, and say `decided` when it is durable. */
  | { readonly type: 'decide'; readonly header: EpochHeader }
  /** Send the header to the sources. */
  | { readonly type: 'open'; readonly header: EpochHeader }
  /** Tell the sinks that they may prepare. */
  | { readonly type: 'allow'; readonly epoch: Epoch }
  /** Start the clock of the epoch, or start it again: it has to get to its next stage in time. */
  | { readonly type: 'watch'; readonly epoch: Epoch }
  | { readonly type: 'publish'; readonly epoch: Epoch }
  /** Tell the tasks that the manifest stands. */
  | { readonly type: 'announce'; readonly epoch: Epoch; readonly snapshotId: string }
  | { readonly type: 'commit'; readonly epoch: Epoch; readonly sinks: readonly string[] }
  | { readonly type: 'note'; readonly epoch: Epoch; readonly snapshotId: string }
  /** The epoch is over: clean up behind it and tell the listeners. */
  | { readonly type: 'release'; readonly epoch: Epoch }
  /** Too many tasks have not answered for too long; the attempt is over. */
  | {
      readonly type: 'expire'
      readonly epoch: Epoch
      readonly stage: Stage
      readonly missing: readonly TaskId[]
    }
  /** A stop was asked for and nothing is under way any more. */
  | { readonly type: 'finished' }

export interface ProtocolStep {
  readonly state: ProtocolState
  readonly commands: readonly ProtocolCommand[]
}

/** The state of an attempt that stands on the checkpoint of `last`. */
export function startProtocol(
  parties: ProtocolParties,
  last: Epoch,
  replay: readonly EpochHeader[],
): ProtocolState {
  return { parties, last, runs: [], replay, mode: 'running' }
}

/** True when the next epoch may begin: there is room, and the sources wait for a header. */
export function mayBegin(state: ProtocolState): boolean {
  if (state.mode !== 'running') return false
  const { parties, runs } = state
  const unpublished = runs.filter((run) => run.snapshotId === undefined).length
  return unpublished < parties.epochsInFlight && sourcesWait(state)
}

/** True when every source has passed the last epoch and its ranges are decided or about to be. */
function sourcesWait({ parties, runs }: ProtocolState): boolean {
  const newest = runs.at(-1)
  if (newest === undefined) return true
  return newest.header.ranges !== undefined && includesAll(newest.passed, parties.sources)
}

/**
 * The epochs of which nothing may be left in a sink if the attempt ended now: their manifest was
 * not even asked for. An epoch that is being published may stand, so it is not among them.
 */
export function firstAbortable(state: ProtocolState): Epoch {
  const run = state.runs.find(({ stage }) => stage === 'deciding' || stage === 'running')
  return run?.header.epoch ?? nextEpoch(state.last)
}

/**
 * The whole protocol. Pure: same state and event, same step. What is late or twice changes nothing.
 * A failure is no event: it ends the attempt, and the next one starts from the log.
 */
export function step(state: ProtocolState, event: ProtocolEvent): ProtocolStep {
  if (state.mode === 'ended') return stay(state)
  switch (event.type) {
    case 'begin':
      return begin(state, event.header)
    case 'cut':
      return onRun(state, event.header.epoch, (run) =>
        run.stage === 'running' && run.header.ranges === undefined
          ? [{ ...run, header: event.header }, [{ type: 'decide', header: event.header }]]
          : [run, []],
      )
    case 'decided':
      return onRun(state, event.epoch, decided)
    case 'passed':
      return onRun(state, event.epoch, (run) => passed(state.parties, run, event.task))
    case 'ack':
      return onRun(state, event.epoch, (run) => [
        { ...run, acked: new Set(run.acked).add(event.task) },
        [],
      ])
    case 'published':
      return onRun(state, event.epoch, (run) => published(state.parties, run, event.snapshotId))
    case 'sinkCommitted':
      return onRun(state, event.epoch, (run) => sinkCommitted(state.parties, run, event.sink))
    case 'noted': {
      const [oldest, ...others] = state.runs
      if (oldest?.header.epoch !== event.epoch || oldest.stage !== 'noting') return stay(state)
      return settle({ ...state, runs: others }, [{ type: 'release', epoch: event.epoch }])
    }
    case 'timeout':
      return expire(state, event.epoch)
    case 'stop':
      return state.mode === 'running' ? settle({ ...state, mode: 'stopping' }, []) : stay(state)
    default:
      return unreachable(event)
  }
}

function begin(state: ProtocolState, planned: EpochHeader): ProtocolStep {
  if (!mayBegin(state)) return stay(state)
  const [replayed, ...replay] = state.replay
  const header = replayed ?? planned
  if (header.epoch !== nextEpoch(state.last)) {
    throw new StreamError('INTERNAL', { what: `epoch ${header.epoch} begun after ${state.last}` })
  }
  const decidesFirst = replayed === undefined && header.ranges !== undefined
  const run: EpochRun = {
    header,
    stage: decidesFirst ? 'deciding' : 'running',
    decided: replayed !== undefined,
    passed: new Set(),
    acked: new Set(),
    uncommitted: new Set(),
    snapshotId: undefined,
  }
  return {
    state: { ...state, last: header.epoch, replay, runs: [...state.runs, run] },
    commands: [{ type: decidesFirst ? 'decide' : 'open', header }],
  }
}

type RunStep = readonly [run: EpochRun, commands: readonly ProtocolCommand[]]

function decided(run: EpochRun): RunStep {
  const { header } = run
  if (run.decided || header.ranges === undefined) return [run, []]
  const known: EpochRun = { ...run, decided: true, stage: 'running' }
  return run.stage === 'deciding'
    ? [known, [{ type: 'open', header }]]
    : [known, [{ type: 'allow', epoch: header.epoch }]]
}

function passed(parties: ProtocolParties, run: EpochRun, task: TaskId): RunStep {
  const now: EpochRun = { ...run, passed: new Set(run.passed).add(task) }
  const cut = includesAll(now.passed, parties.sources) && !includesAll(run.passed, parties.sources)
  // From here on no more rows come, so what takes long now is stuck.
  return [now, cut ? [{ type: 'watch', epoch: run.header.epoch }] : []]
}

function published(parties: ProtocolParties, run: EpochRun, snapshotId: string): RunStep {
  if (run.stage !== 'publishing') return [run, []]
  const { epoch } = run.header
  const now: EpochRun = { ...run, snapshotId }
  const announce: ProtocolCommand = { type: 'announce', epoch, snapshotId }
  const { authoritative } = parties
  const [next, commands] =
    authoritative === undefined
      ? commitRepeatable(parties, now)
      : commitTo('authoritative', now, [authoritative])
  return [next, [announce, ...commands]]
}

function sinkCommitted(parties: ProtocolParties, run: EpochRun, sink: string): RunStep {
  if (!run.uncommitted.has(sink)) return [run, []]
  const uncommitted = new Set(run.uncommitted)
  uncommitted.delete(sink)
  const now: EpochRun = { ...run, uncommitted }
  if (uncommitted.size > 0) return [now, []]
  return run.stage === 'authoritative' ? commitRepeatable(parties, now) : noteCommitted(now)
}

function commitRepeatable(parties: ProtocolParties, run: EpochRun): RunStep {
  const sinks = [...parties.repeatable]
  return sinks.length === 0 ? noteCommitted(run) : commitTo('committing', run, sinks)
}

function commitTo(
  stage: 'authoritative' | 'committing',
  run: EpochRun,
  sinks: readonly string[],
): RunStep {
  const { epoch } = run.header
  return [
    { ...run, stage, uncommitted: new Set(sinks) },
    [
      { type: 'watch', epoch },
      { type: 'commit', epoch, sinks },
    ],
  ]
}

function noteCommitted(run: EpochRun): RunStep {
  const { snapshotId } = run
  if (snapshotId === undefined) throw new StreamError('INTERNAL', { what: 'commit before publish' })
  const { epoch } = run.header
  return [
    { ...run, stage: 'noting' },
    [
      { type: 'watch', epoch },
      { type: 'note', epoch, snapshotId },
    ],
  ]
}

/**
 * Publishes what has become ready. Only one epoch is between `publishing` and `noting`: a manifest
 * whose predecessor has uncommitted sinks would make a restart forget those commits.
 */
function settle(state: ProtocolState, commands: readonly ProtocolCommand[]): ProtocolStep {
  const [oldest, ...others] = state.runs
  if (oldest === undefined) {
    if (state.mode !== 'stopping') return { state, commands }
    return { state: { ...state, mode: 'ended' }, commands: [...commands, { type: 'finished' }] }
  }
  const { parties } = state
  const isReady =
    oldest.stage === 'running' &&
    oldest.decided &&
    includesAll(oldest.acked, parties.tasks) &&
    includesAll(oldest.passed, parties.tasks)
  if (!isReady) return { state, commands }
  const { epoch } = oldest.header
  return {
    state: { ...state, runs: [{ ...oldest, stage: 'publishing' }, ...others] },
    commands: [...commands, { type: 'watch', epoch }, { type: 'publish', epoch }],
  }
}

function expire(state: ProtocolState, epoch: Epoch): ProtocolStep {
  const run = state.runs.find((each) => each.header.epoch === epoch)
  if (run === undefined) return stay(state)
  const missing = [...state.parties.tasks].filter((task) => !run.acked.has(task))
  return {
    state: { ...state, mode: 'ended' },
    commands: [{ type: 'expire', epoch, stage: run.stage, missing }],
  }
}

function onRun(
  state: ProtocolState,
  epoch: Epoch,
  change: (run: EpochRun) => RunStep,
): ProtocolStep {
  let commands: readonly ProtocolCommand[] = []
  const runs = state.runs.map((run) => {
    if (run.header.epoch !== epoch) return run
    const [changed, toDo] = change(run)
    commands = toDo
    return changed
  })
  return settle({ ...state, runs }, commands)
}

function includesAll<Item>(set: ReadonlySet<Item>, items: ReadonlySet<Item>): boolean {
  for (const item of items) if (!set.has(item)) return false
  return true
}

function stay(state: ProtocolState): ProtocolStep {
  return { state, commands: [] }
}
