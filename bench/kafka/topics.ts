import { plainProducer } from '../../src/connectors/kafka/plain-producer.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { connected } from '../../test/kafka/filled-topic.ts'

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
  const cluster = connected({ bootstrap })
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
const windowSeconds = 10
/** The pages of views follow one another in an order that comes again after a hundred. */
const viewsPerGroup = (windowSeconds * recordsPerSecond) / pages

/** A view of a page as JSON, a hundred bytes or so. */
export function pageView(record: number): string {
  const at = new Date(1_700_000_000_000 + Math.floor((record * 1000) / recordsPerSecond))
  return `{"page":"page-${(record * 7919) % pages}","user":"user-${(record * 104_729) % 10_000}","at":"${at.toISOString()}","ms":${record % 900}}`
}

/**
 * Checks the groups that came out: of each window and page one, with its hundred views.
 * @throws Error that says what is wrong
 */
export function mustBeCounted(values: readonly string[], records: number): void {
  const seen = new Set<string>()
  for (const value of values) {
    const { window, page, count } = JSON.parse(value)
    const group = `${JSON.stringify(window)} ${page}`
    if (seen.has(group)) throw new Error(`${group} came out twice`)
    if (count !== viewsPerGroup) throw new Error(`${group} has ${count} views`)
    seen.add(group)
  }
  // Five seconds behind the newest view are open yet, and what closed with the last rows comes out later.
  const windows = Math.floor(records / (windowSeconds * recordsPerSecond))
  if (seen.size === 0 || seen.size > windows * pages || seen.size % pages !== 0) {
    throw new Error(`${seen.size} groups of ${windows * pages}`)
  }
}
