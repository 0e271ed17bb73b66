import { type Clock, sleep } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import type { KafkaCluster } from './cluster.ts'
import { refusedError } from './error-codes.ts'
import { partitionName } from './offsets-json.ts'
import {
  type FoundOffset,
  listOffsetsApi,
  type OffsetQuestion,
  type TopicMetadata,
} from './protocol/cluster-api.ts'
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

/** The same of many partitions by name, with one request for each broker that leads some of them. */
export async function offsetsAtTime(
  asking: Asking,
  partitions: readonly TopicPartition[],
  question: { readonly timestamp: number; readonly isolation: number },
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const byLeader = await ledBy(asking, partitions)
  await Promise.all(
    [...byLeader].map(async ([node, led]) => {
      for (const [name, offset] of await offsetsOfLeader(asking, node, led, question)) {
        found.set(name, offset)
      }
    }),
  )
  // Whoever did not answer, or does not lead any more, is asked again until there is an answer.
  for (const of of partitions) {
    const name = partitionName(of)
    if (!found.has(name)) found.set(name, (await offsetAtTime(asking, of, question)).offset)
  }
  return found
}

/** A partition and the epoch of its leader, as far as is known. */
interface Led extends TopicPartition {
  readonly leaderEpoch: number
}

async function ledBy(
  { cluster }: Asking,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<number, readonly Led[]>> {
  const byLeader = new Map<number, Led[]>()
  for (const of of partitions) {
    const leader = await cluster.leader(of).catch(unlessPassing)
    if (leader === undefined) continue
    const led = byLeader.get(leader.node) ?? []
    led.push({ ...of, leaderEpoch: leader.leaderEpoch })
    byLeader.set(leader.node, led)
  }
  return byLeader
}

async function offsetsOfLeader(
  { cluster }: Asking,
  node: number,
  led: readonly Led[],
  { timestamp, isolation }: { readonly timestamp: number; readonly isolation: number },
): Promise<readonly (readonly [string, number])[]> {
  const topics = new Map<string, OffsetQuestion[]>()
  for (const { topic, partition, leaderEpoch } of led) {
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, leaderEpoch, timestamp }])
  }
  const request = {
    isolation,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  }
  const answer = await cluster.ask(node, listOffsetsApi, request).catch(unlessPassing)
  return (answer?.topics ?? []).flatMap(({ topic, partitions }) =>
    partitions.flatMap(({ partition, error, offset }) =>
      error === kafkaError.none ? [[partitionName({ topic, partition }), offset] as const] : [],
    ),
  )
}

/** What may be better at the next try is no answer. */
function unlessPassing(thrown: unknown): undefined {
  if (!(thrown instanceof StreamError) || thrown.retry === 'never') throw thrown
  return undefined
}
