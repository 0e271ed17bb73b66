import type { Batch } from '../src/batch/batch.ts'
import { StreamError, unreachable } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { Barrier, ChannelMessage, EpochHeader } from '../src/flow/message.ts'

/** What a task has to do next. */
export type InboxItem =
  | { readonly type: 'open'; readonly header: EpochHeader }
  | { readonly type: 'data'; readonly channel: number; readonly batch: Batch }
  /** Every channel has delivered this barrier. */
  | { readonly type: 'aligned'; readonly barrier: Barrier }

/**
 * Makes one order out of several channels: the epoch opens with its first header, batches follow as
 * they come, and the epoch closes when all channels have delivered its barrier. A channel that has
 * is held until then, also when it is several epochs ahead.
 */
export interface Inbox {
  receive(channel: number, message: ChannelMessage): void
  /** The next thing to do, or `undefined` until more is received. */
  next(): InboxItem | undefined
}

interface Lane {
  readonly queue: ChannelMessage[]
  /** The epoch this channel has opened, whether or not its barrier came. */
  opened: Epoch | undefined
  held: boolean
}

/** The inbox of a task with this many channels, numbered from 0. */
export function createInbox(channelCount: number): Inbox {
  const lanes: Lane[] = Array.from({ length: channelCount }, () => ({
    queue: [],
    opened: undefined,
    held: false,
  }))
  let current: Epoch | undefined
  let heldCount = 0
  let turn = 0

  const take = (channel: number, lane: Lane, message: ChannelMessage): InboxItem | undefined => {
    switch (message.type) {
      case 'open': {
        const { epoch } = message.header
        lane.opened = epoch
        if (epoch === current) return undefined
        if (current !== undefined) throw disorder(`header ${epoch} while ${current} is open`)
        current = epoch
        return { type: 'open', header: message.header }
      }
      case 'data':
        if (lane.opened === undefined || lane.opened !== current) {
          throw disorder(`a batch on channel ${channel} outside of epoch ${current}`)
        }
        return { type: 'data', channel, batch: message.batch }
      case 'barrier': {
        if (lane.opened !== message.epoch || current !== message.epoch) {
          throw disorder(`barrier ${message.epoch} while ${current} is open`)
        }
        lane.held = true
        heldCount += 1
        if (heldCount < lanes.length) return undefined
        for (const each of lanes) release(each)
        heldCount = 0
        current = undefined
        return { type: 'aligned', barrier: message }
      }
      default:
        return unreachable(message)
    }
  }

  return {
    receive(channel, message) {
      const lane = lanes[channel]
      if (lane === undefined) throw disorder(`channel ${channel} of ${lanes.length}`)
      lane.queue.push(message)
    },

    next() {
      // One full round without a ready channel ends the search; channels take turns.
      for (let idle = 0; idle < lanes.length; ) {
        const channel = turn % lanes.length
        const lane = lanes[channel]
        const message = lane?.held === true ? undefined : lane?.queue.shift()
        if (lane === undefined || message === undefined) {
          idle += 1
          turn = channel + 1
          continue
        }
        const item = take(channel, lane, message)
        if (item !== undefined) return item
        idle = 0
      }
      return undefined
    },
  }
}

function release(lane: Lane): void {
  lane.held = false
  lane.opened = undefined
}

function disorder(what: string): StreamError<'INTERNAL'> {
  return new StreamError('INTERNAL', { what: `channel order: ${what}` })
}
