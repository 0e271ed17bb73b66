import type { Batch } from '../src/batch/batch.ts'
import type { Clock } from '../src/core/clock.ts'
import type { Json } from '../src/core/json.ts'
import type { Random } from '../src/core/random.ts'
import type { Epoch } from '../src/core/units.ts'
import type { ReadLimit, Sink, Slice, Source } from '../src/flow/connector.ts'
import type { EpochHeader, Position } from '../src/flow/message.ts'
import type { EpochReport, Operator } from '../src/flow/operator.ts'
import type { TaskStateHandle } from '../state/manifest.ts'
import type { TaskState } from '../state/task-state.ts'
import type { QuotaExcess, StateQuota } from './state-quota.ts'
import type { ActorFailure, ActorSystem } from './system.ts'
import type { TaskId } from './task-id.ts'
import type { Trigger } from './trigger.ts'
import type { SourceTurn } from './turns.ts'

/** Splits a batch over the targets of an edge: part i goes to target i, `undefined` sends nothing. */
export type Partition = (batch: Batch) => readonly (Batch | undefined)[]

/** From one task to all tasks of the next stage. The order of `targets` is the order of the parts. */
export interface EdgeSpec {
  /** Carries this side output; absent, it carries what the operator emits. */
  readonly side?: string
  readonly targets: readonly TaskId[]
  /** Which input of the target's operator the batches are for. */
  readonly input: number
  readonly partition: Partition
}

interface TaskBase {
  readonly id: TaskId
  /** The state service of the task; absent when its operator keeps no state. */
  readonly state?: TaskState
  readonly edges: readonly EdgeSpec[]
  /** Watermark nodes in this task's operator: the next header waits for their reports. */
  readonly watermarkNodes?: readonly string[]
}

/** Reads one slice of a source and runs the first stage on it. */
export interface SourceTaskSpec extends TaskBase {
  readonly type: 'source'
  readonly sourceName: string
  readonly source: Source
  /** Under the continuous trigger one task reads the whole source. */
  readonly slice: Slice
  /** Rows are given their place in the epoch (`Batch.order`). */
  readonly ordered?: boolean
  readonly operator: Operator
}

/** Runs one stage between two exchanges. Its inputs are the edges that name it as a target. */
export interface OperatorTaskSpec extends TaskBase {
  readonly type: 'operator'
  readonly operator: Operator
}

/** Writes to one sink, which is open already; a last stage may run in front of it. */
export interface SinkTaskSpec extends TaskBase {
  readonly type: 'sink'
  /** The name in the manifest's committables; unique among the sink tasks. */
  readonly sinkName: string
  readonly sink: Sink
}

export type TaskSpec = SourceTaskSpec | OperatorTaskSpec | SinkTaskSpec

/** A source as the coordinator sees it. */
export interface SourceSpec {
  readonly name: string
  readonly source: Source
  readonly limit: ReadLimit
  /** After this long without rows a source partition no longer holds the watermark back. */
  readonly idleTimeoutMs?: number
}

/** A `withWatermark` of the plan and the sources its rows come from. */
export interface WatermarkNode {
  readonly name: string
  readonly sources: readonly string[]
  /** After this long without rows a partition no longer holds it back; absent = as its sources say. */
  readonly idleTimeoutMicros?: number
}

/** How much may be under way on one channel. One batch may always go, however large. */
export interface CreditLimit {
  readonly batches: number
  readonly bytes: number
}

export interface JobSettings {
  readonly trigger: Trigger
  /** Decided epochs that may lack a manifest at one time. */
  readonly epochsInFlight: number
  /** From the barrier to the last ack, and again for publishing and committing. */
  readonly checkpointTimeoutMs: number
  readonly noDataEpochs: boolean
  /** `once` and `availableNow`: the input ends with this run, so everything left is emitted. */
  readonly flush: boolean
  readonly watermarkPolicy: 'min' | 'max'
  /** Absent = the state may be as large as it gets. */
  readonly stateQuota?: StateQuota
  readonly watermarkNodes: readonly WatermarkNode[]
  /** By source: the sources that are read to their ends before it; see `turns.ts`. */
  readonly readAfter: Readonly<Record<string, readonly string[]>>
  readonly credit: CreditLimit
  /** Continuous trigger: the largest poll. */
  readonly pollRows: number
}

/** What suits most queries; the runtime overrides what the user set. */
export const defaultSettings: JobSettings = {
  trigger: { type: 'default' },
  epochsInFlight: 2,
  checkpointTimeoutMs: 600_000,
  noDataEpochs: true,
  flush: false,
  watermarkPolicy: 'min',
  watermarkNodes: [],
  readAfter: {},
  credit: { batches: 8, bytes: 16 * 1024 * 1024 },
  pollRows: 4096,
}

/** Where an attempt begins: the checkpoint it stands on, and the decided epochs to run again. */
export interface Recovered {
  readonly epoch: Epoch
  /** By source name, after `epoch`. */
  readonly positions: Readonly<Record<string, Position>>
  /** Where the sources end that others wait for, by source name. */
  readonly ends?: Readonly<Record<string, Position>>
  /** `Manifest.time` of that checkpoint; absent at a first start. */
  readonly time?: Json
  /** Decisions newer than `epoch`, in order, without a gap; run again with these very headers. */
  readonly decisions: readonly EpochHeader[]
}

/** Everything of one epoch that its manifest is made from. */
export interface EpochCheckpoint {
  readonly epoch: Epoch
  readonly header: EpochHeader
  /** By source name, after the epoch. */
  readonly positions: Readonly<Record<string, Position>>
  readonly time: Json
  readonly handles: ReadonlyMap<TaskId, TaskStateHandle>
  /** By sink name. */
  readonly committables: Readonly<Record<string, Json>>
}

/** What the coordinator has done for it. Calls come one at a time, each after the last one settled. */
export interface CoordinatorEffects {
  /** Makes the decision durable. In epoch order. */
  decide(header: EpochHeader): Promise<void>
  /** Publishes the manifest of the epoch and returns its snapshotId. In epoch order, after `committed` of the one before was asked for. */
  publish(checkpoint: EpochCheckpoint): Promise<string>
  /** Every sink has committed: notes it in the log, then lets old files go. */
  committed(epoch: Epoch, snapshotId: string): Promise<void>
}

/** One attempt's tasks, built afresh from the newest checkpoint: sinks open, stores restored. */
export interface Deployment {
  readonly tasks: readonly TaskSpec[]
  readonly sources: readonly SourceSpec[]
  readonly recovered: Recovered
  readonly effects: CoordinatorEffects
  readonly settings: JobSettings
  /** Runs what a source, by name, cleans up, or puts it off until its files may go. Absent = at once. */
  readonly cleanUp?: (name: string, work: () => Promise<void>) => Promise<void>
  /** Called before the handlers are waited for: ends what one of them may wait for from outside. */
  ending?(): void
  /** Closes everything of this attempt. Called once, after every handler has returned. */
  close(): Promise<void>
}

/** Figures of one task over one epoch. */
export interface TaskFigures {
  readonly task: TaskId
  /** Rows read by a source task, received by the others. */
  readonly rowsIn: number
  /** Rows emitted to the next stages; to the sink for a sink task. */
  readonly rowsOut: number
}

/** A finished epoch, for the progress of the query. */
export interface EpochProgress {
  readonly epoch: Epoch
  readonly header: EpochHeader
  readonly snapshotId: string
  /** When planning of the epoch began, milliseconds since 1970. */
  readonly triggerStartMs: number
  /** When its last sink had committed. */
  readonly committedMs: number
  /** Under Spark's keys: latestOffset, walCommit, queryPlanning, addBatch, commitOffsets, triggerExecution; and commitBatch. */
  readonly durationMs: Readonly<Record<string, number>>
  /** All tasks merged. */
  readonly report: EpochReport
  readonly tasks: readonly TaskFigures[]
  /** By source name. */
  readonly rowsBySource: Readonly<Record<string, number>>
  readonly ranges: Readonly<Record<string, { readonly from: Position; readonly to: Position }>>
  /** As of the decision; absent for replayed epochs. */
  readonly latest?: Readonly<Record<string, Position>>
  /** By source name, when some sources are read after others. */
  readonly turns?: Readonly<Record<string, SourceTurn>>
  /** True when the decision was made by an earlier attempt. */
  readonly replayed: boolean
  /** The watermark after the epoch, microseconds. */
  readonly watermark: number
}

/** What a job tells about itself. A listener must not throw and returns at once. */
export type JobEvent =
  | { readonly type: 'started'; readonly attempt: number; readonly recovered: Recovered }
  | { readonly type: 'decided'; readonly header: EpochHeader }
  | { readonly type: 'committed'; readonly progress: EpochProgress }
  /** A trigger found nothing to do and nothing is in flight. Everything that had arrived when it asked is committed. */
  | {
      readonly type: 'idle'
      readonly atMs: number
      readonly nextEpoch: Epoch
      /** Calls of `wake` that came before it asked. */
      readonly wakes: number
    }
  | {
      readonly type: 'status'
      readonly message: string
      readonly isDataAvailable: boolean
      readonly isTriggerActive: boolean
    }
  | { readonly type: 'restarting'; readonly failure: JobFailure; readonly delayMs: number }
  /** The state has become larger than its quota, which only warns; once until it is within it again. */
  | { readonly type: 'overQuota'; readonly epoch: Epoch; readonly excess: QuotaExcess }
  /** Something went wrong that does not endanger the query, such as the clean-up of a source. */
  | { readonly type: 'warning'; readonly what: string; readonly cause: unknown }

/** Why an attempt ended early. */
export interface JobFailure {
  readonly cause: unknown
  /** Which actor it happened in, where known. */
  readonly actor?: string
  /** The epoch it was working on, where known. */
  readonly epoch?: Epoch
}

/** Restarts follow these rules; see `restart-policy.ts`. */
export interface RestartSettings {
  /** Restarts in a row, without an epoch committed between them, before giving up. */
  readonly maxRestarts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** The same epoch failing this often in a row ends the job with `EPOCH_POISONED`. */
  readonly poisonAfter: number
  /** Also restart after errors that are marked as never passing by themselves. */
  readonly retryNever: boolean
  /** Also after a first deployment that failed. Without it whoever starts a job hears at once what is wrong. */
  readonly retryFirst: boolean
}

/** Everything a job needs for its whole life, over all attempts. */
export interface JobSpec {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  /** Makes the actor system of one attempt. */
  readonly system: (report: (failure: ActorFailure) => void) => ActorSystem
  /** Restores and builds. Called for every attempt, the first is 1, after the last attempt was closed. */
  readonly deploy: (attempt: number) => Promise<Deployment>
  readonly restart: RestartSettings
  /** How long a handler may still run after a failure or a forced stop before `STOP_TIMEOUT`. */
  readonly stopTimeoutMs: number
  readonly listener: (event: JobEvent) => void
}

/** A running job. */
export interface JobHandle {
  /** Resolves when the job has ended and everything is closed; rejects with what ended it. */
  readonly done: Promise<void>
  /**
   * Finishes and commits the epochs under way, then ends. One that takes longer than `timeoutMs` is
   * dropped as by `force`: it is decided and runs again at the next start.
   */
  stop(timeoutMs: number): Promise<void>
  /** Ends at once; what is decided and not published runs again at the next start. */
  force(): Promise<void>
  /**
   * Looks for new data now instead of at the next poll, and returns which call of `wake` this was:
   * an `idle` event with at least this number of wakes covers all that had arrived before the call.
   */
  wake(): number
}
