// Orders as JSON from one topic of Kafka into another, exactly once: `node kafka-orders.js broker1:9092`. The topics
// `orders` and `processed_orders` have to be there.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DataFrame, Session, type StreamError } from 'millrace'
import { col, from_json } from 'millrace/functions'

const kafka = { 'kafka.bootstrap.servers': process.argv[2] ?? 'localhost:9092' }
const spark = Session.builder.appName('Orders').getOrCreate()

// What is there before the query starts is not read: it begins with the latest offsets.
await send('{"id":"o1","customer":"ada","amount":5}')
const orders = spark.readStream
  .format('kafka')
  .options(kafka)
  .option('subscribe', 'orders')
  .option('startingOffsets', 'latest')
  .option('includeHeaders', true)
  .load()
orders.printSchema()

const schema = 'id STRING, customer STRING, amount DOUBLE'
const parsed = orders
  .select(from_json(col('value').cast('string'), schema).alias('data'))
  .select('data.*')

// As it is often printed: a record of Kafka needs a column `value`.
await written(parsed, {}).catch(({ code }: StreamError) => console.log(`refused: ${code}`))
await written(parsed, { valueFormat: 'json' })
const processed = spark.read
  .format('kafka')
  .options({ ...kafka, subscribe: 'processed_orders' })
  .load()
  .select(col('value').cast('string').alias('order'))
// What is committed is seen a moment later.
while ((await processed.collect()).length < 2);
for (const { order } of await processed.collect()) console.log(`processed: ${String(order)}`)
await spark.stop()

/** Writes a frame while two orders come, one of which is no JSON at all. */
async function written(frame: DataFrame, options: Readonly<Record<string, string>>): Promise<void> {
  const query = frame.writeStream
    .format('kafka')
    .options({ ...kafka, ...options, topic: 'processed_orders' })
    .option('checkpointLocation', mkdtempSync(join(tmpdir(), 'orders-')))
    .start()
  await query.processAllAvailable()
  await send('{"id":"o2","customer":"bob","amount":7.5}', '{"id":"o3","customer":')
  await query.processAllAvailable()
  await query.stop()
}

async function send(...values: readonly string[]): Promise<void> {
  const rows = values.map((value) => [value])
  const frame = spark.createDataFrame(rows, 'value STRING')
  const options = { ...kafka, topic: 'orders', delivery: 'at-least-once' }
  await frame.write.format('kafka').options(options).save()
}
