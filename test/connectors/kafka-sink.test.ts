import { expect, test } from 'vitest'
import {
  type BrokerFault,
  type VirtualBroker,
  virtualBroker,
} from '../../properties/virtual-broker.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import type { Value } from '../../src/batch/value.ts'
import { kafkaSinkOver } from '../../src/connectors/kafka/sink.ts'
import { sinkOptions } from '../../src/connectors/kafka/sink-options.ts'
import { kafkaSourceOver } from '../../src/connectors/kafka/source.ts'
import { checkOptions } from '../../src/connectors/registry.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { Sink } from '../../src/flow/connector.ts'
import { epochOf, noTime, sinkContext, sinkStart, sourceContext } from './contexts.ts'

const here = { step: () => undefined }
const toOut = { topic: 'out' }

interface Written {
  readonly broker?: VirtualBroker
  readonly options?: Readonly<Record<string, string>>
  readonly ddl?: string
}

/** A sink that is open, over brokers with a topic `out` of three partitions. */
async function opened({
  broker = virtualBroker(),
  options = toOut,
  ddl = 'value STRING',
}: Written): Promise<{
  readonly sink: Sink
  readonly write: (rows: Value[][], epoch?: number) => Promise<void>
}> {
  broker.createTopic('out', 3)
  const factory = kafkaSinkOver(() => broker.transport(here))
  const schema = parseSchema(ddl)
  const checked = checkOptions(factory, { 'kafka.bootstrap.servers': 'virtual:9001', ...options })
  const context = sinkContext(schema, { options: checked, clock: systemClock() })
  const sink = await factory.create(context)
  const start = sinkStart()
  await sink.fence?.(start)
  await sink.open(start)
  return { sink, write: (rows, epoch = 0) => sink.write(batchOf(schema, rows), epochOf(epoch)) }
}

async function finish(sink: Sink): Promise<void> {
  await sink.commit(epochOf(0), await sink.prepare(epochOf(0), noTime))
  await sink.close()
}

function textsIn(broker: VirtualBroker, topic = 'out'): readonly string[] {
  broker.settle()
  return [0, 1, 2].flatMap((partition) =>
    broker.committed({ topic, partition }).map(({ value }) => new TextDecoder().decode(value)),
  )
}

test('rows that name their topics go there, by the partitions that each has', async () => {
  const broker = virtualBroker()
  broker.createTopic('other', 2)
  const { sink, write } = await opened({
    broker,
    options: { markerTopic: 'out' },
    ddl: 'topic STRING, key STRING, value STRING',
  })
  const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`)
  await write(keys.map((key) => ['other', key, key]))
  await finish(sink)
  broker.settle()
  const found = [0, 1].map((partition) => broker.committed({ topic: 'other', partition }))
  expect(found.flat()).toHaveLength(40)
  for (const part of found) expect(part.length).toBeGreaterThan(5)
})

test('a row for a partition or a topic that is not there ends the epoch with a code', async () => {
  const { write } = await opened({ ddl: 'value STRING, partition INT' })
  await expect(write([['a', 3]])).rejects.toMatchObject({
    code: 'KAFKA_PARTITION_UNKNOWN',
    details: { topic: 'out', partition: 3, count: 3 },
  })
  await expect(write([['a', -1]])).rejects.toMatchObject({ code: 'KAFKA_PARTITION_UNKNOWN' })
  const byRow = await opened({ options: { markerTopic: 'out' }, ddl: 'topic STRING, value STRING' })
  await expect(byRow.write([['nowhere', 'a']])).rejects.toMatchObject({
    code: 'KAFKA_TOPIC_NOT_FOUND',
  })
})

test('no batch is larger than it may be, unless a record is', async () => {
  const sizes: number[] = []
  const broker = virtualBroker({
    fault(_, name) {
      if (name.startsWith('Produce')) sizes.push(0)
      return undefined
    },
  })
  const { sink, write } = await opened({
    broker,
    options: { ...toOut, 'kafka.batch.size': '1000' },
  })
  await write(Array.from({ length: 100 }, (_, at) => ['x'.repeat(at === 50 ? 3_000 : 90)]))
  await finish(sink)
  const texts = textsIn(broker)
  expect(texts).toHaveLength(100)
  // About eight records of a hundred bytes each, and the long one by itself.
  expect(sizes.length).toBeGreaterThan(11)
  expect(sizes.length).toBeLessThan(18)
})

test('at least once: rows are there when the epoch is prepared, once each where answers are lost', async () => {
  for (const fault of ['lost request', 'lost reply', 'bounce'] as const) {
    const broker = struck('Produce', fault, [0, 2, 9])
    const { sink, write } = await opened({
      broker,
      options: { ...toOut, delivery: 'at-least-once', 'kafka.batch.size': '100' },
      ddl: 'value STRING, partition INT',
    })
    expect(sink.kind).toBe('bestEffort')
    const rows = Array.from({ length: 20 }, (_, at) => [`row ${at}`, at % 2])
    await write(rows)
    await sink.prepare(epochOf(0), noTime)
    expect(textsIn(broker).toSorted()).toEqual(rows.map(([text]) => text).toSorted())
    await sink.close()
  }
})

test('where leaders move while rows are sent, every row is there once', async () => {
  for (const delivery of ['exactly-once', 'at-least-once']) {
    let seen = 0
    const broker = virtualBroker({
      nodes: 3,
      fault: (_, name) => (name.startsWith('Produce') && ++seen % 4 === 0 ? 'bounce' : undefined),
    })
    const { sink, write } = await opened({
      broker,
      options: { ...toOut, delivery, 'kafka.batch.size': '100' },
      ddl: 'value STRING, partition INT',
    })
    const rows = Array.from({ length: 30 }, (_, at) => [`row ${at}`, at % 3])
    await write(rows)
    await finish(sink)
    expect(textsIn(broker).toSorted()).toEqual(rows.map(([text]) => text).toSorted())
    expect(seen).toBeGreaterThan(10)
  }
})

test('a leader that has forgotten the producer gets the rows again from a new one', async () => {
  const broker = virtualBroker()
  const { sink, write } = await opened({
    broker,
    options: { ...toOut, delivery: 'at-least-once' },
    ddl: 'value STRING, partition INT',
  })
  await write([['a', 0]])
  await sink.prepare(epochOf(0), noTime)
  broker.forgetProducers()
  await write([['b', 0]], 1)
  await write([['c', 0]], 1)
  await sink.prepare(epochOf(1), noTime)
  expect(textsIn(broker)).toEqual(['a', 'b', 'c'])
})

test('brokers that are away while topics are looked up are asked again', async () => {
  for (const fault of ['lost request', 'lost reply', 'bounce'] as const) {
    const broker = struck('Metadata', fault, [0, 2, 3])
    const { sink, write } = await opened({ broker })
    await write([['a']])
    await finish(sink)
    expect(textsIn(broker)).toEqual(['a'])
    const source = kafkaSourceOver(() => broker.transport(here))
    const options = checkOptions(source, {
      'kafka.bootstrap.servers': 'virtual:9001',
      subscribe: 'out',
      startingOffsets: 'earliest',
    })
    const schema = source.schemaFor(options, undefined)
    const reader = await source.create(sourceContext(schema, { options, clock: systemClock() }))
    expect(await reader.initial()).toMatchObject({ 'out/0': 0, 'out/1': 0, 'out/2': 0 })
    await reader.close()
  }
})

test('no error shows what is secret', () => {
  const factory = { format: 'kafka', options: sinkOptions }
  const errorFor = (text: string): string => {
    const options = { 'kafka.bootstrap.servers': 'a:1', 'kafka.sasl.jaas.config': text }
    try {
      checkOptions(factory, options)
    } catch (thrown) {
      return String(thrown)
    }
    return 'accepted'
  }
  const error = errorFor('PlainLoginModule required password="swordfish"')
  expect(error).toContain('kafka.sasl.jaas.config')
  expect(error).not.toContain('swordfish')
})

/** Brokers where the fault strikes some of the requests of a name, counted from 0. */
function struck(name: string, fault: BrokerFault, which: readonly number[]): VirtualBroker {
  let seen = 0
  return virtualBroker({
    fault: (_, asked) => (asked.startsWith(name) && which.includes(seen++) ? fault : undefined),
  })
}
