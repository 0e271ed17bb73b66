import type { Json } from '../src/core/json.ts'
import type { Epoch } from '../src/core/units.ts'
import type { ChannelMessage, EpochHeader, Position } from '../src/flow/message.ts'
import type { EpochReport } from '../src/flow/operator.ts'
import type { TaskStateHandle } from '../state/manifest.ts'
import type { TaskId } from './task-id.ts'

/** What a channel delivers; `channel` is its number at the receiver. */
export interface Delivery {
  readonly type: 'delivery'
  readonly channel: number
  readonly message: ChannelMessage
}

/** To a source task. */
export type SourceMessage =
  | { readonly type: 'open'; readonly header: EpochHeader }
  /** Continuous trigger: end the open epoch where the source stands now. */
  | { readonly type: 'cut'; readonly epoch: Epoch; readonly final: boolean }
  /** To itself: read on. One message per batch, so that other actors get their turn. */
  | { readonly type: 'read'; readonly epoch: Epoch }

/** To a sink task. */
export type SinkMessage =
  | Delivery
  /** Continuous trigger: the decision of the epoch is durable, so `prepare` may follow. */
  | { readonly type: 'decided'; readonly epoch: Epoch }
  | { readonly type: 'commit'; readonly epoch: Epoch; readonly committable: Json }

/** To the half of a task that never waits, so that credit arrives while the other half waits for it. */
export type ControlMessage =
  | {
      readonly type: 'credit'
      readonly edge: number
      readonly target: number
    }
  | { readonly type: 'published'; readonly epoch: Epoch; readonly snapshotId: string }

/** A task has emitted everything of an epoch; sent at its barrier, before anything is durable. */
export interface Passed {
  readonly type: 'passed'
  readonly task: TaskId
  readonly epoch: Epoch
  readonly report: EpochReport
  readonly rowsIn: number
  readonly rowsOut: number
  /** Continuous trigger: where the source task cut. */
  readonly position?: Position
}

/** Everything the task keeps or prepared for the epoch is durable. */
export interface Ack {
  readonly type: 'ack'
  readonly task: TaskId
  readonly epoch: Epoch
  readonly handle?: TaskStateHandle
  readonly committable?: Json
}

/** What tasks tell the coordinator. */
export type TaskReport =
  | Passed
  | Ack
  | { readonly type: 'sinkCommitted'; readonly sink: string; readonly epoch: Epoch }
