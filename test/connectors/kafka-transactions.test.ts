import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import {
  type BrokerClient,
  type BrokerFault,
  type VirtualBroker,
  virtualBroker,
} from '../../properties/virtual-broker.ts'
import {
  type EpochTransactions,
  epochTransactions,
} from '../../src/connectors/kafka/epoch-transactions.ts'
import {
  kafkaError as code,
  type Producer,
} from '../../src/connectors/kafka/transaction-requests.ts'
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

/** Asks again while the broker is not done with what was before. */
async function answered(request: () => Promise<number>): Promise<number> {
  for (;;) {
    const error = await request()
    if (error !== code.concurrentTransactions) return error
  }
}

async function producerOf(client: BrokerClient, id: string): Promise<Producer> {
  let made: Producer | undefined
  await answered(async () => {
    const { error, producer } = await client.initProducer(id, undefined)
    made = producer
    return error
  })
  if (made === undefined) throw new Error('no producer')
  return made
}

async function stableOffset(client: BrokerClient): Promise<number> {
  for (;;) {
    const { error, offset } = await client.fetchOffset(marker)
    if (error === code.none) return offset
  }
}

/** A producer with an open transaction that holds one record and one marker. */
async function withMarker(client: BrokerClient, id: string, offset: number): Promise<Producer> {
  const producer = await producerOf(client, id)
  expect(await answered(() => client.addPartition(producer, out))).toBe(code.none)
  expect(await client.produce(producer, out, 0, [`row of ${id}`])).toBe(code.none)
  expect(await answered(() => client.addOffsets(producer, group))).toBe(code.none)
  expect(await client.commitOffset(producer, marker, { offset, metadata: '' })).toBe(code.none)
  return producer
}

test('a fenced producer is refused whatever it asks for, with the codes of real brokers', async () => {
  const client = virtualBroker().client(here)
  const old = await withMarker(client, 'a', 1)
  await producerOf(client, 'a')
  expect([
    await client.produce(old, out, 1, ['late']),
    await client.addPartition(old, out),
    await client.addOffsets(old, group),
    await client.commitOffset(old, marker, { offset: 9, metadata: '' }),
    (await client.endTransaction(old, 'commit')).error,
    (await client.endTransaction(old, 'abort')).error,
  ]).toEqual([47, 90, 90, 47, 90, 90])
  expect(await stableOffset(client)).toBe(-1)
})

test('the end of a transaction can be asked for again, but not another one, nor that of an empty one', async () => {
  const client = virtualBroker().client(here)
  const producer = await withMarker(client, 'a', 1)
  const end = (how: 'commit' | 'abort') =>
    answered(async () => (await client.endTransaction(producer, how)).error)
  expect([await end('commit'), await end('commit'), await end('abort')]).toEqual([0, 0, 48])
  const empty = await producerOf(client, 'b')
  expect((await client.endTransaction(empty, 'commit')).error).toBe(48)
})

test('the offset of an open transaction is not stable, and rows and offset come with its end', async () => {
  const broker = virtualBroker()
  const client = broker.client(here)
  const producer = await withMarker(client, 'a', 1)
  for (let times = 0; times < 50; times++) {
    expect((await client.fetchOffset(marker)).error).toBe(code.unstableOffset)
  }
  expect(broker.committed(out)).toEqual([])
  await client.endTransaction(producer, 'commit')
  expect(await stableOffset(client)).toBe(1)
  expect(broker.committed(out).map(({ value }) => value)).toEqual(['row of a'])
})

test('of two markers that one stands that was appended last, whatever was committed last', async () => {
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const client = virtualBroker().client(here)
    const producers = new Map([
      ['b', await withMarker(client, 'b', 2)],
      ['a', await withMarker(client, 'a', 1)],
    ])
    for (const id of order) {
      const producer = producers.get(id)
      if (producer === undefined) throw new Error('no producer')
      await client.endTransaction(producer, 'commit')
    }
    expect(await stableOffset(client)).toBe(1)
  }
})

test('an offset outside of a transaction makes the one inside be passed over', async () => {
  const client = virtualBroker().client(here)
  const producer = await withMarker(client, 'a', 2)
  await client.commitPlainOffset(marker, { offset: 1, metadata: 'keep-alive' })
  await client.endTransaction(producer, 'commit')
  expect(await stableOffset(client)).toBe(1)
})

/** What one attempt sends; `fault` strikes the request of that name, `times` times. */
function attemptOn(broker: VirtualBroker): EpochTransactions<readonly unknown[]> {
  return epochTransactions({ requests: broker.client(here), places, clock: hasty, retryMs: 1000 })
}

const nameOf = (epoch: number, attempt = 1) => ({
  epoch: epochOf(epoch),
  snapshotId: `${attempt}.${epoch}`,
})

async function started(broker: VirtualBroker): Promise<EpochTransactions<readonly unknown[]>> {
  const transactions = attemptOn(broker)
  await transactions.fence()
  await transactions.standOn(nameOf(-1))
  return transactions
}

async function prepared(
  transactions: EpochTransactions<readonly unknown[]>,
  epoch: number,
): Promise<void> {
  await transactions.write(epochOf(epoch), out, { records: [`row ${epoch}`], count: 1 })
  await transactions.prepare(nameOf(epoch))
}

const rowsIn = (broker: VirtualBroker) => broker.committed(out).map(({ value }) => value)

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
    const broker = struck('commit offset', fault, 1)
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
    for (const name of ['add offsets', 'commit offset', 'commit transaction', 'fetch offset']) {
      const broker = struck(name, fault, 0)
      const transactions = await started(broker)
      expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
      await expect(prepared(transactions, 0)).rejects.toThrow('code')
    }
  }
})

test('a commit whose answer is lost is asked for again and counts once', async () => {
  for (const fault of ['lost request', 'lost reply', 'late', 'bounce'] as const) {
    const broker = struck('commit transaction', fault, 1)
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
  const broker = struck('commit transaction', 'timeout', 1)
  const transactions = await started(broker)
  await prepared(transactions, 0)
  await expect(transactions.commit(epochOf(0))).rejects.toMatchObject({
    code: 'KAFKA_TRANSACTION_ENDED',
  })
  expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
})

test('what somebody else has committed as the marker is refused', async () => {
  const broker = virtualBroker()
  await broker.client(here).commitPlainOffset(marker, { offset: 3, metadata: 'from a console' })
  await expect(attemptOn(broker).fence()).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
})

test('a coordinator that is away is asked again, and its silence is not taken for no marker', async () => {
  const broker = struck('fetch offset', 'bounce', 1)
  await started(broker)
  expect(await attemptOn(broker).fence()).toMatchObject(nameOf(-1))
})

/** A broker where the fault strikes one of the requests of a name, counted from 0. */
function struck(name: string, fault: BrokerFault, which: number): VirtualBroker {
  let seen = 0
  return virtualBroker({
    fault: (_, asked) => (asked === name && seen++ === which ? fault : undefined),
  })
}

test('a producer goes on under the epoch that the end of its transaction gives it, from sequence 0', async () => {
  const broker = virtualBroker()
  const client = broker.client(here)
  // As brokers of the second kind of transactions do.
  const endTransaction: BrokerClient['endTransaction'] = async (producer, how) => {
    const ended = await client.endTransaction(producer, how)
    if (ended.error !== code.none) return ended
    broker.settle()
    const { error, producer: next } = await client.initProducer(producer.transactionalId, producer)
    return { error, producer: next ?? producer }
  }
  const transactions = epochTransactions<readonly unknown[]>({
    requests: { ...client, endTransaction },
    places: { ...places, slots: 1 },
    clock: hasty,
    retryMs: 1_000,
  })
  await transactions.fence()
  await transactions.standOn({ epoch: epochOf(-1), snapshotId: 's' })
  for (const epoch of [0, 1, 2].map(epochOf)) {
    await transactions.write(epoch, out, { records: [epoch, `${epoch} too`], count: 2 })
    await transactions.prepare({ epoch, snapshotId: `s${epoch}` })
    await transactions.commit(epoch)
  }
  broker.settle()
  const values = broker.committed(out).map(({ value }) => value)
  expect(values).toEqual([0, '0 too', 1, '1 too', 2, '2 too'])
})
