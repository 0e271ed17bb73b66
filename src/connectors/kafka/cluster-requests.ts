import { StreamError } from '../../core/error.ts'
import type { CoordinatorKey, KafkaCluster } from './cluster.ts'
import type { Api } from './protocol/api.ts'
import { type ProducedRecords, produceApi } from './protocol/data-api.ts'
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  endTxnApi,
  initProducerIdApi,
  offsetFetchApi,
  type PartitionErrors,
  secondTransactions,
  txnOffsetCommitApi,
} from './protocol/transaction-api.ts'
import type { PackedRecords } from './records/record-writer.ts'
import {
  type FetchedOffset,
  kafkaError,
  type Producer,
  type TopicPartition,
  type TransactionRequests,
} from './transaction-requests.ts'

export interface ClusterRequestOptions {
  readonly cluster: KafkaCluster
  /** A transaction that is open for longer is aborted by the brokers, milliseconds. */
  readonly transactionTimeoutMs: number
  /** How long a broker may wait for its followers, milliseconds. */
  readonly requestTimeoutMs: number
}

/** The requests of transactions, sent to the brokers of a cluster that are to answer them. */
export function clusterRequests(
  options: ClusterRequestOptions,
): TransactionRequests<PackedRecords> {
  const { cluster } = options
  return {
    async initProducer(transactionalId, current) {
      const found = await askCoordinator(cluster, ofTransaction(transactionalId), {
        api: initProducerIdApi,
        request: {
          transactionalId,
          timeoutMs: options.transactionTimeoutMs,
          producerId: current?.id ?? -1,
          producerEpoch: current?.epoch ?? -1,
        },
        errorOf: ({ error }) => error,
      })
      const { error, answer } = found
      if (error !== kafkaError.none || answer === undefined) return { error, producer: undefined }
      const { producerId: id, producerEpoch: epoch } = answer
      return { error, producer: { transactionalId, id, epoch } }
    },
    async addPartition(producer, to) {
      if ((await cluster.features()).hasSecondTransactions) return kafkaError.none
      const { error } = await askCoordinator(cluster, ofTransaction(producer.transactionalId), {
        api: addPartitionsToTxnApi,
        request: {
          ...ownerOf(producer),
          topics: [{ topic: to.topic, partitions: [to.partition] }],
        },
        errorOf: firstError,
      })
      return error
    },
    produce: (producer, to, sequence, records) =>
      produce(options, { producer, to, sequence, records }),
    async addOffsets(producer, group) {
      if ((await cluster.features()).hasSecondTransactions) return kafkaError.none
      const { error } = await askCoordinator(cluster, ofTransaction(producer.transactionalId), {
        api: addOffsetsToTxnApi,
        request: { ...ownerOf(producer), group },
        errorOf: (answer) => answer.error,
      })
      return error
    },
    commitOffset: (producer, of, committed) => commitOffset(cluster, producer, of, committed),
    endTransaction: (producer, how) => endTransaction(cluster, producer, how),
    fetchOffset: (of) => fetchOffset(cluster, of),
  }
}

async function commitOffset(
  cluster: KafkaCluster,
  producer: Producer,
  { group, topic, partition }: TopicPartition & { readonly group: string },
  { offset, metadata }: { readonly offset: number; readonly metadata: string },
): Promise<number> {
  const { error } = await askCoordinator(
    cluster,
    { type: 'group', key: group },
    {
      api: txnOffsetCommitApi,
      maxVersion: await newestOf(cluster, secondTransactions.txnOffsetCommit),
      request: {
        ...ownerOf(producer),
        group,
        topics: [{ topic, partitions: [{ partition, offset, leaderEpoch: -1, metadata }] }],
      },
      errorOf: firstError,
    },
  )
  return error
}

async function endTransaction(
  cluster: KafkaCluster,
  producer: Producer,
  how: 'commit' | 'abort',
): Promise<{ readonly error: number; readonly producer: Producer }> {
  const { error, answer } = await askCoordinator(cluster, ofTransaction(producer.transactionalId), {
    api: endTxnApi,
    maxVersion: await newestOf(cluster, secondTransactions.endTxn),
    request: { ...ownerOf(producer), isCommit: how === 'commit' },
    errorOf: (ended) => ended.error,
  })
  if (answer === undefined || answer.producerId < 0) return { error, producer }
  const { producerId: id, producerEpoch: epoch } = answer
  return { error, producer: { ...producer, id, epoch } }
}

async function fetchOffset(
  cluster: KafkaCluster,
  { group, topic, partition }: TopicPartition & { readonly group: string },
): Promise<FetchedOffset> {
  const { error, answer } = await askCoordinator(
    cluster,
    { type: 'group', key: group },
    {
      api: offsetFetchApi,
      request: { group, topics: [{ topic, partitions: [partition] }], requireStable: true },
      // A coordinator that is not ready says so here, with an empty list.
      errorOf: (fetched) => fetched.error,
    },
  )
  const found = answer?.topics[0]?.partitions[0]
  if (error !== kafkaError.none) return { error, offset: -1, metadata: '' }
  if (found === undefined) {
    const what = `no offset of ${topic}/${partition} in the answer for group ${group}`
    throw new StreamError('KAFKA_ANSWER_INVALID', {
      address: 'coordinator',
      request: 'OffsetFetch',
      what,
    })
  }
  return { error: found.error, offset: found.offset, metadata: found.metadata ?? '' }
}

function ofTransaction(transactionalId: string): CoordinatorKey {
  return { type: 'transaction', key: transactionalId }
}

function ownerOf({ transactionalId, id, epoch }: Producer): {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
} {
  return { transactionalId, producerId: id, producerEpoch: epoch }
}

/** The version from which on a request begins a transaction by itself may only be used where brokers expect that. */
async function newestOf(cluster: KafkaCluster, first: number): Promise<number | undefined> {
  return (await cluster.features()).hasSecondTransactions ? undefined : first - 1
}

function firstError({ topics }: PartitionErrors): number {
  return topics[0]?.partitions[0]?.error ?? kafkaError.unknownServerError
}

/** What a coordinator is asked. */
export interface Question<Request, Response> {
  readonly api: Api<Request, Response>
  readonly maxVersion?: number | undefined
  readonly request: Request
  readonly errorOf: (answer: Response) => number
}

/** A coordinator's code, and the answer if there was one. */
export async function askCoordinator<Request, Response>(
  cluster: KafkaCluster,
  of: CoordinatorKey,
  { api, maxVersion, request, errorOf }: Question<Request, Response>,
): Promise<{ readonly error: number; readonly answer?: Response }> {
  try {
    // What later requests need to know is asked for with the first one, where it may fail like any other.
    await cluster.features()
    const { error: away, node } = await cluster.coordinator(of)
    if (away !== kafkaError.none) return { error: away }
    const answer = await cluster.ask(node, api, request, maxVersion)
    const error = errorOf(answer)
    if (hasMoved.has(error)) cluster.forgetCoordinator(of)
    return { error, answer }
  } catch (thrown) {
    cluster.forgetCoordinator(of)
    return { error: codeOf(thrown) }
  }
}

const hasMoved: ReadonlySet<number> = new Set([
  kafkaError.coordinatorNotAvailable,
  kafkaError.notCoordinator,
])

/** What is not known to have had no effect may have had it. */
export function codeOf(thrown: unknown): number {
  if (!(thrown instanceof StreamError)) throw thrown
  if (thrown.code === 'KAFKA_UNREACHABLE') return kafkaError.coordinatorNotAvailable
  if (thrown.code === 'KAFKA_CONNECTION_LOST') return kafkaError.networkException
  throw thrown
}

/** Records that are to be appended. */
export interface NewRecords {
  /** Without a transactional id: they count at once. */
  readonly producer: Omit<Producer, 'transactionalId'> & {
    readonly transactionalId: string | undefined
  }
  readonly to: TopicPartition
  /** The number of the first one in the partition, by producer and epoch. */
  readonly sequence: number
  readonly records: PackedRecords
}

/** Appends a batch, which gets the number of its first record only now. Answers with a code of the protocol. */
export async function produce(
  { cluster, requestTimeoutMs }: Pick<ClusterRequestOptions, 'cluster' | 'requestTimeoutMs'>,
  { producer, to, sequence, records }: NewRecords,
): Promise<number> {
  const batch = records.finish({
    isTransactional: producer.transactionalId !== undefined,
    producerId: producer.id,
    producerEpoch: producer.epoch,
    baseSequence: sequence,
  })
  const { topic, partition } = to
  try {
    const leader = await cluster.leader(to)
    if (leader === undefined) return kafkaError.notLeader
    const request = {
      transactionalId: producer.transactionalId,
      acks: -1,
      timeoutMs: requestTimeoutMs,
      topics: [{ topic, partitions: [{ partition, records: batch }] }],
    }
    const maxVersion = await newestOf(cluster, secondTransactions.produce)
    const answer = await cluster.ask(leader.node, produceApi, request, maxVersion)
    const found: ProducedRecords | undefined = answer.topics[0]?.partitions[0]
    const error = found?.error ?? kafkaError.unknownServerError
    if (error !== kafkaError.none) cluster.forgetLeader(to)
    return error
  } catch (thrown) {
    cluster.forgetLeader(to)
    const code = codeOf(thrown)
    return code === kafkaError.coordinatorNotAvailable ? kafkaError.notLeader : code
  }
}
