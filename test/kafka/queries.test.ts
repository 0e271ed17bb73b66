import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { col, from_json } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { overBroker, virtualServers } from './virtual-kafka.ts'

const session = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-queries-'))
afterAll(async () => {
  await session.stop()
  rmSync(folder, { recursive: true, force: true })
})

const servers = virtualServers
const over = (broker: VirtualBroker): VirtualBroker => overBroker(session, broker)

function textsIn(broker: VirtualBroker, topic: string, partitions: number): readonly string[] {
  broker.settle()
  return Array.from({ length: partitions }, (_, partition) =>
    broker.committed({ topic, partition }).map(({ value }) => new TextDecoder().decode(value)),
  ).flat()
}

test('a batch is written in one transaction, and read back with its columns', async () => {
  const broker = over(virtualBroker())
  broker.createTopic('orders', 2)
  const rows = Array.from({ length: 10 }, (_, at) => ({ key: `k${at}`, value: `v${at}` }))
  await session
    .createDataFrame(rows, 'key STRING, value STRING')
    .write.format('kafka')
    .option(...servers)
    .option('topic', 'orders')
    .save()
  const found = await session.read
    .format('kafka')
    .option(...servers)
    .option('subscribe', 'orders')
    .load()
    .select(
      col('key').cast('string').alias('key'),
      col('value').cast('string').alias('value'),
      'topic',
      'timestampType',
    )
    .collect()
  expect(found).toHaveLength(10)
  expect(found).toContainEqual({ key: 'k3', value: 'v3', topic: 'orders', timestampType: 0 })
})

test('a stream goes from topic to topic, as JSON of whole rows too, and tells how far behind it is', async () => {
  for (const transactionVersion of [1, 2] as const) {
    const broker = over(virtualBroker({ transactionVersion }))
    broker.createTopic('orders', 2)
    broker.createTopic('large', 1)
    const send = (partition: number, total: number): void => {
      const text = JSON.stringify({ id: `o${total}`, total })
      broker.append({ topic: 'orders', partition }, [new TextEncoder().encode(text)])
    }
    for (let total = 0; total < 10; total++) send(total % 2, total)
    const query = session.readStream
      .format('kafka')
      .option(...servers)
      .option('subscribe', 'orders')
      .option('startingOffsets', 'earliest')
      .load()
      .select(from_json(col('value').cast('string'), 'id STRING, total INT').alias('order'))
      .filter(col('order.total').geq(5))
      .select('order.*')
      .writeStream.format('kafka')
      .option(...servers)
      .option('topic', 'large')
      .option('valueFormat', 'json')
      .option('checkpointLocation', join(folder, `stream-${transactionVersion}`))
      .start()
    await query.processAllAvailable()
    const rows = [5, 6, 7, 8, 9].map((total) => `{"id":"o${total}","total":${total}}`)
    expect(textsIn(broker, 'large', 1).toSorted()).toEqual(rows)
    send(0, 11)
    await query.processAllAvailable()
    expect(textsIn(broker, 'large', 1)).toHaveLength(6)
    const [source] = query.lastProgress?.sources ?? []
    expect(source?.metrics).toMatchObject({ maxOffsetsBehindLatest: '0', rowsLost: '0' })
    await query.stop()
  }
})

test('an aggregate in update mode is written as it changes', async () => {
  const broker = over(virtualBroker())
  broker.createTopic('clicks', 1)
  broker.createTopic('counts', 1)
  const click = (user: string): void => {
    broker.append({ topic: 'clicks', partition: 0 }, [new TextEncoder().encode(user)])
  }
  for (const user of ['ada', 'bob', 'ada']) click(user)
  const query = session.readStream
    .format('kafka')
    .option(...servers)
    .option('subscribe', 'clicks')
    .option('startingOffsets', 'earliest')
    .load()
    .groupBy(col('value').cast('string').alias('user'))
    .count()
    .writeStream.outputMode('update')
    .format('kafka')
    .option(...servers)
    .option('topic', 'counts')
    .option('valueFormat', 'json')
    .option('checkpointLocation', join(folder, 'counts'))
    .start()
  await query.processAllAvailable()
  click('bob')
  await query.processAllAvailable()
  await query.stop()
  const found = textsIn(broker, 'counts', 1)
  expect(found.slice(0, 2).toSorted()).toEqual([
    '{"user":"ada","count":2}',
    '{"user":"bob","count":1}',
  ])
  expect(found.slice(2)).toEqual(['{"user":"bob","count":2}'])
})
