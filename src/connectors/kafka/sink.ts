import { StreamError } from '../../core/error.ts'
import type { Epoch } from '../../core/units.ts'
import type { Sink, SinkAttempt } from '../../flow/connector.ts'
import type { SinkContext, SinkFactory } from '../registry.ts'
import { bootstrapServers, requestTimeoutMs } from './client-options.ts'
import { type KafkaCluster, kafkaCluster } from './cluster.ts'
import { clusterRequests } from './cluster-requests.ts'
import { type EpochTransactions, epochTransactions } from './epoch-transactions.ts'
import { refusedError } from './error-codes.ts'
import { mustBeShown } from './held-back-rows.ts'
import { partitionName, partitionOf } from './offsets-json.ts'
import { type Asking, topicsNow } from './partition-offsets.ts'
import { plainProducer } from './plain-producer.ts'
import { type PackedRecords, RecordWriter, recordBytesMax } from './records/record-writer.ts'
import { type SinkSettings, sinkOptions, sinkSettings } from './sink-options.ts'
import {
  checkSinkColumns,
  type Partitioner,
  partitioner,
  recordsOf,
  topicsOf,
} from './sink-rows.ts'
import { machineTransport } from './source.ts'
import { kafkaError } from './transaction-requests.ts'
import type { OpenTransport } from './transport.ts'

/** Rows as records of Kafka's topics, one transaction per epoch. */
export const kafkaSink: SinkFactory = kafkaSinkOver(machineTransport)

/** The same over connections of one's own. */
export function kafkaSinkOver(open: OpenTransport): SinkFactory {
  return {
    format: 'kafka',
    options: sinkOptions,
    modes: ['append', 'update', 'complete'],
    async create(context) {
      const settings = sinkSettings(context.options)
      checkSinkColumns(context.schema, settings)
      const cluster = kafkaCluster(await open(context), bootstrapServers(context.options))
      const sink = settings.delivery === 'exactly-once' ? exactlyOnceSink : atLeastOnceSink
      return sink(context, settings, cluster)
    },
  }
}

/** The most epochs that a query may have in flight, and the one that is being committed. */
const slots = 9

function exactlyOnceSink(
  context: SinkContext,
  settings: SinkSettings,
  cluster: KafkaCluster,
): Sink {
  const { clock, options } = context
  const { markerTopic, patienceMs } = settings
  if (markerTopic === undefined) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'markerTopic',
      value: 'left out',
      expected: 'the name of a topic, as the rows name theirs,',
    })
  }
  const requests = clusterRequests({
    cluster,
    transactionTimeoutMs: settings.transactionTimeoutMs,
    requestTimeoutMs: requestTimeoutMs(options),
  })
  let transactions: EpochTransactions<PackedRecords> | undefined
  let snapshotIdOf: SinkAttempt['snapshotIdOf'] | undefined
  const opened = (): EpochTransactions<PackedRecords> => {
    if (transactions !== undefined) return transactions
    throw new StreamError('INTERNAL', { what: 'the Kafka sink is not open' })
  }
  const asking: Asking = { cluster, clock, patienceMs }
  const buffers = recordBuffers(asking, settings, {
    send: (epoch, name, records) =>
      opened().write(epoch, partitionOf(name), { records, count: records.recordCount }),
  })
  return {
    description: described(settings),
    kind: 'authoritative',
    async fence({ queryId, openEpochsMax, token }) {
      if (openEpochsMax > slots) {
        throw new StreamError('INTERNAL', { what: `${openEpochsMax} epochs for ${slots} slots` })
      }
      transactions = epochTransactions({
        requests,
        clock,
        retryMs: patienceMs,
        transactionTimeoutMs: settings.transactionTimeoutMs,
        places: {
          prefix: `${settings.prefix}/${queryId}`,
          group: `${settings.prefix}.${queryId}.eos`,
          marker: { topic: markerTopic, partition: 0 },
          // A batch is one epoch of one attempt, and nobody comes after it.
          slots: token === 0 ? openEpochsMax : slots,
        },
      })
      const marker = await transactions.fence()
      await mustBeShown(asking, settings.topic ?? markerTopic, transactions.producers())
      return marker
    },
    async open(start) {
      snapshotIdOf = start.snapshotIdOf
      await opened().standOn(start.standsOn)
    },
    write: (batch, epoch) => buffers.add(batch, epoch),
    async prepare(epoch) {
      if (snapshotIdOf === undefined) throw new StreamError('INTERNAL', { what: 'no start' })
      await buffers.flush(epoch)
      await opened().prepare({ epoch, snapshotId: snapshotIdOf(epoch) })
      // The transaction is found by the number of its epoch.
      return null
    },
    commit: (epoch) => opened().commit(epoch),
    async abort(epoch) {
      buffers.drop(epoch)
      await opened().abort(epoch)
    },
    close: () => cluster.close(),
  }
}

/** What a partition begins with that may never get more, bytes. */
const firstBytes = 4_096

/** Rows that are seen before their epoch is committed, and perhaps more than once. */
function atLeastOnceSink(
  { clock, options }: SinkContext,
  settings: SinkSettings,
  cluster: KafkaCluster,
): Sink {
  const { patienceMs } = settings
  const producer = plainProducer({
    cluster,
    clock,
    retryMs: patienceMs,
    requestTimeoutMs: requestTimeoutMs(options),
  })
  const buffers = recordBuffers({ cluster, clock, patienceMs }, settings, {
    send: (_, name, records) => producer.send(partitionOf(name), records),
  })
  return {
    description: described(settings),
    kind: 'bestEffort',
    open: async () => undefined,
    write: (batch, epoch) => buffers.add(batch, epoch),
    async prepare(epoch) {
      await buffers.flush(epoch)
      return null
    },
    commit: async () => undefined,
    abort: async (epoch) => buffers.drop(epoch),
    close: () => cluster.close(),
  }
}

function described({ topic, markerTopic }: SinkSettings): string {
  if (topic !== undefined) return `kafka ${topic}`
  return markerTopic === undefined
    ? 'kafka topics of rows'
    : `kafka topics of rows, marked in ${markerTopic}`
}

interface RecordBuffers {
  add(batch: Parameters<Sink['write']>[0], epoch: Epoch): Promise<void>
  /** Sends everything of an epoch. */
  flush(epoch: Epoch): Promise<void>
  /** Forgets this epoch and later ones. */
  drop(from: Epoch): void
}

interface Sending {
  send(epoch: Epoch, partition: string, records: PackedRecords): Promise<void>
}

/** Records that wait for more of their partition; at most one batch of each. */
function recordBuffers(asking: Asking, settings: SinkSettings, { send }: Sending): RecordBuffers {
  const byEpoch = new Map<Epoch, Map<string, RecordWriter>>()
  const counts = new Map<string, number>()
  const partitions: Partitioner = partitioner()
  return {
    async add(batch, epoch) {
      for (const topic of topicsOf(batch, settings)) {
        if (!counts.has(topic)) counts.set(topic, await partitionCount(asking, topic))
      }
      const writers = byEpoch.get(epoch) ?? new Map<string, RecordWriter>()
      byEpoch.set(epoch, writers)
      const full: [string, PackedRecords][] = []
      const timestamp = asking.clock.now()
      recordsOf(batch, settings, (topic, given, key, value, headers) => {
        const count = counts.get(topic) ?? 0
        const partition = given ?? partitions.choose(key, count)
        if (partition < 0 || partition >= count) {
          throw new StreamError('KAFKA_PARTITION_UNKNOWN', { topic, partition, count })
        }
        const name = partitionName({ topic, partition })
        let writer = writers.get(name)
        if (writer === undefined) {
          writer = new RecordWriter(Math.min(settings.batchBytes, firstBytes))
          writers.set(name, writer)
        }
        const bytes = writer.byteLength + recordBytesMax(key, value, headers)
        if (writer.recordCount > 0 && bytes > settings.batchBytes) {
          full.push([name, writer.take()])
          partitions.moveOn()
        }
        writer.append(timestamp, key, value, headers)
      })
      for (const [name, records] of full) await send(epoch, name, records)
    },
    async flush(epoch) {
      for (const [name, writer] of byEpoch.get(epoch) ?? []) {
        if (writer.recordCount > 0) await send(epoch, name, writer.take())
      }
      byEpoch.delete(epoch)
      partitions.moveOn()
    },
    drop(from) {
      for (const epoch of [...byEpoch.keys()]) if (epoch >= from) byEpoch.delete(epoch)
    },
  }
}

async function partitionCount(asking: Asking, topic: string): Promise<number> {
  const topics = await topicsNow(asking, [topic])
  const found = topics.find(({ name }) => name === topic)
  const error = found?.error ?? kafkaError.unknownTopicOrPartition
  if (error === kafkaError.none && found !== undefined) return found.partitions.length
  throw refusedError(error, {
    request: 'Metadata',
    resource: `topic ${topic}`,
    operation: 'Write',
  })
}
