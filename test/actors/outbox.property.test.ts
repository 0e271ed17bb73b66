import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Delivery } from '../../actors/control.ts'
import { createCredit } from '../../actors/credit.ts'
import { createOutbox, type OutboxEdge } from '../../actors/outbox.ts'
import { epoch } from '../../src/core/units.ts'
import { byKey, fromBatch, toBatch, whole } from './world.ts'

interface Received {
  readonly edges: OutboxEdge[]
  /** By edge, then target: rows as text, and barriers. */
  readonly arrived: string[][][]
}

/** Edge 0 splits over two targets, edge 1 sends everything to one, edge 2 carries a side output. */
function wiring(batches: number): Received {
  const arrived: string[][][] = []
  const edge = (targets: number, rest: Pick<OutboxEdge, 'partition' | 'side'>): OutboxEdge => {
    const lists: string[][] = []
    arrived.push(lists)
    const channels = Array.from({ length: targets }, (_, target) => {
      const list: string[] = []
      lists.push(list)
      const send = ({ message }: Delivery) => {
        if (message.type === 'barrier') list.push(`barrier ${message.epoch}`)
        if (message.type === 'data') list.push(...fromBatch(message.batch).map(String))
      }
      return { target: { send }, channel: target, credit: createCredit({ batches, bytes: 1e6 }) }
    })
    return { ...rest, channels }
  }
  const edges = [
    edge(2, { partition: byKey(2) }),
    edge(1, { partition: whole }),
    edge(1, { partition: whole, side: 'late' }),
  ]
  return { edges, arrived }
}

const actions = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('emit' as const), keys: fc.array(fc.nat(5), { maxLength: 4 }) }),
    fc.record({ type: fc.constant('side' as const), keys: fc.array(fc.nat(5), { maxLength: 4 }) }),
    fc.constant({ type: 'barrier' as const }),
    fc.record({ type: fc.constant('credit' as const), edge: fc.nat(2), target: fc.nat(1) }),
  ),
  { maxLength: 30 },
)

test('every channel gets its rows and barriers in the order they were sent, however credit comes back', async () => {
  await fc.assert(
    fc.asyncProperty(actions, fc.integer({ min: 1, max: 3 }), async (run, batches) => {
      const { edges, arrived } = wiring(batches)
      const outbox = createOutbox(edges)
      const expected: string[][][] = [[[], []], [[]], [[]]]
      const waits: (Promise<void> | undefined)[] = []
      let barriers = 0
      let serial = 0
      for (const action of run) {
        if (action.type === 'credit') outbox.credit(action.edge, action.target)
        else if (action.type === 'barrier') {
          barriers += 1
          waits.push(outbox.broadcast({ type: 'barrier', epoch: epoch(barriers), final: false }))
          for (const list of expected.flat()) list.push(`barrier ${barriers}`)
        } else {
          const rows = action.keys.map((key) => [key, serial++, 0])
          const isSide = action.type === 'side'
          const batch = toBatch(rows, 3)
          // Not awaited on purpose: an operator that forgets to must not mix up the order.
          waits.push(isSide ? outbox.emitSide('late', batch) : outbox.emit(batch))
          for (const row of rows) {
            if (isSide) expected[2]?.[0]?.push(String(row))
            else {
              expected[0]?.[(row[0] ?? 0) % 2]?.push(String(row))
              expected[1]?.[0]?.push(String(row))
            }
          }
        }
      }
      for (let round = 0; round < 200; round++) {
        for (const [edge, { channels }] of edges.entries()) {
          for (const target of channels.keys()) outbox.credit(edge, target)
        }
        await Promise.resolve()
      }
      await Promise.all(waits)
      expect(arrived).toEqual(expected)
    }),
  )
})

test('without credit a batch waits and the rows behind it too, until credit or the end comes', async () => {
  const { edges, arrived } = wiring(1)
  const outbox = createOutbox(edges)
  expect(outbox.emit(toBatch([[0, 1, 0]], 3))).toBeUndefined()
  const second = outbox.emit(toBatch([[0, 2, 0]], 3))
  const barrier = outbox.broadcast({ type: 'barrier', epoch: epoch(0), final: false })
  await Promise.resolve()
  expect(arrived[0]?.[0]).toEqual(['0,1,0'])
  outbox.close()
  await expect(second).rejects.toThrow('INTERNAL')
  // A barrier never goes where a batch before it did not.
  await expect(barrier).rejects.toThrow('INTERNAL')
  expect(arrived[0]?.[0]).toEqual(['0,1,0'])
})

test('rows are counted once, side outputs not at all', () => {
  const { edges } = wiring(8)
  const outbox = createOutbox(edges)
  outbox.emit(toBatch([[0], [1], [2]], 1))
  outbox.emitSide('late', toBatch([[0]], 1))
  outbox.emitSide('nobody reads this', toBatch([[0]], 1))
  expect(outbox.takeRowCount()).toBe(3)
  expect(outbox.takeRowCount()).toBe(0)
})
