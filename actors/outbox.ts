import { type Batch, liveRows } from '../src/batch/batch.ts'
import { StreamError } from '../src/core/error.ts'
import type { ChannelMessage } from '../src/flow/message.ts'
import type { Output, Wait } from '../src/flow/operator.ts'
import { batchBytes } from './batch-bytes.ts'
import type { Delivery } from './control.ts'
import type { Credit } from './credit.ts'
import type { Partition } from './job.ts'
import type { Ref } from './system.ts'

/** The sending end of one channel. */
export interface OutboxChannel {
  readonly target: Ref<Delivery>
  /** The number of this channel at the receiver. */
  readonly channel: number
  readonly credit: Credit
}

/** One edge of the graph, as seen by one sending task. */
export interface OutboxEdge {
  readonly side?: string
  readonly partition: Partition
  readonly channels: readonly OutboxChannel[]
}

/**
 * Everything a task sends. Batches go in the order they were emitted and wait for credit; headers
 * and barriers follow them and need none, so a full channel never keeps an epoch from ending.
 */
export interface Outbox extends Output {
  broadcast(message: Exclude<ChannelMessage, { readonly type: 'data' }>): Wait
  /** A receiver has handled a batch. */
  credit(edge: number, target: number): void
  /** Rows sent since this was last asked, side outputs not counted. */
  takeRowCount(): number
  /** Ends every wait with an error, so that no handler outlives its job. */
  close(): void
}

/** Who is waiting, and in which order. */
interface Sending {
  /** While something waits, whatever is emitted next queues behind it. */
  tail: Promise<void> | undefined
  closed: boolean
  wakeUp: () => void
}

/** The outbox of a task with these edges. */
export function createOutbox(edges: readonly OutboxEdge[]): Outbox {
  const sending: Sending = { tail: undefined, closed: false, wakeUp: () => {} }
  let rows = 0
  const sendToAll = (message: ChannelMessage): void => {
    for (const edge of edges) {
      for (const channel of edge.channels) deliver(channel, message)
    }
  }
  return {
    emit(batch) {
      rows += liveRows(batch)
      return send(sending, route(edges, undefined, batch))
    },
    emitSide: (name, batch) => send(sending, route(edges, name, batch)),
    broadcast(message) {
      if (sending.tail !== undefined) return queue(sending, async () => sendToAll(message))
      sendToAll(message)
      return undefined
    },
    credit(edge, target) {
      edges[edge]?.channels[target]?.credit.give()
      sending.wakeUp()
    },
    takeRowCount() {
      const count = rows
      rows = 0
      return count
    },
    close() {
      sending.closed = true
      sending.wakeUp()
    },
  }
}

/** Sends at once what there is credit for; the rest waits in line. */
function send(sending: Sending, parts: readonly Part[]): Wait {
  if (sending.tail !== undefined) return queue(sending, () => sendAll(sending, parts, 0))
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]
    if (part === undefined) continue
    if (!part.channel.credit.take(part.bytes)) {
      return queue(sending, () => sendAll(sending, parts, index))
    }
    deliver(part.channel, { type: 'data', batch: part.batch })
  }
  return undefined
}

async function sendAll(sending: Sending, parts: readonly Part[], from: number): Promise<void> {
  for (const { channel, batch, bytes } of parts.slice(from)) {
    while (!channel.credit.take(bytes)) {
      if (sending.closed) {
        throw new StreamError('INTERNAL', { what: 'a batch was still waiting when the job ended' })
      }
      await new Promise<void>((resolve) => {
        sending.wakeUp = resolve
      })
    }
    deliver(channel, { type: 'data', batch })
  }
}

function queue(sending: Sending, work: () => Promise<void>): Promise<void> {
  const mine = (sending.tail ?? Promise.resolve()).then(work)
  sending.tail = mine
  const clear = () => {
    if (sending.tail === mine) sending.tail = undefined
  }
  mine.then(clear, clear)
  return mine
}

interface Part {
  readonly channel: OutboxChannel
  readonly batch: Batch
  readonly bytes: number
}

function route(edges: readonly OutboxEdge[], side: string | undefined, batch: Batch): Part[] {
  const parts: Part[] = []
  if (liveRows(batch) === 0) return parts
  for (const edge of edges) {
    if (edge.side !== side) continue
    const split = edge.partition(batch)
    for (let target = 0; target < edge.channels.length; target++) {
      const channel = edge.channels[target]
      const part = split[target]
      if (channel === undefined || part === undefined || liveRows(part) === 0) continue
      parts.push({ channel, batch: part, bytes: batchBytes(part) })
    }
  }
  return parts
}

function deliver(channel: OutboxChannel, message: ChannelMessage): void {
  channel.target.send({ type: 'delivery', channel: channel.channel, message })
}
