import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from '../../src/index.ts'
import { connected, fill, mustBeOnce, textsOf } from './filled-topic.ts'
import type { RealBrokers } from './real-brokers.ts'

const moves = 12
const partitions = 2
const rowsBetween = 50

/**
 * A query from one topic into another, exactly once, while the leaders of the partitions that it reads and writes move from
 * broker to broker: it goes on by itself, and every row is there once.
 */
export async function movingLeaders(brokers: RealBrokers): Promise<void> {
  const [from, to] = [`moving-${process.pid}`, `moved-${process.pid}`]
  const folder = mkdtempSync(join(tmpdir(), 'millrace-moving-'))
  const session = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
  const cluster = connected(brokers)
  try {
    for (const topic of [from, to]) await brokers.createTopic(topic, partitions)
    const query = session.readStream
      .format('kafka')
      .option('kafka.bootstrap.servers', brokers.bootstrap)
      .option('subscribe', from)
      .option('startingOffsets', 'earliest')
      .option('maxOffsetsPerTrigger', 20)
      .load()
      .select('value')
      .writeStream.format('kafka')
      .option('kafka.bootstrap.servers', brokers.bootstrap)
      .option('topic', to)
      .option('checkpointLocation', folder)
      .trigger({ processingTime: '50 milliseconds' })
      .start()
    const sent: string[] = []
    for (let move = 0; move < moves; move++) {
      const name = `after ${move} moves, row`
      sent.push(...(await fill(cluster, from, { rows: rowsBetween, partitions, name })))
      for (const topic of [from, to]) await brokers.moveLeader(topic, move % partitions)
    }
    await query.processAllAvailable()
    await query.stop()
    mustBeOnce(sent, textsOf(await brokers.read(to)))
  } finally {
    await session.stop()
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
