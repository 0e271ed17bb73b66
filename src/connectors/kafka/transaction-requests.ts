/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A producer of transactions. Its epoch grows when somebody takes its transactional id over: the old one is fenced. */
export interface Producer {
  readonly transactionalId: string
  readonly id: number
  readonly epoch: number
}

/** An offset that a group has committed; −1 = none. */
export interface FetchedOffset {
  readonly error: number
  readonly offset: number
  readonly metadata: string
}

/**
 * The requests that transactions are made of, each to the broker that is to answer it. They answer with a code of
 * the Kafka protocol, and never throw for what a broker or the network does: a connection that is lost before
 * the answer is `networkException`.
 */
export interface TransactionRequests<Records> {
  /**
   * Fences every older producer of the id and aborts its open transaction. With `current` only if that is still the
   * newest one (KIP-360), which then gets another epoch: whoever was fenced stays so.
   */
  initProducer(
    transactionalId: string,
    current: Producer | undefined,
  ): Promise<{ readonly error: number; readonly producer: Producer | undefined }>
  addPartition(producer: Producer, to: TopicPartition): Promise<number>
  /** `sequence` is the number of the first of these records in the partition, by producer and epoch. */
  produce(
    producer: Producer,
    to: TopicPartition,
    sequence: number,
    records: Records,
  ): Promise<number>
  addOffsets(producer: Producer, group: string): Promise<number>
  commitOffset(
    producer: Producer,
    of: TopicPartition & { readonly group: string },
    committed: { readonly offset: number; readonly metadata: string },
  ): Promise<number>
  /** With the producer that goes on from there, which brokers of the second kind of transactions give another epoch. */
  endTransaction(
    producer: Producer,
    how: 'commit' | 'abort',
  ): Promise<{ readonly error: number; readonly producer: Producer }>
  /** Asks for a stable offset: `unstableOffset` while a transaction may still change it. */
  fetchOffset(of: TopicPartition & { readonly group: string }): Promise<FetchedOffset>
}

/** Codes of the Kafka protocol that are met here. */
export const kafkaError = {
  unknownServerError: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  replicaNotAvailable: 9,
  networkException: 13,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicDenied: 29,
  groupDenied: 30,
  clusterDenied: 31,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTransactionState: 48,
  invalidProducerMapping: 49,
  concurrentTransactions: 51,
  transactionDenied: 53,
  storageError: 56,
  unknownProducer: 59,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  unstableOffset: 88,
  producerFenced: 90,
} as const

const refusedForNow: ReadonlySet<number> = new Set([
  kafkaError.notLeader,
  kafkaError.coordinatorLoading,
  kafkaError.coordinatorNotAvailable,
  kafkaError.notCoordinator,
  kafkaError.concurrentTransactions,
  kafkaError.unstableOffset,
])

/**
 * What a code says of its request: `again` = it had no effect, and may be sent again; `lost` = nobody knows whether
 * it had or will have its effect; `refused` = it had none and never will.
 */
export function outcomeOf(error: number): 'done' | 'again' | 'lost' | 'refused' {
  // The record is there already: an earlier try did have its effect.
  if (error === kafkaError.none || error === kafkaError.duplicateSequence) return 'done'
  if (refusedForNow.has(error)) return 'again'
  const isLost = error === kafkaError.networkException || error === kafkaError.requestTimedOut
  return isLost ? 'lost' : 'refused'
}
