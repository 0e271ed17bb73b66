import { type Batch, liveRows } from '../src/batch/batch.ts'
import { StreamError, unreachable } from '../src/core/error.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import type { Operator } from '../src/flow/operator.ts'
import type { ControlMessage, Delivery } from './control.ts'
import { createInbox, type InboxItem } from './inbox.ts'
import type { Behaviour, Ref } from './system.ts'
import { passBarrier, persistAndAck, type TaskShell } from './task.ts'

/** The receiving end of one channel: which input it feeds, and how its sender gets credit back. */
export interface InputChannel {
  readonly input: number
  readonly sender: Ref<ControlMessage>
  readonly edge: number
  readonly target: number
}

/** Gives the sender of a channel its credit back. */
export function giveCredit(channel: InputChannel): void {
  channel.sender.send({ type: 'credit', edge: channel.edge, target: channel.target })
}

/** The channel with this number, which the deployment has made. */
export function channelAt(inputs: readonly InputChannel[], channel: number): InputChannel {
  const found = inputs[channel]
  if (found !== undefined) return found
  throw new StreamError('INTERNAL', { what: `channel ${channel} of ${inputs.length}` })
}

/** Drives one stage between two exchanges. */
export function operatorBehaviour(
  task: TaskShell,
  operator: Operator,
  inputs: readonly InputChannel[],
): Behaviour<Delivery> {
  const inbox = createInbox(inputs.length)
  const { outbox } = task
  let open: EpochHeader | undefined
  let rowsIn = 0
  task.onClose(() => operator.abort?.())

  const process = async (channel: InputChannel, batch: Batch) => {
    rowsIn += liveRows(batch)
    const wait = operator.process(channel.input, batch, outbox)
    if (wait !== undefined) await wait
    giveCredit(channel)
  }

  const handle = async (item: InboxItem): Promise<void> => {
    switch (item.type) {
      case 'open':
        open = item.header
        task.enter(open.epoch)
        operator.open(open)
        return await outbox.broadcast({ type: 'open', header: open })
      case 'data':
        return process(channelAt(inputs, item.channel), item.batch)
      case 'aligned': {
        if (open === undefined) throw new StreamError('INTERNAL', { what: 'barrier before header' })
        const { barrier } = item
        const passed = await passBarrier(task, {
          operator,
          output: outbox,
          header: open,
          barrier,
          rowsIn,
        })
        rowsIn = 0
        return persistAndAck(task, passed)
      }
      default:
        return unreachable(item)
    }
  }

  return async (delivery) => {
    inbox.receive(delivery.channel, delivery.message)
    let batches = 0
    for (let item = inbox.next(); item !== undefined; item = inbox.next()) {
      if (task.closed()) return
      // A channel that was held may deliver many batches at once: the host gets its turn between them.
      if (item.type === 'data' && ++batches > 1) await task.clock.yield()
      await handle(item)
    }
  }
}
