import type { Api } from './api.ts'
import {
  array,
  boolean,
  type Codec,
  constant,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
} from './codec.ts'

/** Whose transaction a request is about. */
export interface TransactionOwner {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** The versions from which on a transaction begins with its first record or offset (KIP-890). */
export const secondTransactions = { produce: 12, txnOffsetCommit: 5, endTxn: 5 } as const

export interface InitProducerIdRequest {
  readonly transactionalId: string | undefined
  readonly timeoutMs: number
  /** The producer that the caller has, which must be the newest one; −1 = none. */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerIdResponse {
  readonly throttleMs: number
  readonly error: number
  readonly producerId: number
  readonly producerEpoch: number
}

/** A producer with an epoch of its own; every older one is fenced, and what it left open is aborted. */
export const initProducerIdApi: Api<InitProducerIdRequest, InitProducerIdResponse> = {
  name: 'InitProducerId',
  key: 22,
  versions: [3, 4],
  flexibleSince: 2,
  request: struct<InitProducerIdRequest>({
    transactionalId: nullableString,
    timeoutMs: int32,
    producerId: int64,
    producerEpoch: int16,
  }),
  response: struct<InitProducerIdResponse>({
    throttleMs: int32,
    error: int16,
    producerId: int64,
    producerEpoch: int16,
  }),
}

interface PartitionsByTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

const partitionsByTopic: Codec<PartitionsByTopic> = struct({
  topic: string,
  partitions: array(int32),
})

export interface AddPartitionsToTxnRequest extends TransactionOwner {
  readonly topics: readonly PartitionsByTopic[]
}

/** Answers by partition, whatever the request was. */
export interface PartitionErrors {
  readonly throttleMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly error: number }[]
  }[]
}

const partitionErrors: Codec<PartitionErrors> = struct<PartitionErrors>({
  throttleMs: int32,
  topics: array(
    struct({ topic: string, partitions: array(struct({ partition: int32, error: int16 })) }),
  ),
})

/** Says that a transaction will write to partitions; only for brokers with the first kind of transactions. */
export const addPartitionsToTxnApi: Api<AddPartitionsToTxnRequest, PartitionErrors> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: [1, 3],
  flexibleSince: 3,
  request: struct<AddPartitionsToTxnRequest>({
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    topics: array(partitionsByTopic),
  }),
  response: partitionErrors,
}

export interface AddOffsetsToTxnRequest extends TransactionOwner {
  readonly group: string
}

export interface PlainAnswer {
  readonly throttleMs: number
  readonly error: number
}

/** Says that a transaction will commit offsets for a group; only for the first kind of transactions. */
export const addOffsetsToTxnApi: Api<AddOffsetsToTxnRequest, PlainAnswer> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: [1, 3],
  flexibleSince: 3,
  request: struct<AddOffsetsToTxnRequest>({
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    group: string,
  }),
  response: struct<PlainAnswer>({ throttleMs: int32, error: int16 }),
}

export interface TxnOffsetCommitRequest extends TransactionOwner {
  readonly group: string
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly CommittedOffset[]
  }[]
}

export interface CommittedOffset {
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | undefined
}

const committedByTopic: Codec<TxnOffsetCommitRequest['topics']> = array(
  struct({
    topic: string,
    partitions: array(
      struct<CommittedOffset>({
        partition: int32,
        offset: int64,
        leaderEpoch: int32,
        metadata: nullableString,
      }),
    ),
  }),
)

/** A group that has no members. */
const noMember = {
  generation: constant(int32, -1),
  member: constant(string, ''),
  instance: constant(nullableString, undefined),
}

interface NoMember {
  readonly generation?: unknown
  readonly member?: unknown
  readonly instance?: unknown
}

/** Puts an offset into a transaction; it counts when that is committed. */
export const txnOffsetCommitApi: Api<TxnOffsetCommitRequest, PartitionErrors> = {
  name: 'TxnOffsetCommit',
  key: 28,
  versions: [3, 5],
  flexibleSince: 3,
  request: struct<TxnOffsetCommitRequest & NoMember>({
    transactionalId: string,
    group: string,
    producerId: int64,
    producerEpoch: int16,
    ...noMember,
    topics: committedByTopic,
  }),
  response: partitionErrors,
}

export interface EndTxnRequest extends TransactionOwner {
  readonly isCommit: boolean
}

export interface EndTxnResponse extends PlainAnswer {
  /** The producer goes on under these; −1 = as before. */
  readonly producerId: number
  readonly producerEpoch: number
}

/** Ends a transaction. */
export const endTxnApi: Api<EndTxnRequest, EndTxnResponse> = {
  name: 'EndTxn',
  key: 26,
  versions: [1, 5],
  flexibleSince: 3,
  request: struct<EndTxnRequest>({
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    isCommit: boolean,
  }),
  response: struct<EndTxnResponse>({
    throttleMs: int32,
    error: int16,
    producerId: since(5, int64, -1),
    producerEpoch: since(5, int16, -1),
  }),
}

export interface OffsetCommitRequest {
  readonly group: string
  readonly topics: TxnOffsetCommitRequest['topics']
}

/** Commits offsets outside of any transaction. */
export const offsetCommitApi: Api<OffsetCommitRequest, PartitionErrors> = {
  name: 'OffsetCommit',
  key: 8,
  versions: [7, 8],
  flexibleSince: 8,
  request: struct<OffsetCommitRequest & NoMember>({
    group: string,
    ...noMember,
    topics: committedByTopic,
  }),
  response: partitionErrors,
}

export interface OffsetFetchRequest {
  readonly group: string
  readonly topics: readonly PartitionsByTopic[] | undefined
  /** Refused with a code while a transaction may still change the answer. */
  readonly requireStable: boolean
}

export interface OffsetFetchResponse {
  readonly throttleMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly FetchedPartition[]
  }[]
  /** Of the group as a whole: then the list of topics is empty, which does not say that there is no offset. */
  readonly error: number
}

export interface FetchedPartition {
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | undefined
  readonly error: number
}

/** What a group has committed. */
export const offsetFetchApi: Api<OffsetFetchRequest, OffsetFetchResponse> = {
  name: 'OffsetFetch',
  key: 9,
  versions: [7, 7],
  flexibleSince: 6,
  request: struct<OffsetFetchRequest>({
    group: string,
    topics: nullableArray(partitionsByTopic),
    requireStable: boolean,
  }),
  response: struct<OffsetFetchResponse>({
    throttleMs: int32,
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<FetchedPartition>({
            partition: int32,
            offset: int64,
            leaderEpoch: int32,
            metadata: nullableString,
            error: int16,
          }),
        ),
      }),
    ),
    error: int16,
  }),
}

export interface DescribeProducersRequest {
  readonly topics: readonly PartitionsByTopic[]
}

/** What a leader knows of a producer. */
export interface DescribedProducer {
  readonly id: number
  readonly epoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** Where its open transaction begins; −1 without one. */
  readonly openFrom: number
}

export interface DescribedPartition {
  readonly partition: number
  readonly error: number
  readonly message: string | undefined
  readonly producers: readonly DescribedProducer[]
}

export interface DescribeProducersResponse {
  readonly throttleMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly DescribedPartition[]
  }[]
}

/** Producers whose records a partition has (KIP-664); brokers have it from 2.8 on. */
export const describeProducersApi: Api<DescribeProducersRequest, DescribeProducersResponse> = {
  name: 'DescribeProducers',
  key: 61,
  versions: [0, 0],
  flexibleSince: 0,
  request: struct<DescribeProducersRequest>({ topics: array(partitionsByTopic) }),
  response: struct<DescribeProducersResponse>({
    throttleMs: int32,
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<DescribedPartition>({
            partition: int32,
            error: int16,
            message: nullableString,
            producers: array(
              struct<DescribedProducer>({
                id: int64,
                epoch: int32,
                lastSequence: int32,
                lastTimestamp: int64,
                coordinatorEpoch: int32,
                openFrom: int64,
              }),
            ),
          }),
        ),
      }),
    ),
  }),
}
