import { expect, test } from 'vitest'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { clusterRequests } from '../../src/connectors/kafka/cluster-requests.ts'
import { findCoordinatorApi, metadataApi } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { fetchApi, produceApi } from '../../src/connectors/kafka/protocol/data-api.ts'
import { endTxnApi, offsetFetchApi } from '../../src/connectors/kafka/protocol/transaction-api.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { kafkaError } from '../../src/connectors/kafka/transaction-requests.ts'
import { type Answer, answering, fakeTransport, oneBroker, ordersOn } from './fake-brokers.ts'

const bootstrap = [
  { host: 'fake', port: 1 },
  { host: 'fake', port: 2 },
]
const orders = { topic: 'orders', partition: 0 }
const producer = { transactionalId: 'a', id: 7, epoch: 3 }

function clusterOf(answers: readonly Answer[], away?: (port: number) => boolean) {
  const transport = fakeTransport(answers, away === undefined ? {} : { away })
  return { transport, cluster: kafkaCluster(transport, bootstrap) }
}

function requestsOf(answers: readonly Answer[]) {
  const { cluster, transport } = clusterOf(answers)
  const requests = clusterRequests({
    cluster,
    transactionTimeoutMs: 60_000,
    requestTimeoutMs: 30_000,
  })
  return { requests, transport }
}

test('a broker that is away is passed over, and if all are, the first one is named', async () => {
  const { cluster } = clusterOf([answering(metadataApi, (_, port) => ordersOn(port))], (port) => {
    return port === 1
  })
  expect(await cluster.leader(orders)).toEqual({ node: 2, leaderEpoch: 1 })
  const nowhere = clusterOf([], () => true).cluster
  await expect(nowhere.metadata(undefined)).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    details: { address: 'fake:1', step: 'TCP' },
  })
})

test('a leader is looked up once, and again when it is forgotten', async () => {
  let leader = 1
  const { cluster, transport } = clusterOf([answering(metadataApi, () => ordersOn(leader))])
  await cluster.leader(orders)
  leader = 2
  expect(await cluster.leader(orders)).toEqual({ node: 1, leaderEpoch: 1 })
  expect(transport.asked).toHaveLength(1)
  cluster.forgetLeader(orders)
  expect(await cluster.leader(orders)).toEqual({ node: 2, leaderEpoch: 1 })
})

test('an answer that cannot be read is refused with the address, and so is a broker that is too old', async () => {
  const { cluster } = clusterOf([
    ...oneBroker,
    answering(fetchApi, () => Uint8Array.of(1, 2, 3)),
    { ...answering(produceApi, () => new Uint8Array(0)), api: { ...produceApi, versions: [0, 3] } },
  ] as readonly Answer[])
  await cluster.metadata(['orders'])
  const fetch = { maxWaitMs: 0, minBytes: 0, maxBytes: 0, isolation: 0, topics: [] }
  await expect(cluster.ask(1, fetchApi, fetch)).rejects.toMatchObject({
    code: 'KAFKA_ANSWER_INVALID',
    details: { address: 'fake:1', request: 'Fetch' },
  })
  const produce = { transactionalId: undefined, acks: -1, timeoutMs: 1, topics: [] }
  await expect(cluster.ask(1, produceApi, produce)).rejects.toMatchObject({
    code: 'KAFKA_VERSION_UNSUPPORTED',
    details: { request: 'Produce', wanted: '7 to 12', found: '0 to 3' },
  })
})

test('a coordinator that is not ready has no offset, which does not say that there is none', async () => {
  const { requests } = requestsOf([
    ...oneBroker,
    answering(offsetFetchApi, () => ({ throttleMs: 0, topics: [], error: 16 })),
  ])
  const found = await requests.fetchOffset({ group: 'g', ...orders })
  expect(found).toMatchObject({ error: kafkaError.notCoordinator })
})

test('an answer without the partition that was asked for is no answer', async () => {
  const { requests } = requestsOf([
    ...oneBroker,
    answering(offsetFetchApi, () => ({ throttleMs: 0, topics: [], error: 0 })),
  ])
  await expect(requests.fetchOffset({ group: 'g', ...orders })).rejects.toMatchObject({
    code: 'KAFKA_ANSWER_INVALID',
  })
})

test('a coordinator that has moved is looked up again', async () => {
  let error = kafkaError.notCoordinator as number
  const { requests, transport } = requestsOf([
    ...oneBroker,
    answering(endTxnApi, () => ({ throttleMs: 0, error, producerId: -1, producerEpoch: -1 })),
  ])
  const lookups = () => transport.asked.filter((each) => each.startsWith('FindCoordinator')).length
  expect((await requests.endTransaction(producer, 'commit')).error).toBe(16)
  error = 0
  expect(await requests.endTransaction(producer, 'commit')).toEqual({ error: 0, producer })
  expect(lookups()).toBe(2)
  await requests.endTransaction(producer, 'commit')
  expect(lookups()).toBe(2)
})

test('after a transaction of the second kind the producer goes on under another epoch', async () => {
  const { requests } = requestsOf([
    ...oneBroker,
    answering(endTxnApi, () => ({ throttleMs: 0, error: 0, producerId: 7, producerEpoch: 4 })),
  ])
  const ended = await requests.endTransaction(producer, 'commit')
  expect(ended).toEqual({ error: 0, producer: { ...producer, epoch: 4 } })
  // Nothing has to be said of partitions and groups.
  expect(await requests.addPartition(producer, orders)).toBe(0)
  expect(await requests.addOffsets(producer, 'g')).toBe(0)
})

test('while there is no coordinator its code is the answer', async () => {
  const away = answering(findCoordinatorApi, () => ({
    throttleMs: 0,
    error: kafkaError.coordinatorNotAvailable,
    message: 'none',
    node: -1,
    host: '',
    port: -1,
  }))
  const { requests } = requestsOf([away, ...oneBroker])
  expect(await requests.initProducer('a', undefined)).toEqual({ error: 15, producer: undefined })
})

test('records go to the leader of their partition under the sequence that is asked for', async () => {
  let error = kafkaError.notLeader as number
  const sent: unknown[] = []
  const { requests, transport } = requestsOf([
    ...oneBroker,
    answering(produceApi, (request) => {
      sent.push(request.topics[0]?.partitions[0]?.records.length)
      const partitions = [{ partition: 0, error, offset: 0, message: undefined }]
      return { throttleMs: 0, topics: [{ topic: 'orders', partitions }] }
    }),
  ])
  const writer = new RecordWriter(100)
  writer.append(1, undefined, { bytes: Uint8Array.of(1, 2), start: 0, end: 2 })
  const records = writer.take()
  expect(await requests.produce(producer, orders, 0, records)).toBe(6)
  error = 0
  expect(await requests.produce(producer, orders, 0, records)).toBe(0)
  expect(sent).toEqual([records.byteLength, records.byteLength])
  // The leader is looked up anew after it said that it is none.
  expect(transport.asked.filter((each) => each.startsWith('Metadata'))).toHaveLength(2)
})
