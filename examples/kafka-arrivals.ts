// Where each record of a topic lies and when it arrived: `node kafka-arrivals.js broker1:9092`. The topic `readings` has to
// be there. An epoch that runs again has the same time of arrival.
import { Session } from 'millrace'
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

const arrivals: string[][] = []
const query = spark.readStream
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
  .writeStream.foreachBatch(async (frame) => {
    const rows = await frame.orderBy('partition', 'offset').collect()
    arrivals.push(rows.map(({ arrived_at }) => String(arrived_at)))
    // The first time something goes wrong after the rows were seen.
    if (arrivals.length === 1) throw new Error('try again')
    for (const { topic, partition, offset, reading } of rows) {
      console.log(`${String(topic)} ${String(partition)} ${String(offset)}: ${String(reading)}`)
    }
  })
  .start()
await query.processAllAvailable()
await query.stop()

const [first = [], again = []] = arrivals
console.log(`arrived at one time: ${new Set(first).size === 1}`)
console.log(`at the same time when the epoch ran again: ${first.join() === again.join()}`)
await spark.stop()
