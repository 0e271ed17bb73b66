import { type Clock, sleep } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import type { KafkaCluster } from './cluster.ts'
import { refusedError } from './error-codes.ts'
import { partitionName } from './offsets-json.ts'
import { type FoundOffset, listOffsetsApi, type TopicMetadata } from './protocol/cluster-api.ts'
import { kafkaError, type TopicPartition } from './transaction-requests.ts'

/** Everything that asking leaders takes. */
export interface Asking {
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** How long leaders are asked again that are away or are others now, milliseconds. */
  readonly patienceMs: number
}

/** How long to wait before a leader is looked up again. */
const retryDelayMs = 50

/** Leaders have changed, are being chosen, or are away. */
const comesBack: ReadonlySet<number> = new Set([
  kafkaError.unknownTopicOrPartition,
  kafkaError.leaderNotAvailable,
  kafkaError.notLeader,
  kafkaError.requestTimedOut,
  kafkaError.replicaNotAvailable,
  kafkaError.networkException,
  kafkaError.storageError,
  kafkaError.fencedLeaderEpoch,
  kafkaError.unknownLeaderEpoch,
  kafkaError.offsetNotAvailable,
])

/**
 * The topics as they are now; `undefined` = all of them. Brokers that are away are asked again.
 * @throws StreamError `KAFKA_UNREACHABLE` when patience is over
 */
export function topicsNow(
  asking: Asking,
  names: readonly string[] | undefined,
): Promise<readonly TopicMetadata[]> {
  return patiently(asking, async () => ({ answer: (await asking.cluster.metadata(names)).topics }))
}

/**
 * Asks the leader of a partition until it has an answer, whoever that is by then.
 *
 * @param ask gives the answer with its code
 * @throws StreamError for a code that stays, and when patience is over
 */
export function askLeader<Answer extends { readonly error: number }>(
  asking: Asking,
  of: TopicPartition,
  request: string,
  ask: (node: number, leaderEpoch: number) => Promise<Answer>,
): Promise<Answer> {
  const { cluster } = asking
  return patiently(
    asking,
    async () => {
      const leader = await cluster.leader(of)
      const answer = leader === undefined ? undefined : await ask(leader.node, leader.leaderEpoch)
      const code = answer?.error ?? kafkaError.leaderNotAvailable
      if (answer !== undefined && !comesBack.has(code)) return { answer }
      const resource = `topic ${of.topic}, partition ${of.partition}`
      return { failure: refusedError(code, { request, resource, operation: 'Read' }) }
    },
    () => cluster.forgetLeader(of),
  )
}

/** Asks again after failures that pass, which are told to `failed`, as long as there is patience. */
async function patiently<Answer>(
  { clock, patienceMs }: Asking,
  ask: () => Promise<{ readonly answer: Answer } | { readonly failure: StreamError }>,
  failed: () => void = () => undefined,
): Promise<Answer> {
  const untilMs = clock.monotonic() + patienceMs
  for (;;) {
    let failure: StreamError
    try {
      const found = await ask()
      if ('answer' in found) return found.answer
      failure = found.failure
    } catch (thrown) {
      if (!(thrown instanceof StreamError) || thrown.retry === 'never') throw thrown
      failure = thrown
    }
    failed()
    if (clock.monotonic() >= untilMs) throw failure
    await sleep(clock, retryDelayMs)
  }
}

/** The offset of a partition at a time or an end of it; a reader of committed records has its own end. */
export async function offsetAtTime(
  asking: Asking,
  of: TopicPartition,
  { timestamp, isolation }: { readonly timestamp: number; readonly isolation: number },
): Promise<FoundOffset> {
  const found = await askLeader(asking, of, 'ListOffsets', async (node, leaderEpoch) => {
    const partitions = [{ partition: of.partition, leaderEpoch, timestamp }]
    const request = { isolation, topics: [{ topic: of.topic, partitions }] }
    const { topics } = await asking.cluster.ask(node, listOffsetsApi, request)
    const answer = topics[0]?.partitions[0]
    if (answer !== undefined) return answer
    throw new StreamError('KAFKA_ANSWER_INVALID', {
      address: `broker ${node}`,
      request: 'ListOffsets',
      what: `nothing of ${partitionName(of)}`,
    })
  })
  if (found.error === kafkaError.none) return found
  throw refusedError(found.error, {
    request: 'ListOffsets',
    resource: `topic ${of.topic}`,
    operation: 'Describe',
  })
}
