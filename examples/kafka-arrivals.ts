// Where each record of a topic lies and when it arrived: `node kafka-arrivals.js broker1:9092`. The topic `readings` has to
// be there. An epoch that runs again has the same time of arrival.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EdgeRow, Session } from 'millrace'
import { col, current_timestamp } from 'millrace/functions'

const kafka = { 'kafka.bootstrap.servers': process.argv[2] ?? 'localhost:9092' }
const spark = Session.builder.appName('Arrivals').getOrCreate()
const values = Array.from({ length: 6 }, (_, at) => ({ value: `reading ${at}` }))
await spark
  .createDataFrame(values, 'value STRING')
  .write.format('kafka')
  .options(kafka)
  .option('topic', 'readings')
  .save()

const readings = spark.readStream
  .format('kafka')
  .options(kafka)
  .option('subscribe', 'readings')
  .option('startingOffsets', 'earliest')
  .load()
  .select(
    'topic',
    'partition',
    'offset',
    col('timestamp').alias('sent_at'),
    col('value').cast('string').alias('reading'),
    current_timestamp().alias('arrived_at'),
  )

const arrivals: string[][] = []
const checkpoint = mkdtempSync(join(tmpdir(), 'arrivals-'))
// The first time something goes wrong after the rows were seen; the next start goes on from the checkpoint.
await run(() => Promise.reject(new Error('no room'))).catch(() => console.log('failed'))
await run(async (rows) => {
  for (const { topic, partition, offset, reading } of rows) {
    console.log(`${String(topic)} ${String(partition)} ${String(offset)}: ${String(reading)}`)
  }
})
const [first = [], again = []] = arrivals
console.log(`arrived at one time: ${new Set(first).size === 1}`)
console.log(`at the same time when the epoch ran again: ${first.join() === again.join()}`)
await spark.stop()

async function run(use: (rows: readonly EdgeRow[]) => Promise<void>): Promise<void> {
  const query = readings.writeStream
    .foreachBatch(async (frame) => {
      const rows = await frame.orderBy('partition', 'offset').collect()
      arrivals.push(rows.map(({ arrived_at }) => String(arrived_at)))
      await use(rows)
    })
    .option('checkpointLocation', checkpoint)
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
}
