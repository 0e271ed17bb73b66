import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  describeProducersApi,
  endTxnApi,
  initProducerIdApi,
  offsetCommitApi,
  offsetFetchApi,
  secondTransactions,
  type TransactionOwner,
  txnOffsetCommitApi,
} from '../src/connectors/kafka/protocol/transaction-api.ts'
import { kafkaError, type Producer } from '../src/connectors/kafka/transaction-requests.ts'
import {
  type AnyAnswer,
  answering,
  byPartition,
  codeOf,
  notHere,
  notLed,
  partitionsIn,
  throttleMs,
} from './virtual-broker-meeting.ts'
import { openProducers } from './virtual-broker-records.ts'
import {
  addToTransaction,
  commitOffset,
  commitPlainOffset,
  endTransaction,
  fetchOffset,
  initProducer,
} from './virtual-broker-requests.ts'
import { partitionOf } from './virtual-broker-state.ts'

function producerOf({ transactionalId, producerId, producerEpoch }: TransactionOwner): Producer {
  return { transactionalId, id: producerId, epoch: producerEpoch }
}

/** What coordinators of transactions and groups do. */
export const transactionAnswers: readonly AnyAnswer[] = [
  answering({
    api: initProducerIdApi,
    about: ({ transactionalId }) => transactionalId ?? '',
    effect({ transactionalId: id, producerId, producerEpoch }, meeting) {
      // Whoever does without transactions asks any broker.
      if (id === undefined) {
        const fresh = meeting.state.producers++
        return { throttleMs, error: kafkaError.none, producerId: fresh, producerEpoch: 0 }
      }
      const away = notHere(meeting)
      const current =
        producerId < 0 ? undefined : { transactionalId: id, id: producerId, epoch: producerEpoch }
      const { error, producer } =
        away === kafkaError.none
          ? initProducer(meeting.state, id, current)
          : { error: away, producer: undefined }
      return {
        throttleMs,
        error,
        producerId: producer?.id ?? -1,
        producerEpoch: producer?.epoch ?? -1,
      }
    },
  }),
  answering({
    api: addPartitionsToTxnApi,
    about: ({ transactionalId, topics }) => `${partitionsIn(topics)} ${transactionalId}`,
    effect: ({ topics, ...owner }, meeting) => ({
      throttleMs,
      topics: byPartition(topics, (topic, partition) => ({
        partition,
        error: codeOf(meeting, () =>
          addToTransaction(meeting.state, producerOf(owner), { partition: { topic, partition } }),
        ),
      })),
    }),
  }),
  answering({
    api: addOffsetsToTxnApi,
    about: ({ transactionalId }) => transactionalId,
    effect: ({ group, ...owner }, meeting) => ({
      throttleMs,
      error: codeOf(meeting, () => addToTransaction(meeting.state, producerOf(owner), { group })),
    }),
  }),
  answering({
    api: txnOffsetCommitApi,
    about: ({ transactionalId }) => transactionalId,
    effect: ({ group, topics, ...owner }, meeting) => ({
      throttleMs,
      topics: byPartition(topics, (topic, { partition, offset, metadata = '' }) => ({
        partition,
        error: codeOf(meeting, () =>
          commitOffset(
            meeting.state,
            producerOf(owner),
            { group, topic, partition },
            { offset, metadata, begins: meeting.version >= secondTransactions.txnOffsetCommit },
          ),
        ),
      })),
    }),
  }),
  answering({
    api: offsetCommitApi,
    about: ({ group }) => group,
    effect: ({ group, topics }, meeting) => ({
      throttleMs,
      topics: byPartition(topics, (topic, { partition, offset, metadata = '' }) => ({
        partition,
        error: codeOf(meeting, () =>
          commitPlainOffset(meeting.state, { group, topic, partition }, { offset, metadata }),
        ),
      })),
    }),
  }),
  answering({
    api: endTxnApi,
    about: ({ isCommit, transactionalId }) => `${isCommit ? 'commit' : 'abort'} ${transactionalId}`,
    effect({ isCommit, ...owner }, meeting) {
      const producer = producerOf(owner)
      const renews = meeting.version >= secondTransactions.endTxn
      const away = notHere(meeting)
      const ended =
        away === kafkaError.none
          ? endTransaction(meeting.state, producer, isCommit ? 'commit' : 'abort', renews)
          : { error: away, producer }
      return {
        throttleMs,
        error: ended.error,
        producerId: ended.producer.id,
        producerEpoch: ended.producer.epoch,
      }
    },
  }),
  answering({
    api: offsetFetchApi,
    about: ({ group }) => group,
    effect({ group, topics = [], requireStable }, meeting) {
      const error = notHere(meeting)
      // Who is not the coordinator says so for the group, with an empty list.
      if (error !== kafkaError.none) return { throttleMs, topics: [], error }
      return {
        throttleMs,
        topics: byPartition(topics, (topic, partition) => {
          const found = fetchOffset(meeting.state, { group, topic, partition }, requireStable)
          return { partition, leaderEpoch: -1, ...found }
        }),
        error,
      }
    },
  }),
  answering({
    api: describeProducersApi,
    about: ({ topics }) => partitionsIn(topics),
    effect: ({ topics }, meeting) => ({
      throttleMs,
      topics: byPartition(topics, (topic, partition) => {
        const of = { topic, partition }
        const error = notLed(meeting, of)
        const isLed = error === kafkaError.none
        const open = isLed ? openProducers(partitionOf(meeting.state, of)) : []
        const producers = [...open].map(([id, openFrom]) => ({
          id,
          epoch: 0,
          lastSequence: -1,
          lastTimestamp: -1,
          coordinatorEpoch: 0,
          openFrom,
        }))
        return { partition, error, message: undefined, producers }
      }),
    }),
  }),
]
