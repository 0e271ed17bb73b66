import {
  apiVersionsApi,
  findCoordinatorApi,
  listOffsetsApi,
  metadataApi,
  type OffsetQuestion,
  offsetAt,
} from '../src/connectors/kafka/protocol/cluster-api.ts'
import { noUuid } from '../src/connectors/kafka/protocol/codec.ts'
import {
  type FetchedRecords,
  type FetchQuestion,
  fetchApi,
  isolation,
  produceApi,
} from '../src/connectors/kafka/protocol/data-api.ts'
import { secondTransactions } from '../src/connectors/kafka/protocol/transaction-api.ts'
import { kafkaError, type TopicPartition } from '../src/connectors/kafka/transaction-requests.ts'
import {
  type AnyAnswer,
  addressOf,
  answering,
  byPartition,
  coordinatorOf,
  leaderOf,
  type Meeting,
  notLed,
  partitionsIn,
  throttleMs,
} from './virtual-broker-meeting.ts'
import { abortedFrom, endOf, recordsIn, stableEnd } from './virtual-broker-records.ts'
import { produce, producePlain } from './virtual-broker-requests.ts'
import { type BrokerState, partitionOf } from './virtual-broker-state.ts'

/** Who is there, and who looks after what. */
export const clusterAnswers: readonly AnyAnswer[] = [
  answering({
    api: apiVersionsApi,
    about: () => '',
    effect: (_, { state: { transactionVersion: newest } }) => ({
      error: kafkaError.none,
      apis: [],
      throttleMs,
      finalizedFeatures: [{ name: 'transaction.version', newest, oldest: newest }],
    }),
  }),
  answering({
    api: metadataApi,
    about: ({ topics }) => topics?.map(({ name }) => name).join(' ') ?? 'all',
    effect({ topics }, { state }) {
      const names = topics?.map(({ name }) => name ?? '') ?? [...state.topics.keys()]
      const nodes = Array.from({ length: state.nodes }, (_, at) => at + 1)
      return {
        throttleMs,
        brokers: nodes.map((node) => ({ node, ...addressOf(node) })),
        cluster: 'virtual',
        controller: 1,
        topics: names.map((name) => {
          const { id = noUuid, partitions: count } = state.topics.get(name) ?? {}
          return {
            error: count === undefined ? kafkaError.unknownTopicOrPartition : kafkaError.none,
            name,
            id,
            isInternal: false,
            partitions: Array.from({ length: count ?? 0 }, (_, partition) => ({
              error: kafkaError.none,
              partition,
              leader: leaderOf(state, { topic: name, partition }),
              leaderEpoch: state.moves,
            })),
          }
        }),
      }
    },
  }),
  answering({
    api: findCoordinatorApi,
    about: ({ key }) => key,
    effect(_, { state }) {
      const node = coordinatorOf(state)
      return { throttleMs, error: kafkaError.none, message: undefined, node, ...addressOf(node) }
    },
  }),
]

/** What partitions hold. */
export const dataAnswers: readonly AnyAnswer[] = [
  answering({
    api: listOffsetsApi,
    about: ({ topics }) => partitionsIn(topics),
    effect: (request, meeting) => ({
      throttleMs,
      topics: byPartition(request.topics, (topic, asked) => {
        const { partition } = asked
        const error = notLed(meeting, { topic, partition })
        const found = { timestamp: -1, offset: -1, leaderEpoch: meeting.state.moves }
        if (error !== kafkaError.none) return { partition, error, ...found }
        const place = placeOf(meeting.state, { topic, ...asked }, request.isolation)
        return { partition, error, ...found, ...place }
      }),
    }),
  }),
  answering({
    api: fetchApi,
    about: ({ topics }) =>
      topics
        .flatMap(({ topic, partitions }) =>
          partitions.map(({ partition, offset }) => `${topic}/${partition} from ${offset}`),
        )
        .join(' '),
    effect: (request, meeting) => ({
      throttleMs,
      error: kafkaError.none,
      topics: byPartition(request.topics, (topic, asked) =>
        fetched(meeting, topic, asked, request.isolation),
      ),
    }),
  }),
  answering({
    api: produceApi,
    about: ({ transactionalId, topics }) => `${partitionsIn(topics)} ${transactionalId}`,
    effect: ({ transactionalId, topics }, meeting) => ({
      throttleMs,
      topics: byPartition(topics, (topic, { partition, records }) => {
        const of = { topic, partition }
        const error = notLed(meeting, of) || produced(meeting, transactionalId, of, records)
        const last = error === kafkaError.none && partitionOf(meeting.state, of).batches.at(-1)
        return { partition, error, offset: last ? last.baseOffset : -1, message: undefined }
      }),
    }),
  }),
]

function produced(
  { state, version }: Meeting,
  transactionalId: string | undefined,
  of: TopicPartition,
  batch: Uint8Array,
): number {
  if (transactionalId === undefined) return producePlain(state, of, batch)
  const { buffer, byteOffset, byteLength } = batch
  const view = new DataView(buffer, byteOffset, byteLength)
  const producer = { transactionalId, id: Number(view.getBigInt64(43)), epoch: view.getInt16(51) }
  return produce(state, producer, of, { batch, begins: version >= secondTransactions.produce })
}

/** Where the first record at or after a time lies, or an end. */
function placeOf(
  state: BrokerState,
  { topic, partition, timestamp }: OffsetQuestion & { readonly topic: string },
  level: number,
): { readonly offset: number; readonly timestamp?: number } {
  const log = partitionOf(state, { topic, partition })
  if (timestamp === offsetAt.earliest) return { offset: 0 }
  if (timestamp === offsetAt.latest) {
    return { offset: level === isolation.committed ? stableEnd(log) : endOf(log) }
  }
  const records = log.batches.flatMap(({ end, bytes }) =>
    end === undefined ? recordsIn(bytes) : [],
  )
  return records.find((record) => record.timestamp >= timestamp) ?? { offset: -1 }
}

function fetched(
  meeting: Meeting,
  topic: string,
  { partition, offset, maxBytes }: FetchQuestion,
  level: number,
): FetchedRecords {
  const of = { topic, partition }
  const nothing: FetchedRecords = {
    partition,
    error: notLed(meeting, of),
    highWatermark: -1,
    lastStableOffset: -1,
    logStart: -1,
    aborted: undefined,
    records: undefined,
  }
  if (nothing.error !== kafkaError.none) return nothing
  const log = partitionOf(meeting.state, of)
  const [highWatermark, lastStableOffset] = [endOf(log), stableEnd(log)]
  if (offset < 0 || offset > highWatermark) {
    return { ...nothing, error: kafkaError.offsetOutOfRange, logStart: 0 }
  }
  const end = level === isolation.committed ? lastStableOffset : highWatermark
  const wanted = log.batches.filter((batch) => batch.lastOffset >= offset && batch.baseOffset < end)
  const records = Buffer.concat(wanted.map(({ bytes }) => bytes))
  // The first batch comes whole, so that whoever reads gets on.
  const length = Math.max(maxBytes, wanted[0]?.bytes.length ?? 0)
  return {
    partition,
    error: kafkaError.none,
    highWatermark,
    lastStableOffset,
    logStart: 0,
    aborted: level === isolation.committed ? abortedFrom(log, offset) : undefined,
    records: records.subarray(0, length),
  }
}
