import type { Api } from '../src/connectors/kafka/protocol/api.ts'
import { kafkaError, type TopicPartition } from '../src/connectors/kafka/transaction-requests.ts'
import type { HostPort } from '../src/connectors/kafka/transport.ts'
import type { BrokerState } from './virtual-broker-state.ts'

/** What a request meets at a broker. */
export interface Meeting {
  readonly state: BrokerState
  readonly node: number
  readonly version: number
  /** Leaders and coordinators are away for now. */
  readonly isAway: boolean
}

/** A kind of request as these brokers answer it. */
export interface Answer<Request, Response> {
  readonly api: Api<Request, Response>
  /** What it is about, in a word or two: the same for equal requests of equal runs. */
  readonly about: (request: Request) => string
  readonly effect: (request: Request, meeting: Meeting) => Response
}

/** One that is in the table of all. */
export interface AnyAnswer {
  readonly api: Api<unknown, unknown>
  readonly about: (request: unknown) => string
  readonly effect: (request: unknown, meeting: Meeting) => unknown
}

/** Nobody is slowed down. */
export const throttleMs = 0

/** Where the brokers listen. */
export function addressOf(node: number): HostPort {
  return { host: 'virtual', port: 9_000 + node }
}

/** The broker that leads a partition. */
export function leaderOf({ nodes, moves }: BrokerState, { partition }: TopicPartition): number {
  return ((partition + moves) % nodes) + 1
}

/** The broker that looks after groups and transactional ids. */
export function coordinatorOf({ nodes, moves }: BrokerState): number {
  return (moves % nodes) + 1
}

export function answering<Request, Response>(answer: Answer<Request, Response>): AnyAnswer {
  return {
    api: answer.api,
    about: (request) => answer.about(request as Request),
    effect: (request, meeting) => answer.effect(request as Request, meeting),
  }
}

/** What a coordinator says that does not do what it was asked. */
export function notHere({ state, node, isAway }: Meeting): number {
  return isAway || node !== coordinatorOf(state) ? kafkaError.notCoordinator : kafkaError.none
}

export function notLed({ state, node, isAway }: Meeting, of: TopicPartition): number {
  const count = state.topics.get(of.topic)?.partitions
  if (count === undefined || of.partition >= count) return kafkaError.unknownTopicOrPartition
  return isAway || node !== leaderOf(state, of) ? kafkaError.notLeader : kafkaError.none
}

/** The code of a request, if the broker is the one to ask. */
export function codeOf(meeting: Meeting, effect: () => number): number {
  return notHere(meeting) || effect()
}

/** Partitions of a request, one after the other. */
export function byPartition<Partition, Answered>(
  topics: readonly { readonly topic: string; readonly partitions: readonly Partition[] }[],
  each: (topic: string, partition: Partition) => Answered,
): readonly { readonly topic: string; readonly partitions: readonly Answered[] }[] {
  return topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) => each(topic, partition)),
  }))
}

export function partitionsIn(
  topics: readonly {
    readonly topic: string
    readonly partitions: readonly (number | { readonly partition: number })[]
  }[],
): string {
  return topics
    .flatMap(({ topic, partitions }) =>
      partitions.map((each) => `${topic}/${typeof each === 'number' ? each : each.partition}`),
    )
    .join(' ')
}
