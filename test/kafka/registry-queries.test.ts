import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avsc from 'avsc'
import { afterAll, expect, test } from 'vitest'
import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { from_avro, to_avro } from '../../src/avro.ts'
import { col, struct } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { fakeRegistry, serve } from '../codecs/fake-registry.ts'
import { overBroker, virtualServers } from './virtual-kafka.ts'

const session = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
const folder = mkdtempSync(join(tmpdir(), 'millrace-registry-queries-'))
afterAll(async () => {
  await session.stop()
  rmSync(folder, { recursive: true, force: true })
})

const servers = virtualServers
const over = (broker: VirtualBroker): VirtualBroker => overBroker(session, broker)

const orderV1 = {
  type: 'record',
  name: 'Order',
  namespace: 'com.acme',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total', type: 'double' },
  ],
} as const
const orderV2 = {
  ...orderV1,
  fields: [...orderV1.fields, { name: 'currency', type: 'string', default: 'EUR' }],
}

/** The header as Confluent's guide to the wire format has it. */
function framed(id: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  return Buffer.concat([header, payload])
}

test('a stream goes from topic to topic through a registry behind HTTP, and on after its end', async () => {
  const fake = fakeRegistry()
  // Other schemas came before.
  for (let other = 0; other < 300; other++) fake.add('others', { schema: `"${other}"` })
  const idV1 = fake.add('orders-value', { schema: JSON.stringify(orderV1) })
  const idV2 = fake.add('orders-value', { schema: JSON.stringify(orderV2) })
  const server = await serve(fake)
  const registry = {
    'schema.registry.url': server.url,
    'schema.registry.basic.auth.user.info': 'ada:pa55word',
  }
  const broker = over(virtualBroker())
  broker.createTopic('orders', 2)
  broker.createTopic('large', 1)
  const [typeV1, typeV2] = [orderV1, orderV2].map((schema) =>
    avsc.Type.forSchema(schema as unknown as avsc.Schema),
  )
  const send = (
    partition: number,
    id: number,
    type: avsc.Type | undefined,
    order: object,
  ): void => {
    const payload = type?.toBuffer(order) ?? new Uint8Array()
    broker.append({ topic: 'orders', partition }, [framed(id, payload)])
  }
  send(0, idV1, typeV1, { id: 'a', total: 150 })
  send(1, idV2, typeV2, { id: 'b', total: 250, currency: 'USD' })
  send(0, idV2, typeV2, { id: 'c', total: 50, currency: 'USD' })
  send(0, idV1, typeV1, { id: 'd', total: 350 })

  const start = () =>
    session.readStream
      .format('kafka')
      .option(...servers)
      .option('subscribe', 'orders')
      .option('startingOffsets', 'earliest')
      .load()
      .select(from_avro('value', JSON.stringify(orderV2), registry).alias('order'))
      .filter(col('order.total').gt(100))
      .select(
        col('order.id').alias('key'),
        to_avro(struct('order.id', 'order.total', 'order.currency'), JSON.stringify(orderV2), {
          ...registry,
          subject: 'orders-value',
          'auto.register.schemas': false,
        }).alias('value'),
      )
      .writeStream.format('kafka')
      .option(...servers)
      .option('topic', 'large')
      .option('checkpointLocation', join(folder, 'orders'))
      .start()

  const found = (): readonly unknown[] => {
    broker.settle()
    return broker
      .committed({ topic: 'large', partition: 0 })
      .map(({ value }) => Buffer.from(value ?? []))
      .map((value) => ({
        id: value.readUInt32BE(1),
        order: { ...typeV2?.fromBuffer(value.subarray(5)) },
      }))
  }
  const large = (id: string, total: number, currency: string) => ({
    id: idV2,
    order: { id, total, currency },
  })

  const query = start()
  await query.processAllAvailable()
  expect(found()).toHaveLength(3)
  expect(found()).toEqual(
    expect.arrayContaining([
      large('a', 150, 'EUR'),
      large('b', 250, 'USD'),
      large('d', 350, 'EUR'),
    ]),
  )
  await query.stop()
  send(1, idV1, typeV1, { id: 'e', total: 450 })
  const again = start()
  await again.processAllAvailable()
  await again.stop()
  await server.close()
  expect(found()).toHaveLength(4)
  expect(found().at(-1)).toEqual(large('e', 450, 'EUR'))
  expect(fake.asked.toSorted()).toEqual([
    `GET /schemas/ids/${idV1}`,
    `GET /schemas/ids/${idV2}`,
    'POST /subjects/orders-value',
  ])
  expect(fake.requests[0]?.headers['authorization']).toBe(
    `Basic ${Buffer.from('ada:pa55word').toString('base64')}`,
  )
})
