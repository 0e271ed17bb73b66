import { type Batch, liveRows } from '../src/batch/batch.ts'
import { reasonOf, StreamError, unreachable } from '../src/core/error.ts'
import type { Json } from '../src/core/json.ts'
import { type Epoch, initialEpoch } from '../src/core/units.ts'
import type { Sink } from '../src/flow/connector.ts'
import { deadSide } from '../src/flow/dead-letters.ts'
import type { Barrier, EpochHeader } from '../src/flow/message.ts'
import type { EpochReport, Output } from '../src/flow/operator.ts'
import type { SinkMessage } from './control.ts'
import { createInbox, type Inbox, type InboxItem } from './inbox.ts'
import { channelAt, giveCredit, type InputChannel } from './operator-actor.ts'
import type { Behaviour } from './system.ts'
import { type PassedEpoch, passBarrier, persistAndAck, type TaskShell } from './task.ts'

/** A sink task at work. */
interface SinkTask {
  readonly task: TaskShell
  readonly name: string
  readonly sink: Sink
  readonly inputs: readonly InputChannel[]
  readonly inbox: Inbox
  readonly output: SinkOutput
  open: EpochHeader | undefined
  rowsIn: number
  newestDecided: Epoch
  /** An epoch that waits for its decision; until then nothing of the next one is taken in. */
  undecided: { readonly passed: PassedEpoch; readonly header: EpochHeader } | undefined
}

/**
 * Drives one sink: writes during the epoch, prepares at the barrier, commits when the coordinator
 * says so. A sink gets one call at a time.
 *
 * Sinks of the kinds `bestEffort` and `immediate` have no second phase: for them `commit` follows
 * `prepare` at once. Nothing but an immediate sink is told to prepare before the decision of its
 * epoch is durable; until then it takes in nothing of the next epoch.
 */
export function sinkBehaviour(
  task: TaskShell,
  spec: {
    readonly name: string
    readonly sink: Sink
    readonly inputs: readonly InputChannel[]
  },
): Behaviour<SinkMessage> {
  const own: SinkTask = {
    ...spec,
    task,
    inbox: createInbox(spec.inputs.length),
    output: sinkOutput(task, spec.sink, () => openHeader(own).epoch),
    open: undefined,
    rowsIn: 0,
    newestDecided: initialEpoch,
    undecided: undefined,
  }
  return async (message) => {
    switch (message.type) {
      case 'delivery':
        own.inbox.receive(message.channel, message.message)
        return drain(own)
      case 'decided':
        return decided(own, message.epoch)
      case 'commit':
        await commit(own, message.epoch, message.committable)
        return task.coordinator.send({
          type: 'sinkCommitted',
          sink: own.name,
          epoch: message.epoch,
        })
      default:
        return unreachable(message)
    }
  }
}

async function drain(own: SinkTask): Promise<void> {
  const { task } = own
  let batches = 0
  while (own.undecided === undefined && !task.closed()) {
    const item = own.inbox.next()
    if (item === undefined) return
    // A channel that was held may deliver many batches at once: the host gets its turn between them.
    if (item.type === 'data' && ++batches > 1) await task.clock.yield()
    await handle(own, item)
  }
}

async function handle(own: SinkTask, item: InboxItem): Promise<void> {
  const { task, output } = own
  switch (item.type) {
    case 'open':
      own.open = item.header
      task.enter(item.header.epoch)
      return await task.outbox.broadcast({ type: 'open', header: item.header })
    case 'data': {
      const channel = channelAt(own.inputs, item.channel)
      own.rowsIn += liveRows(item.batch)
      await output.emit(item.batch)
      return giveCredit(channel)
    }
    case 'aligned':
      return close(own, item.barrier)
    default:
      return unreachable(item)
  }
}

async function close(own: SinkTask, barrier: Barrier): Promise<void> {
  const { task, output, sink, rowsIn } = own
  const header = openHeader(own)
  const rowsOut = output.takeRowCount
  const report = output.takeReport()
  const passed = await passBarrier(task, {
    output,
    header,
    barrier,
    rowsIn,
    rowsOut,
    ...(report === undefined ? {} : { report }),
  })
  own.rowsIn = 0
  // The coordinator may know that all sources have cut before their barriers are here.
  const isDecided = header.ranges !== undefined || header.epoch <= own.newestDecided
  if (isDecided || sink.kind === 'immediate') return prepare(own, passed, header)
  own.undecided = { passed, header }
}

async function decided(own: SinkTask, epoch: Epoch): Promise<void> {
  own.newestDecided = epoch
  if (own.undecided?.header.epoch !== epoch) return
  const { passed, header } = own.undecided
  own.undecided = undefined
  await prepare(own, passed, header)
  return drain(own)
}

async function prepare(own: SinkTask, passed: PassedEpoch, header: EpochHeader): Promise<void> {
  const { sink, task } = own
  const committable = await sink.prepare(passed.epoch, header.processingTime)
  if (hasNoSecondPhase(sink)) await commit(own, passed.epoch, committable)
  persistAndAck(task, passed, committable)
}

function openHeader({ open, name }: SinkTask): EpochHeader {
  if (open !== undefined) return open
  throw new StreamError('INTERNAL', { what: `sink ${name}: rows before a header` })
}

/** True for sinks whose `commit` the coordinator never orders. */
export function hasNoSecondPhase(sink: Sink): boolean {
  return sink.kind === 'bestEffort' || sink.kind === 'immediate'
}

async function commit({ name, sink }: SinkTask, epoch: Epoch, committable: Json): Promise<void> {
  try {
    await sink.commit(epoch, committable)
  } catch (cause) {
    if (cause instanceof StreamError) throw cause
    throw new StreamError(
      'SINK_COMMIT_FAILED',
      { sink: name, epoch, why: reasonOf(cause) },
      { cause },
    )
  }
}

/** Writes to the sink; side outputs go to the edges of the task. */
interface SinkOutput extends Output {
  /** Rows written since this was last asked. */
  readonly takeRowCount: () => number
  /** Rows that the sink could not take since this was last asked; `undefined` when it took all. */
  readonly takeReport: () => EpochReport | undefined
}

function sinkOutput(task: TaskShell, sink: Sink, epoch: () => Epoch): SinkOutput {
  let rows = 0
  let badRows = 0
  const write = async (batch: Batch): Promise<void> => {
    await sink.write(batch, epoch())
    const rejected = sink.takeRejected?.()
    if (rejected === undefined) return
    badRows += liveRows(rejected)
    await task.outbox.emitSide(deadSide, rejected)
  }
  return {
    emit(batch: Batch) {
      if (liveRows(batch) === 0) return undefined
      rows += liveRows(batch)
      return sink.badRows === undefined ? sink.write(batch, epoch()) : write(batch)
    },
    emitSide: (side, batch) => task.outbox.emitSide(side, batch),
    takeReport() {
      if (badRows === 0) return undefined
      const deadLetters = sink.badRows === 'deadLetter' ? badRows : 0
      const name = `sink(${sink.description})`
      const report = {
        progress: { [name]: { rowsIn: 0, badRows: { rows: badRows, deadLetters } } },
      }
      badRows = 0
      return report
    },
    takeRowCount() {
      const count = rows
      rows = 0
      return count
    },
  }
}
