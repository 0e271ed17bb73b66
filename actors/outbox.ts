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

/** The outbox of a task with these edges. */
export function createOutbox(edges: readonly OutboxEdge[]): Outbox {
  let rows = 0
  let closed = false
  let wakeUp: (() => void) | undefined
  // While something waits, whatever is emitted next queues behind it.
  let tail: Promise<void> | undefined

  const creditArrives = (): Promise<void> =>
    new Promise((resolve) => {
      wakeUp = resolve
    })

  const sendWhenPossible = async (channel: OutboxChannel, batch: Batch, bytes: number) => {
    while (!channel.credit.take(bytes)) {
      if (closed) throw new StreamError('INTERNAL', { what: 'a batch was emitted after the stop' })
      await creditArrives()
    }
    deliver(channel, { type: 'data', batch })
  }

  const sendAll = async (parts: readonly Part[], from: number) => {
    for (let index = from; index < parts.length; index++) {
      const part = parts[index]
      if (part !== undefined) await sendWhenPossible(part.channel, part.batch, part.bytes)
    }
  }

  const queue = (work: () => Promise<void>): Promise<void> => {
    const mine: Promise<void> = (tail ?? Promise.resolve()).then(work)
    tail = mine
    const clear = () => {
      if (tail === mine) tail = undefined
    }
    mine.then(clear, clear)
    return mine
  }

  const send = (side: string | undefined, batch: Batch): Wait => {
    const parts = route(edges, side, batch)
    if (tail !== undefined) return queue(() => sendAll(parts, 0))
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]
      if (part === undefined) continue
      if (!part.channel.credit.take(part.bytes)) return queue(() => sendAll(parts, index))
      deliver(part.channel, { type: 'data', batch: part.batch })
    }
    return undefined
  }

  const sendToAll = (message: ChannelMessage): void => {
    for (const edge of edges) {
      for (const channel of edge.channels) deliver(channel, message)
    }
  }

  return {
    emit(batch) {
      rows += liveRows(batch)
      return send(undefined, batch)
    },
    emitSide: (name, batch) => send(name, batch),

    broadcast(message) {
      if (tail !== undefined) return queue(async () => sendToAll(message))
      sendToAll(message)
      return undefined
    },

    credit(edge, target) {
      edges[edge]?.channels[target]?.credit.give()
      wakeUp?.()
      wakeUp = undefined
    },

    takeRowCount() {
      const count = rows
      rows = 0
      return count
    },

    close() {
      closed = true
      wakeUp?.()
      wakeUp = undefined
    },
  }
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
