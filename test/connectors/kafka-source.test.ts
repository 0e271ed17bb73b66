import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { kafkaSourceOver } from '../../src/connectors/kafka/source.ts'
import { checkOptions } from '../../src/connectors/registry.ts'
import type { Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { sourceContext } from './contexts.ts'

const whole = { index: 0, count: 1 }

interface Reader {
  readonly source: Source
  readonly clock: ReturnType<typeof createSimulatedClock>
  /** Requests so far, by name. */
  readonly asked: string[]
}

async function readerOf(
  broker: VirtualBroker,
  options: Readonly<Record<string, string>>,
  isStream = true,
): Promise<Reader> {
  const asked: string[] = []
  const factory = kafkaSourceOver(() => broker.transport({ step: (name) => void asked.push(name) }))
  const checked = checkOptions(factory, {
    'kafka.bootstrap.servers': 'virtual:9001',
    startingOffsets: 'earliest',
    ...options,
  })
  const clock = createSimulatedClock()
  const schema = factory.schemaFor(checked, undefined)
  const context = sourceContext(schema, {
    options: checked,
    clock,
    folder: isStream ? 'sources/0' : undefined,
  })
  return { source: await factory.create(context), clock, asked }
}

function send(broker: VirtualBroker, topic: string, partition: number, count: number): void {
  for (let row = 0; row < count; row++) {
    const text = new TextEncoder().encode(`${topic}/${partition} row ${row}`)
    broker.append({ topic, partition }, [text])
  }
}

async function textsOf(source: Source, from: Position, to: Position): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const batch of source.read({ from, to }, whole)) {
    for (const [, value] of rowsOf(batch)) texts.push(new TextDecoder().decode(value as Uint8Array))
  }
  return texts
}

test('the ends of many partitions are asked for with one request to each of their leaders', async () => {
  const broker = virtualBroker({ nodes: 3 })
  broker.createTopic('orders', 12)
  const { source, asked } = await readerOf(broker, { subscribe: 'orders' })
  const from = await source.initial()
  asked.length = 0
  await source.latest(from, {})
  expect(asked.filter((name) => name.includes('ListOffsets'))).toHaveLength(3)
})

test('partitions and topics that are new are read from their first record on', async () => {
  const broker = virtualBroker()
  broker.createTopic('orders-a', 1)
  send(broker, 'orders-a', 0, 2)
  const { source, clock } = await readerOf(broker, {
    subscribePattern: 'orders-.*',
    startingOffsets: 'latest',
  })
  const first = await source.initial()
  broker.createTopic('orders-a', 2)
  broker.createTopic('orders-b', 1)
  broker.createTopic('others', 1)
  send(broker, 'orders-a', 1, 1)
  send(broker, 'orders-b', 0, 1)
  clock.advance(10_000)
  // An epoch takes note of where they begin, and the next one reads them.
  const noted = await source.latest(first, {})
  expect(noted).toMatchObject({ 'orders-a/1': 0, 'orders-b/0': 0 })
  expect(Object.keys(noted).filter((name) => name.includes('/'))).toHaveLength(3)
  const end = await source.latest(noted, {})
  expect(await textsOf(source, first, noted)).toEqual([])
  expect(await textsOf(source, noted, end)).toEqual(['orders-a/1 row 0', 'orders-b/0 row 0'])
})

test('a batch ends where it is told to, and a stream is not told', async () => {
  const broker = virtualBroker()
  broker.createTopic('orders', 2)
  send(broker, 'orders', 0, 4)
  send(broker, 'orders', 1, 4)
  const endingOffsets = '{"orders":{"0":3,"1":-1}}'
  const options = { subscribe: 'orders', endingOffsets }
  await expect(readerOf(broker, options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  const { source } = await readerOf(broker, options, false)
  const from = await source.initial()
  const to = await source.latest(from, {})
  expect(to).toMatchObject({ 'orders/0': 3 })
  expect(to['orders/1']).toBeGreaterThan(7)
  const late = await readerOf(broker, { subscribe: 'orders', endingTimestamp: '99999' }, false)
  expect(await late.source.latest(from, {})).toMatchObject({ 'orders/1': to['orders/1'] })
  const early = await readerOf(broker, { subscribe: 'orders', endingTimestamp: '0' }, false)
  expect(await textsOf(early.source, from, await early.source.latest(from, {}))).toEqual([])
})

test('a topic that is gone ends the query, unless it may', async () => {
  for (const failOnDataLoss of ['true', 'false']) {
    const broker = virtualBroker()
    broker.createTopic('orders-a', 1)
    broker.createTopic('orders-b', 1)
    const options = { subscribePattern: 'orders-.*', failOnDataLoss }
    const { source, clock } = await readerOf(broker, options)
    const from = await source.initial()
    broker.deleteTopic('orders-b')
    clock.advance(10_000)
    const next = source.latest(from, {})
    if (failOnDataLoss === 'false') expect(await next).toEqual(from)
    else await expect(next).rejects.toMatchObject({ code: 'KAFKA_DATA_LOST' })
  }
})

test('a topic that was made anew is another one, however many records it has', async () => {
  for (const failOnDataLoss of ['true', 'false']) {
    const broker = virtualBroker()
    broker.createTopic('orders', 1)
    send(broker, 'orders', 0, 2)
    const { source, clock } = await readerOf(broker, { subscribe: 'orders', failOnDataLoss })
    const from = await source.latest(await source.initial(), {})
    broker.deleteTopic('orders')
    broker.createTopic('orders', 1)
    send(broker, 'orders', 0, 9)
    clock.advance(10_000)
    const next = source.latest(from, { maxRows: 3 })
    if (failOnDataLoss === 'true') {
      await expect(next).rejects.toThrow(/KAFKA_DATA_LOST.*made anew/)
      continue
    }
    const anew = await next
    expect(await textsOf(source, from, anew)).toEqual([])
    const end = await source.latest(anew, {})
    expect(await textsOf(source, anew, end)).toEqual(
      Array.from({ length: 9 }, (_, row) => `orders/0 row ${row}`),
    )
    expect(await source.latest(end, {})).toEqual(end)
  }
})

test('a partition that was cut off is read on from its end, if it may', async () => {
  const broker = virtualBroker()
  broker.createTopic('orders', 1)
  send(broker, 'orders', 0, 2)
  const { source } = await readerOf(broker, { subscribe: 'orders', failOnDataLoss: 'false' })
  const from = { ...(await source.latest(await source.initial(), {})), 'orders/0': 1_000 }
  const cut = await source.latest(from, {})
  expect(cut['orders/0']).toBeLessThan(1_000)
  expect(await textsOf(source, from, cut)).toEqual([])
  send(broker, 'orders', 0, 1)
  expect(await textsOf(source, cut, await source.latest(cut, {}))).toEqual(['orders/0 row 0'])
})

test('rows that are asked for as they come are each given once, from all partitions in turn', async () => {
  const broker = virtualBroker({ nodes: 3 })
  broker.createTopic('orders', 2)
  const textOf = (partition: number, row: number): string => `orders/${partition} row ${row}`
  const arrive = (partition: number, count: number): void => {
    const texts = Array.from({ length: count }, (_, row) => textOf(partition, row))
    broker.append(
      { topic: 'orders', partition },
      texts.map((text) => new TextEncoder().encode(text)),
    )
  }
  arrive(0, 4_500)
  arrive(1, 3)
  const { source, clock } = await readerOf(broker, { subscribe: 'orders' })
  let position = await source.initial()
  const found: string[] = []
  const pollAll = async (): Promise<void> => {
    for (;;) {
      const polled = await source.poll(position, 10_000)
      if (polled === undefined) return
      position = polled.position
      for (const [, value] of rowsOf(polled.batch)) {
        found.push(new TextDecoder().decode(value as Uint8Array))
      }
      // It goes on from positions as they are kept.
      position = JSON.parse(JSON.stringify(position)) as Position
    }
  }
  await pollAll()
  const small = [0, 1, 2].map((row) => textOf(1, row))
  const large = Array.from({ length: 4_500 }, (_, row) => textOf(0, row))
  expect(found.toSorted()).toEqual([...small, ...large].toSorted())
  expect(found.indexOf(textOf(1, 0))).toBeLessThan(4_499)
  broker.createTopic('orders', 3)
  arrive(2, 2)
  clock.advance(10_000)
  found.length = 0
  await pollAll()
  expect(found).toEqual([textOf(2, 0), textOf(2, 1)])
})

test('the progress tells how far behind the newest records an epoch ends', async () => {
  const broker = virtualBroker()
  broker.createTopic('orders', 2)
  send(broker, 'orders', 0, 4)
  const { source } = await readerOf(broker, { subscribe: 'orders' })
  const from = await source.initial()
  expect(source.metrics?.()).toEqual({ rowsLost: '0' })
  const all = await source.latest(from, {})
  expect(source.metrics?.()).toMatchObject({
    minOffsetsBehindLatest: '0',
    maxOffsetsBehindLatest: '0',
    avgOffsetsBehindLatest: '0',
  })
  const end = all['orders/0'] as number
  await source.latest(from, { maxRows: 6 })
  expect(source.metrics?.()).toMatchObject({
    minOffsetsBehindLatest: '0',
    maxOffsetsBehindLatest: String(end - 6),
    avgOffsetsBehindLatest: String((end - 6) / 2),
  })
})
