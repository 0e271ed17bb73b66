import { bootstrapServers } from '../../src/connectors/kafka/client-options.ts'
import { type KafkaCluster, kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import { plainProducer } from '../../src/connectors/kafka/plain-producer.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { ReadRecord, RealBrokers } from './real-brokers.ts'

const clock = systemClock()

/** What is written into a topic. */
export interface FilledTopic {
  readonly rows: number
  readonly partitions: number
  /** What the rows are called, with their numbers. */
  readonly name?: string
}

/** Connections of a test to brokers that clients may come to as they are. */
export function connected({ bootstrap }: Pick<RealBrokers, 'bootstrap'>): KafkaCluster {
  const client = { clientId: 'test', connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 }
  const options = new Map([['kafka.bootstrap.servers', bootstrap]])
  return kafkaCluster(kafkajsTransport(client), bootstrapServers(options))
}

/** Writes so many rows, one partition after the other; `name` makes them others than those before. */
export async function fill(
  cluster: KafkaCluster,
  topic: string,
  { rows, partitions, name = 'row' }: FilledTopic,
): Promise<readonly string[]> {
  const producer = plainProducer({ cluster, clock, retryMs: 60_000, requestTimeoutMs: 30_000 })
  const sent = Array.from({ length: rows }, (_, row) => `${name} ${row}`)
  for (let partition = 0; partition < partitions; partition++) {
    const writer = new RecordWriter(10_000)
    for (const [row, text] of sent.entries()) {
      if (row % partitions !== partition) continue
      const bytes = new TextEncoder().encode(text)
      writer.append(clock.now(), undefined, { bytes, start: 0, end: bytes.length })
    }
    await producer.send({ topic, partition }, writer.take())
  }
  return sent
}

/** The values of records. */
export function textsOf(records: readonly ReadRecord[]): readonly string[] {
  return records.map(({ value }) => new TextDecoder().decode(value))
}

/** @throws Error if a row is lost or there twice */
export function mustBeOnce(sent: readonly string[], found: readonly string[]): void {
  const counts = new Map<string, number>()
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) + 1)
  const lost = sent.filter((text) => !counts.has(text))
  const twice = [...counts].filter(([, count]) => count > 1).map(([text]) => text)
  if (lost.length + twice.length === 0 && counts.size === sent.length) return
  throw new Error(
    `${lost.length} rows lost (${lost.slice(0, 3).join(', ')}), ${twice.length} twice (${twice.slice(0, 3).join(', ')})`,
  )
}
