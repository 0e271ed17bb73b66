import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createInbox } from '../../actors/inbox.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { ChannelMessage } from '../../src/flow/message.ts'
import { fromBatch, toBatch } from './world.ts'

const epochs = 4

/** What one channel carries: per epoch a header, batches that say epoch and channel, a barrier. */
function channelMessages(channel: number, batches: readonly number[]): ChannelMessage[] {
  return batches.flatMap((count, number): ChannelMessage[] => {
    const header = {
      epoch: epoch(number),
      lateWatermark: micros(0),
      evictWatermark: micros(0),
      processingTime: micros(0),
      idle: [],
    }
    const data = Array.from({ length: count }, (_, index) => ({
      type: 'data' as const,
      batch: toBatch([[number, channel, index]], 3),
    }))
    const barrier = { type: 'barrier' as const, epoch: epoch(number), final: false }
    return [{ type: 'open', header }, ...data, barrier]
  })
}

const lanes = fc.array(fc.array(fc.nat(3), { minLength: epochs, maxLength: epochs }), {
  minLength: 1,
  maxLength: 4,
})

test('whatever the interleaving of channels, epochs come whole, in order, and each channel in its order', () => {
  fc.assert(
    fc.property(lanes, fc.infiniteStream(fc.nat()), (counts, choices) => {
      const inbox = createInbox(counts.length)
      const rest = counts.map((batches, channel) => channelMessages(channel, batches))
      const seen: string[] = []
      const drain = () => {
        for (let item = inbox.next(); item !== undefined; item = inbox.next()) {
          if (item.type === 'open') seen.push(`open ${item.header.epoch}`)
          if (item.type === 'aligned') seen.push(`aligned ${item.barrier.epoch}`)
          if (item.type === 'data') {
            const [row = []] = fromBatch(item.batch)
            expect(row[1]).toBe(item.channel)
            seen.push(row.join('.'))
          }
        }
      }
      while (rest.some((messages) => messages.length > 0)) {
        const open = rest.flatMap((messages, channel) => (messages.length > 0 ? [channel] : []))
        const channel = open[(choices.next().value ?? 0) % open.length] ?? 0
        const message = rest[channel]?.shift()
        if (message !== undefined) inbox.receive(channel, message)
        drain()
      }
      check(counts, seen)
    }),
  )
})

function check(counts: readonly (readonly number[])[], seen: readonly string[]): void {
  let from = 0
  for (let number = 0; number < epochs; number++) {
    const to = seen.indexOf(`aligned ${number}`)
    expect(seen[from]).toBe(`open ${number}`)
    const rows = seen.slice(from + 1, to)
    const expected = counts.map((batches, channel) =>
      Array.from({ length: batches[number] ?? 0 }, (_, index) => `${number}.${channel}.${index}`),
    )
    expect([...rows].sort()).toEqual(expected.flat().sort())
    expected.forEach((own, channel) => {
      expect(rows.filter((row) => row.startsWith(`${number}.${channel}.`))).toEqual(own)
    })
    from = to + 1
  }
  expect(from).toBe(seen.length)
}

test('a batch outside of an epoch breaks a promise of the sender', () => {
  const inbox = createInbox(1)
  inbox.receive(0, { type: 'data', batch: toBatch([[1]], 1) })
  expect(() => inbox.next()).toThrow('INTERNAL')
})
