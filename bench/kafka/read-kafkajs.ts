/** Reads as many records of a topic with kafkajs alone: `read-kafkajs.js <bootstrap> <topic> <records>`. */
import { Kafka, logLevel } from 'kafkajs'
import { reportRun } from '../measured-run.ts'

const [bootstrap = '', topic = '', records = '0'] = process.argv.slice(2)
const kafka = new Kafka({
  brokers: bootstrap.split(','),
  clientId: 'bench',
  logLevel: logLevel.NOTHING,
})
const consumer = kafka.consumer({
  groupId: `bench-${process.pid}-${process.hrtime.bigint()}`,
  maxWaitTimeInMs: 100,
  maxBytesPerPartition: 4_194_304,
})
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await reportRun(async () => {
  let rows = 0
  let bytes = 0
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { value } of batch.messages) bytes += value?.length ?? 0
        rows += batch.messages.length
        if (rows >= Number(records)) resolve()
      },
    })
  })
  if (bytes === 0) throw new Error('no bytes')
  return rows
})
await consumer.disconnect()
