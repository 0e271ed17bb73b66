import { bootstrapServers } from '../../src/connectors/kafka/client-options.ts'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import { plainProducer } from '../../src/connectors/kafka/plain-producer.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { systemClock } from '../../src/core/system-clock.ts'

/** What a topic is filled with. */
export interface TopicFilling {
  readonly bootstrap: string
  readonly topic: string
  readonly partitions: number
  readonly records: number
  /** The value of a record, by its number. */
  readonly textOf: (record: number) => string
}

const batchBytes = 900_000

/** Records with a value and no key, in turn over the partitions. */
export async function fillTopic(filling: TopicFilling): Promise<void> {
  const { bootstrap, topic, partitions, records, textOf } = filling
  const clock = systemClock()
  const transport = kafkajsTransport({
    clientId: 'bench',
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
  })
  const options = new Map([['kafka.bootstrap.servers', bootstrap]])
  const cluster = kafkaCluster(transport, bootstrapServers(options))
  const producer = plainProducer({ cluster, clock, retryMs: 60_000, requestTimeoutMs: 30_000 })
  const writers = Array.from({ length: partitions }, () => new RecordWriter(batchBytes))
  const encoder = new TextEncoder()
  for (let record = 0; record < records; record++) {
    const partition = record % partitions
    const writer = writers[partition] as RecordWriter
    const bytes = encoder.encode(textOf(record))
    writer.append(clock.now(), undefined, { bytes, start: 0, end: bytes.length })
    if (writer.byteLength < batchBytes) continue
    await producer.send({ topic, partition }, writer.take())
  }
  for (const [partition, writer] of writers.entries()) {
    if (writer.recordCount > 0) await producer.send({ topic, partition }, writer.take())
  }
  await cluster.close()
}

/** A hundred bytes. */
export function plainValue(record: number): string {
  return `record ${record} `.padEnd(100, 'abcdefghijklmnopqrstuvwxyz')
}

const pages = 100
/** Of event time; windows of ten seconds hold ten thousand each. */
const recordsPerSecond = 1000

/** A view of a page as JSON, a hundred bytes or so. */
export function pageView(record: number): string {
  const at = new Date(1_700_000_000_000 + Math.floor((record * 1000) / recordsPerSecond))
  return `{"page":"page-${(record * 7919) % pages}","user":"user-${(record * 104_729) % 10_000}","at":"${at.toISOString()}","ms":${record % 900}}`
}

/** Windows and pages that have rows after so many views, if all come out but the last. */
export function countedGroups(records: number): number {
  return Math.floor(records / (10 * recordsPerSecond)) * pages
}
