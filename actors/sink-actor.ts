import { type Batch, liveRows } from '../src/batch/batch.ts'
import { reasonOf, StreamError, unreachable } from '../src/core/error.ts'
import type { Json } from '../src/core/json.ts'
import { type Epoch, initialEpoch } from '../src/core/units.ts'
import type { Sink } from '../src/flow/connector.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import type { Operator, Output } from '../src/flow/operator.ts'
import type { SinkMessage } from './control.ts'
import { createInbox, type InboxItem } from './inbox.ts'
import { channelAt, giveCredit, type InputChannel } from './operator-actor.ts'
import type { Behaviour } from './system.ts'
import { type PassedEpoch, passBarrier, persistAndAck, type TaskShell } from './task.ts'

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
  options: {
    readonly name: string
    readonly sink: Sink
    readonly operator: Operator | undefined
    readonly inputs: readonly InputChannel[]
  },
): Behaviour<SinkMessage> {
  const { name, sink, operator, inputs } = options
  const inbox = createInbox(inputs.length)
  const output = sinkOutput(task, sink, () => openHeader().epoch)
  let open: EpochHeader | undefined
  let rowsIn = 0
  let newestDecided = initialEpoch
  let undecided: { readonly passed: PassedEpoch; readonly header: EpochHeader } | undefined

  const openHeader = (): EpochHeader => {
    if (open !== undefined) return open
    throw new StreamError('INTERNAL', { what: `sink ${name}: rows before a header` })
  }

  const prepare = async (passed: PassedEpoch, header: EpochHeader) => {
    const committable = await sink.prepare(passed.epoch, header.processingTime)
    if (hasNoSecondPhase(sink)) await commit(name, sink, passed.epoch, committable)
    persistAndAck(task, passed, committable)
  }

  const handle = async (item: InboxItem): Promise<void> => {
    switch (item.type) {
      case 'open':
        open = item.header
        task.enter(open.epoch)
        operator?.open(open)
        return await task.outbox.broadcast({ type: 'open', header: open })
      case 'data': {
        const channel = channelAt(inputs, item.channel)
        rowsIn += liveRows(item.batch)
        if (operator === undefined) await output.emit(item.batch)
        else await operator.process(channel.input, item.batch, output)
        return giveCredit(channel)
      }
      case 'aligned': {
        const header = openHeader()
        const { barrier } = item
        const { takeRowCount: rowsOut } = output
        const passed = await passBarrier(task, {
          operator,
          output,
          header,
          barrier,
          rowsIn,
          rowsOut,
        })
        rowsIn = 0
        // The coordinator may know that all sources have cut before their barriers are here.
        const isDecided = header.ranges !== undefined || header.epoch <= newestDecided
        if (isDecided || sink.kind === 'immediate') return prepare(passed, header)
        undecided = { passed, header }
        return
      }
      default:
        return unreachable(item)
    }
  }

  const drain = async () => {
    let batches = 0
    while (undecided === undefined && !task.closed()) {
      const item = inbox.next()
      if (item === undefined) return
      if (item.type === 'data' && ++batches > 1) await task.clock.yield()
      await handle(item)
    }
  }

  return async (message) => {
    switch (message.type) {
      case 'delivery':
        inbox.receive(message.channel, message.message)
        return drain()
      case 'decided': {
        newestDecided = message.epoch
        if (undecided?.header.epoch !== message.epoch) return
        const { passed, header } = undecided
        undecided = undefined
        await prepare(passed, header)
        return drain()
      }
      case 'commit':
        await commit(name, sink, message.epoch, message.committable)
        task.coordinator.send({ type: 'sinkCommitted', sink: name, epoch: message.epoch })
        return
      default:
        return unreachable(message)
    }
  }
}

/** True for sinks whose `commit` the coordinator never orders. */
export function hasNoSecondPhase(sink: Sink): boolean {
  return sink.kind === 'bestEffort' || sink.kind === 'immediate'
}

async function commit(name: string, sink: Sink, epoch: Epoch, committable: Json): Promise<void> {
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

function sinkOutput(
  task: TaskShell,
  sink: Sink,
  epoch: () => Epoch,
): Output & { takeRowCount(): number } {
  let rows = 0
  return {
    emit(batch: Batch) {
      if (liveRows(batch) === 0) return undefined
      rows += liveRows(batch)
      return sink.write(batch, epoch())
    },
    emitSide: (side, batch) => task.outbox.emitSide(side, batch),
    takeRowCount() {
      const count = rows
      rows = 0
      return count
    },
  }
}
