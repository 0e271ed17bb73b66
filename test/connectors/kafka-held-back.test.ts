import { expect, test } from 'vitest'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { mustBeShown } from '../../src/connectors/kafka/held-back-rows.ts'
import { metadataApi } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { describeProducersApi } from '../../src/connectors/kafka/protocol/transaction-api.ts'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { type Answer, answering, fakeTransport, ordersOn } from './fake-brokers.ts'

/** Time that passes at once. */
function hastyClock(): Clock {
  let nowMs = 0
  return {
    ...systemClock(),
    monotonic: () => nowMs,
    after(delayMs, call) {
      nowMs += delayMs
      void Promise.resolve().then(call)
      return () => undefined
    },
  }
}

const own = [{ transactionalId: 'millrace/q/0', id: 7, epoch: 3 }]

/** A leader whose partition has these producers with an open transaction, at one look after the other. */
function look(openAt: readonly (readonly number[])[], error = 0): Promise<void> {
  let looks = 0
  const described: Answer = answering(describeProducersApi, () => {
    const open = openAt[Math.min(looks++, openAt.length - 1)] ?? []
    const producers = open.map((id) => ({
      id,
      epoch: 3,
      lastSequence: 0,
      lastTimestamp: 0,
      coordinatorEpoch: 0,
      openFrom: 41,
    }))
    const partitions = [{ partition: 0, error, message: undefined, producers }]
    return { throttleMs: 0, topics: [{ topic: 'orders', partitions }] }
  })
  const metadata = answering(metadataApi, () => ordersOn(1))
  const cluster = kafkaCluster(fakeTransport([metadata, described]), [{ host: 'fake', port: 1 }])
  return mustBeShown({ cluster, clock: hastyClock(), patienceMs: 1_000 }, 'orders', own)
}

test('a transaction of ours that stays open in a partition is told, one that ends or is not ours is not', async () => {
  await expect(look([[7]])).rejects.toMatchObject({
    code: 'KAFKA_ROWS_HELD_BACK',
    details: { partition: 'orders/0', offset: 41, transactionalId: 'millrace/q/0' },
  })
  await look([[7], [7], []])
  await look([[8]])
  await look([[]])
})

test('who may not look does not, and the query starts', async () => {
  await look([[7]], 29)
  const cluster = kafkaCluster(fakeTransport([answering(metadataApi, () => ordersOn(1))]), [
    { host: 'fake', port: 1 },
  ])
  await mustBeShown({ cluster, clock: hastyClock(), patienceMs: 1_000 }, 'orders', own)
})
