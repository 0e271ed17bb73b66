/**
 * Writes records of a hundred bytes into a topic with kafkajs alone, in transactions of as many as an epoch of ours has:
 * `write-kafkajs.js <bootstrap> <topic> <records> <records per transaction>`. A thousand at a time, four times at once.
 */
import { Kafka, logLevel } from 'kafkajs'
import { reportRun } from '../measured-run.ts'
import { plainValue } from './topics.ts'

const [bootstrap = '', topic = '', records = '0', perTransaction = '0'] = process.argv.slice(2)
const atOnce = 4
const perSend = 1_000
const kafka = new Kafka({
  brokers: bootstrap.split(','),
  clientId: 'bench',
  logLevel: logLevel.NOTHING,
})
const producer = kafka.producer({
  transactionalId: `bench-${process.pid}-${process.hrtime.bigint()}`,
  idempotent: true,
  maxInFlightRequests: 1,
})
await producer.connect()
const values = Array.from({ length: perSend }, (_, at) => ({ value: Buffer.from(plainValue(at)) }))
await reportRun(async () => {
  for (let sent = 0; sent < Number(records); ) {
    const transaction = await producer.transaction()
    const end = Math.min(Number(records), sent + Number(perTransaction))
    while (sent < end) {
      const sends = Array.from({ length: Math.min(atOnce, (end - sent) / perSend) }, () =>
        transaction.send({ topic, messages: values }),
      )
      await Promise.all(sends)
      sent += sends.length * perSend
    }
    await transaction.commit()
  }
  return Number(records)
})
await producer.disconnect()
