import type { Clock } from '../src/core/clock.ts'
import { StreamError } from '../src/core/error.ts'
import type { Json } from '../src/core/json.ts'
import type { Epoch } from '../src/core/units.ts'
import type { Barrier, EpochHeader, Position } from '../src/flow/message.ts'
import { type EpochReport, mergeReports, type Operator, type Output } from '../src/flow/operator.ts'
import type { FrozenState } from '../state/frozen.ts'
import type { TaskState } from '../state/task-state.ts'
import type { ControlMessage, TaskReport } from './control.ts'
import type { Outbox } from './outbox.ts'
import type { Behaviour, Ref } from './system.ts'
import type { TaskId } from './task-id.ts'

/**
 * What the actors of one task share. A task is up to three actors: one handles batches and may wait
 * for credit, one receives that credit and never waits, and one makes state durable while the first
 * is already in the next epoch.
 */
export interface TaskShell {
  readonly id: TaskId
  readonly clock: Clock
  readonly outbox: Outbox
  readonly coordinator: Ref<TaskReport>
  readonly state: TaskState | undefined
  /** Absent when there is no state. */
  readonly persist: Ref<PersistMessage> | undefined
  /** The task works on this epoch now; a failure is put down to it. */
  enter(epoch: Epoch): void
  /** True once the job is being torn down: handlers stop at the next batch. */
  closed(): boolean
  /** Calls when the teardown begins, to let go of timers and subscriptions. */
  onClose(call: () => void): void
  /** Something failed outside of a handler. */
  fail(cause: unknown): void
}

export interface PersistMessage {
  readonly epoch: Epoch
  readonly frozen: readonly FrozenState[]
  readonly committable?: Json
}

/** Makes frozen state durable, one epoch after the other, and acks. */
export function persistBehaviour(
  id: TaskId,
  state: TaskState,
  coordinator: Ref<TaskReport>,
): Behaviour<PersistMessage> {
  return async ({ epoch, frozen, committable }) => {
    const handle = await state.persist(epoch, frozen)
    coordinator.send({
      type: 'ack',
      task: id,
      epoch,
      handle,
      ...(committable === undefined ? {} : { committable }),
    })
  }
}

/** Receives credit and news of published epochs; never waits. */
export function controlBehaviour(task: TaskShell): Behaviour<ControlMessage> {
  return (message) => {
    if (message.type === 'credit') {
      task.outbox.credit(message.edge, message.target)
      return
    }
    const { state } = task
    if (state === undefined) return
    state.published(message.epoch, message.snapshotId)
    // Not awaited, as credit must keep flowing; a failure still ends the attempt.
    state.settled().then(undefined, task.fail)
  }
}

/** What the first half of a barrier leaves for the second. */
export interface PassedEpoch {
  readonly epoch: Epoch
  readonly frozen: readonly FrozenState[] | undefined
}

/**
 * The barrier at one task, up to where durability begins: the operator emits what closes, the
 * coordinator hears of it at once, the state is frozen, and only then does the barrier go on.
 */
export async function passBarrier(
  task: TaskShell,
  options: {
    /** Absent for sinks. */
    readonly operator?: Operator
    readonly output: Output
    readonly header: EpochHeader
    readonly barrier: Barrier
    readonly rowsIn: number
    readonly rowsOut?: () => number
    /** What there is to say besides the report of the operator. */
    readonly report?: EpochReport
    readonly position?: Position
  },
): Promise<PassedEpoch> {
  const { operator, header, barrier, rowsIn, position } = options
  const { epoch } = header
  const nothing: EpochReport = {}
  const closing = operator?.closeEpoch(header, options.output) ?? nothing
  const closed = closing instanceof Promise ? await closing : closing
  const report = options.report === undefined ? closed : mergeReports([closed, options.report])
  task.coordinator.send({
    type: 'passed',
    task: task.id,
    epoch,
    report,
    rowsIn,
    rowsOut: options.rowsOut?.() ?? task.outbox.takeRowCount(),
    ...(position === undefined ? {} : { position }),
  })
  const frozen = operator?.freeze()
  const sent = task.outbox.broadcast(barrier)
  if (sent !== undefined) await sent
  return { epoch, frozen }
}

/** The second half: makes the frozen state durable without keeping the task from its next epoch, and acks. */
export function persistAndAck(task: TaskShell, passed: PassedEpoch, committable?: Json): void {
  const { epoch, frozen } = passed
  const prepared = committable === undefined ? {} : { committable }
  if (task.persist !== undefined) {
    task.persist.send({ epoch, frozen: frozen ?? [], ...prepared })
    return
  }
  if (frozen !== undefined && frozen.length > 0) {
    throw new StreamError('INTERNAL', { what: `task ${task.id} has state but nowhere to keep it` })
  }
  task.coordinator.send({ type: 'ack', task: task.id, epoch, ...prepared })
}
