import type { Clock } from '../src/core/clock.ts'
import type { StreamError } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import { type ProtocolParties, type ProtocolState, startProtocol } from './checkpoint-protocol.ts'
import type { ControlMessage, SinkMessage, SourceMessage, TaskReport } from './control.ts'
import type {
  AskMessage,
  CleanMessage,
  LatestReply,
  LogMessage,
  LogReply,
} from './coordinator-effects.ts'
import { createLedger, type EpochEntry, type EpochLedger } from './epoch-ledger.ts'
import { decodeTime, type TimeRules } from './epoch-time.ts'
import type { Deployment, JobEvent } from './job.ts'
import type { PlanState, Positions } from './planning.ts'
import type { Ref } from './system.ts'
import type { TaskId } from './task-id.ts'
import { firstTrigger } from './trigger.ts'
import { endedSources, type Turns } from './turns.ts'

/** Everything the coordinator hears. */
export type CoordinatorMessage =
  | TaskReport
  | LogReply
  | LatestReply
  /** Something may be possible now: a timer is due, rows have arrived, or the job begins. */
  | { readonly type: 'look' }
  /** Continuous trigger: the interval of this epoch is over. */
  | { readonly type: 'cutDue'; readonly epoch: Epoch }
  | { readonly type: 'timeout'; readonly epoch: Epoch }
  | { readonly type: 'cleaned' }
  | { readonly type: 'stop' }

/** Where the coordinator sends its commands. */
export interface CoordinatorLinks {
  readonly self: Ref<CoordinatorMessage>
  readonly log: Ref<LogMessage>
  readonly ask: Ref<AskMessage>
  readonly clean: Ref<CleanMessage>
  readonly sourceTasks: ReadonlyMap<TaskId, Ref<SourceMessage>>
  /** By sink name. */
  readonly sinks: ReadonlyMap<string, Ref<SinkMessage>>
  readonly controls: ReadonlyMap<TaskId, Ref<ControlMessage>>
}

/** What the coordinator tells the attempt it belongs to. */
export interface CoordinatorOwner {
  readonly clock: Clock
  readonly listener: (event: JobEvent) => void
  readonly finished: () => void
  readonly failed: (error: StreamError, epoch: Epoch) => void
}

/** A question to the sources that was not answered yet. */
export interface Asking {
  readonly atMs: number
  readonly startedAt: number
  readonly wakes: number
  readonly purpose: 'ends' | 'next'
}

/** Everything the coordinator of one attempt knows. Only its own messages change it. */
export interface Coordination {
  readonly deployment: Deployment
  readonly parties: ProtocolParties
  readonly links: CoordinatorLinks
  readonly owner: CoordinatorOwner
  readonly rules: TimeRules
  readonly ledger: EpochLedger
  readonly timers: Map<string, () => void>
  /** Tasks whose report the next header cannot do without. */
  readonly watermarkTasks: ReadonlySet<TaskId>
  readonly sinkNames: ReadonlyMap<TaskId, string>
  readonly sourceNames: ReadonlyMap<TaskId, string>
  protocol: ProtocolState
  planState: PlanState
  /** The entry of `planState.last`, once this attempt has begun an epoch. */
  newest: EpochEntry | undefined
  asking: Asking | undefined
  /** Asking again may give another answer than last time. */
  hasArrived: boolean
  /** The last question found no rows, and the answers of some tasks were missing. */
  waitsForAll: boolean
  stopping: boolean
  wakes: number
  /** Questions in a row that found nothing. */
  polls: number
  saidIdle: boolean
  cleaning: boolean
  cleanNext: Positions | undefined
  /** The last epoch that was held to the quota, published or not, leaves more state than it allows. */
  isOverQuota: boolean
  /** The epoch whose manifest is not asked for because of the quota. */
  refused: Epoch | undefined
}

/** The knowledge of an attempt that has not begun. */
export function startCoordination(
  deployment: Deployment,
  parties: ProtocolParties,
  links: CoordinatorLinks,
  owner: CoordinatorOwner,
): Coordination {
  const { recovered, tasks } = deployment
  const sinkNames = new Map<TaskId, string>()
  const sourceNames = new Map<TaskId, string>()
  const turns: Turns = { after: deployment.settings.readAfter, ends: recovered.ends ?? {} }
  const ended = endedSources(recovered.positions, turns)
  const watermarkTasks = new Set(parties.sources)
  for (const task of tasks) {
    if (task.type === 'sink') sinkNames.set(task.id, task.sinkName)
    if (task.type === 'source') sourceNames.set(task.id, task.sourceName)
    if ((task.watermarkNodes ?? []).length > 0) watermarkTasks.add(task.id)
  }
  return {
    deployment,
    parties,
    links,
    owner,
    rules: timeRules(deployment),
    ledger: createLedger(),
    timers: new Map(),
    watermarkTasks,
    sinkNames,
    sourceNames,
    protocol: startProtocol(parties, recovered.epoch, recovered.decisions),
    planState: {
      last: recovered.epoch,
      positions: recovered.positions,
      time: { ...decodeTime(recovered.time), ended },
      trigger: firstTrigger(owner.clock.now(), recovered.decisions.length),
      ends: undefined,
      turns,
    },
    newest: undefined,
    asking: undefined,
    hasArrived: true,
    waitsForAll: false,
    stopping: false,
    wakes: 0,
    polls: 0,
    saidIdle: false,
    cleaning: false,
    cleanNext: undefined,
    isOverQuota: false,
    refused: undefined,
  }
}

/** True when these tasks have passed the newest epoch, or none was begun yet. */
export function havePassed({ newest }: Coordination, tasks: ReadonlySet<TaskId>): boolean {
  if (newest === undefined) return true
  for (const task of tasks) if (!newest.passed.has(task)) return false
  return true
}

/** Sends the coordinator a message later; a timer of the same name is replaced. */
export function remind(
  { owner, links, timers }: Coordination,
  name: string,
  delayMs: number,
  message: CoordinatorMessage,
): void {
  timers.get(name)?.()
  const fire = () => {
    timers.delete(name)
    links.self.send(message)
  }
  timers.set(name, owner.clock.after(Math.max(0, Math.ceil(delayMs)), fire))
}

/** Cancels a timer, if it is set. */
export function forget({ timers }: Coordination, name: string): void {
  timers.get(name)?.()
  timers.delete(name)
}

function timeRules({ settings, sources }: Deployment): TimeRules {
  const idleTimeoutMicros: Record<string, number> = {}
  for (const { name, idleTimeoutMs } of sources) {
    if (idleTimeoutMs !== undefined) idleTimeoutMicros[name] = idleTimeoutMs * 1000
  }
  return {
    nodes: settings.watermarkNodes,
    policy: settings.watermarkPolicy,
    idleTimeoutMicros,
    after: settings.readAfter,
  }
}
