import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import {
  type BrokerFault,
  type VirtualBroker,
  virtualBroker,
} from '../../properties/virtual-broker.ts'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { clusterRequests } from '../../src/connectors/kafka/cluster-requests.ts'
import {
  type EpochTransactions,
  epochTransactions,
} from '../../src/connectors/kafka/epoch-transactions.ts'
import { offsetCommitApi } from '../../src/connectors/kafka/protocol/transaction-api.ts'
import {
  type PackedRecords,
  RecordWriter,
} from '../../src/connectors/kafka/records/record-writer.ts'
import type { TransactionRequests } from '../../src/connectors/kafka/transaction-requests.ts'
import type { Clock } from '../../src/core/clock.ts'
import { epochOf } from './contexts.ts'

const out = { topic: 'out', partition: 0 }
const group = 'query.sink.eos'
const marker = { group, ...out }
const places = { prefix: 'query/sink', group, marker: out, slots: 3 }
const here = { step: () => undefined }

/** Time that passes at once. */
const hasty: Clock = {
  ...createSimulatedClock(),
  after(_, call) {
    call()
    return () => undefined
  },
}

/** What one attempt sends. */
function attemptOn(broker: VirtualBroker, clock = hasty): EpochTransactions<PackedRecords> {
  broker.createTopic(out.topic, 1)
  const requests = requestsTo(broker)
  return epochTransactions({ requests, places, clock, retryMs: 1000, transactionTimeoutMs: 60_000 })
}

function requestsTo(broker: VirtualBroker): TransactionRequests<PackedRecords> {
  const cluster = kafkaCluster(broker.transport(here), broker.bootstrap)
  return clusterRequests({ cluster, transactionTimeoutMs: 60_000, requestTimeoutMs: 30_000 })
}

function packed(text: string): { readonly records: PackedRecords; readonly count: number } {
  const writer = new RecordWriter(100)
  const bytes = new TextEncoder().encode(text)
  writer.append(0, undefined, { bytes, start: 0, end: bytes.length })
  return { records: writer.take(), count: 1 }
}

const nameOf = (epoch: number, attempt = 1) => ({
  epoch: epochOf(epoch),
  snapshotId: `${attempt}.${epoch}`,
})

async function started(
  broker: VirtualBroker,
  clock = hasty,
): Promise<EpochTransactions<PackedRecords>> {
  const transactions = attemptOn(broker, clock)
  await transactions.fence()
  await transactions.standOn(nameOf(-1))
  return transactions
}

async function prepared(
  transactions: EpochTransactions<PackedRecords>,
  epoch: number,
): Promise<void> {
  await transactions.write(epochOf(epoch), out, packed(`row ${epoch}`))
  await transactions.prepare(nameOf(epoch))
}

const rowsIn = (broker: VirtualBroker) =>
  broker.committed(out).map(({ value }) => new TextDecoder().decode(value))

test('two epochs in flight are committed one after the other, and the marker follows', async () => {
  const broker = virtualBroker()
  const transactions = await started(broker)
  await prepared(transactions, 0)
  await prepared(transactions, 1)
  broker.settle()
  expect(rowsIn(broker)).toEqual([])
  await transactions.commit(epochOf(0))
  await transactions.commit(epochOf(0))
  broker.settle()
  expect(rowsIn(broker)).toEqual(['row 0'])
  expect(broker.markers(marker).map(({ offset }) => offset)).toEqual([0, 1])
  expect(await attemptOn(broker).fence()).toMatchObject(nameOf(0))
  expect(broker.open()).toEqual([])
  broker.settle()
  expect(rowsIn(broker)).toEqual(['row 0'])
})

test('an epoch is not prepared or committed before the one in front of it', async () => {
  const transactions = await started(virtualBroker())
  await prepared(transactions, 0)
  await prepared(transactions, 1)
  await expect(transactions.commit(epochOf(1))).rejects.toMatchObject({ code: 'INTERNAL' })
  const others = await started(virtualBroker())
  await prepared(others, 1)
  await expect(prepared(others, 0)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('a transaction that took too long is told apart from one that somebody else ended', async () => {
  for (const transactionVersion of [1, 2] as const) {
    for (const [openMs, code] of [
      [60_001, 'KAFKA_TRANSACTION_TIMED_OUT'],
      [59_000, 'KAFKA_TRANSACTION_ENDED'],
    ] as const) {
      const broker = virtualBroker({ transactionVersion })
      let nowMs = 0
      const transactions = await started(broker, { ...hasty, monotonic: () => nowMs })
      await transactions.write(epochOf(0), out, packed('row 0'))
      nowMs += openMs
      broker.timeOut()
      await expect(transactions.prepare(nameOf(0))).rejects.toMatchObject({ code })
      expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
      broker.settle()
      expect(rowsIn(broker)).toEqual([])
    }
  }
})

test('an aborted epoch leaves no transaction open and is never seen', async () => {
  const broker = virtualBroker()
  const transactions = await started(broker)
  await prepared(transactions, 0)
  await prepared(transactions, 1)
  await transactions.abort(epochOf(1))
  await transactions.commit(epochOf(0))
  broker.settle()
  expect(broker.open()).toEqual([])
  expect(rowsIn(broker)).toEqual(['row 0'])
})

test('after a word that was lost on the way the attempt is over, and the next one hears what stands', async () => {
  for (const fault of ['lost request', 'lost reply', 'late'] as const) {
    const broker = struck('TxnOffsetCommit query/sink', fault, 1)
    const transactions = await started(broker)
    await expect(prepared(transactions, 0)).rejects.toMatchObject({
      code: 'KAFKA_TRANSACTION_ENDED',
    })
    await expect(transactions.commit(epochOf(0))).rejects.toThrow('an earlier request')
    const next = attemptOn(broker)
    expect(await next.fence()).toMatchObject(nameOf(-1))
    broker.settle()
    expect(rowsIn(broker)).toEqual([])
  }
})

test('the word of an attempt is set in spite of lost answers', async () => {
  for (const fault of ['lost request', 'lost reply', 'late', 'bounce'] as const) {
    for (const name of ['AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn commit', 'OffsetFetch']) {
      const broker = struck(name, fault, 0)
      const transactions = await started(broker)
      expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
      await expect(prepared(transactions, 0)).rejects.toThrow('code')
    }
  }
})

test('a commit whose answer is lost is asked for again and counts once', async () => {
  for (const fault of ['lost request', 'lost reply', 'late', 'bounce'] as const) {
    const broker = struck('EndTxn commit', fault, 1)
    const transactions = await started(broker)
    for (const epoch of [0, 1, 2, 3]) {
      await prepared(transactions, epoch)
      await transactions.commit(epochOf(epoch))
    }
    broker.settle()
    expect(rowsIn(broker)).toEqual(['row 0', 'row 1', 'row 2', 'row 3'])
    expect(broker.open()).toEqual([])
  }
})

test('a transaction that took too long is not taken for committed', async () => {
  const broker = struck('EndTxn commit', 'timeout', 1)
  const transactions = await started(broker)
  await prepared(transactions, 0)
  await expect(transactions.commit(epochOf(0))).rejects.toMatchObject({
    code: 'KAFKA_TRANSACTION_ENDED',
  })
  expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
})

test('what somebody else has committed as the marker is refused', async () => {
  const broker = virtualBroker()
  broker.createTopic(out.topic, 1)
  const partitions = [{ partition: 0, offset: 3, leaderEpoch: -1, metadata: 'from a console' }]
  await kafkaCluster(broker.transport(here), broker.bootstrap).ask(1, offsetCommitApi, {
    group,
    topics: [{ topic: out.topic, partitions }],
  })
  await expect(attemptOn(broker).fence()).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
})

test('a coordinator that is away is asked again, and its silence is not taken for no marker', async () => {
  const broker = struck('OffsetFetch', 'bounce', 1)
  await started(broker)
  expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
})

/** A broker where the fault strikes one of the requests of a name, counted from 0. */
function struck(
  name: string,
  fault: BrokerFault,
  which: number,
  transactionVersion: 1 | 2 = 1,
): VirtualBroker {
  let seen = 0
  return virtualBroker({
    transactionVersion,
    fault: (_, asked) => (asked.startsWith(name) && seen++ === which ? fault : undefined),
  })
}
