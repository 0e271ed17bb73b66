import type { TopicPartition } from '../src/connectors/kafka/transaction-requests.ts'
import type { HostPort, KafkaTransport, WireRequest } from '../src/connectors/kafka/transport.ts'
import { StreamError, unreachable } from '../src/core/error.ts'
import { type Arrival, arrivalOf, versionsOf } from './virtual-broker-answers.ts'
import { addressOf } from './virtual-broker-meeting.ts'
import {
  append,
  batchOfValues,
  type CommittedRecord,
  committedRecords,
  endBatch,
} from './virtual-broker-records.ts'
import type { OffsetPlace } from './virtual-broker-requests.ts'
import {
  type BrokerState,
  copyOfBroker,
  draw,
  emptyBroker,
  goOn,
  offsetOf,
  partitionOf,
  settleOffset,
  tellOne,
  textOfBroker,
  timeOut,
} from './virtual-broker-state.ts'

/**
 * What may happen to a request. `lost request`: it never arrives. `lost reply`: it has its effect, and the answer
 * is lost. `late`: it has its effect after others that were sent later. `bounce`: the broker dies, so the request
 * did or did not have its effect, and the next ones find no leader and no coordinator. `timeout`: the oldest open
 * transaction is aborted first, as it took too long.
 */
export type BrokerFault = 'lost request' | 'lost reply' | 'late' | 'bounce' | 'timeout'

/** What a process may do while it waits for a broker. */
export interface BrokerSurroundings {
  /** Called with the name of each request before it is sent; may throw: the request is then not sent. */
  readonly step: (name: string) => void
  /** Lets others go first, before the request and before its answer. */
  readonly pause?: (() => Promise<void>) | undefined
}

/**
 * A cluster of Kafka in memory, down to the bytes of its protocol, with transactions as they were seen on real brokers:
 * producers are fenced by epochs, transactions end before everybody has heard of it, and of two offsets in open
 * transactions that one stands which was appended last. It outlives the processes that use it. What is between processes
 * and it comes from a seed.
 */
export interface VirtualBroker {
  /** Where it is reached first. */
  readonly bootstrap: readonly HostPort[]
  /** The connections of one process. */
  transport(here: BrokerSurroundings): KafkaTransport
  /** Requests so far. */
  readonly requests: number
  /** A topic, unless it is there with as many partitions; more are added to one that has fewer. */
  createTopic(topic: string, partitions: number): void
  deleteTopic(topic: string): void
  /** Records of other producers arrive, in a transaction that overlaps with an aborted one. */
  append(to: TopicPartition, values: readonly Uint8Array[]): void
  /** Leaders forget the numbers of all producers, as they do after a time without records of theirs. */
  forgetProducers(): void
  /** The oldest open transaction is aborted, as it took too long. */
  timeOut(): void
  /** Everything that has ended is heard of everywhere; what is late never arrives. */
  settle(): void
  /** Records of a partition that nobody takes back any more. */
  committed(of: TopicPartition): readonly CommittedRecord[]
  /** Every offset that a group had committed at some time, oldest first; the last one stands. */
  markers(of: OffsetPlace): readonly { readonly offset: number; readonly metadata: string }[]
  /** Transactional ids with an open transaction. */
  open(): readonly string[]
  /** The same once more; what happens to one is nothing to the other. */
  twin(): VirtualBroker
  /** All it holds, as text that is equal for equal clusters; `undefined` while a late request is under way. */
  state(): string | undefined
}

export interface VirtualBrokerOptions {
  readonly seed?: number
  /** The newest kind of transactions that it has; the second is that of Kafka 4 (KIP-890). Default 2. */
  readonly transactionVersion?: 1 | 2
  /** Brokers of the cluster. Default 1. */
  readonly nodes?: number
  /** What happens to a request; requests are counted from 0. Default: nothing. */
  readonly fault?: (request: number, name: string) => BrokerFault | undefined
}

/** A cluster without topics. */
export function virtualBroker(options: VirtualBrokerOptions = {}): VirtualBroker {
  const { seed = 1, transactionVersion = 2, nodes = 1 } = options
  return brokerOver(emptyBroker({ seed, transactionVersion, nodes }), options)
}

function brokerOver(state: BrokerState, options: VirtualBrokerOptions): VirtualBroker {
  return {
    bootstrap: [addressOf(1)],
    transport: (here) => transportOf({ state, options, here }),
    get requests() {
      return state.requests
    },
    createTopic(topic, partitions) {
      const known = state.topics.get(topic)
      state.topicsMade += 1
      const id = known?.id ?? state.topicsMade.toString(16).padStart(32, '0')
      state.topics.set(topic, { id, partitions: Math.max(partitions, known?.partitions ?? 0) })
    },
    deleteTopic(topic) {
      state.topics.delete(topic)
      for (const name of [...state.partitions.keys()]) {
        if (name.startsWith(`${topic}/`)) state.partitions.delete(name)
      }
    },
    append: (to, values) => arrive(state, to, values),
    forgetProducers() {
      for (const { sequences } of state.partitions.values()) sequences.clear()
    },
    timeOut: () => timeOut(state),
    settle() {
      state.late.splice(0)
      while (tellOne(state) || settleOffset(state));
    },
    committed: (of) => committedRecords(partitionOf(state, of)),
    markers: (of) => offsetOf(state, of.group, of).stood,
    open: () =>
      [...state.transactions].flatMap(([id, { state: stage }]) =>
        stage === 'Ongoing' ? [id] : [],
      ),
    twin: () => brokerOver(copyOfBroker(state), options),
    state: () => textOfBroker(state),
  }
}

/** Both transactions are here at once, and which one ends first is drawn by lot. */
function arrive(state: BrokerState, to: TopicPartition, values: readonly Uint8Array[]): void {
  const partition = partitionOf(state, to)
  const [good, bad] = [state.producers++, state.producers++]
  const add = (producer: number, value: Uint8Array): void => {
    const owner = { producer, epoch: 0, sequence: -1 }
    append(partition, batchOfValues([value], owner), { producer, end: undefined })
  }
  const end = (producer: number, how: 'commit' | 'abort'): void => {
    append(partition, endBatch({ producer, epoch: 0 }, how), { producer, end: how })
  }
  for (const [at, value] of values.entries()) {
    if (at === 0 || draw(state) < 0.3) add(bad, value)
    add(good, value)
  }
  const isGoodFirst = draw(state) < 0.5
  if (isGoodFirst) end(good, 'commit')
  end(bad, 'abort')
  if (!isGoodFirst) end(good, 'commit')
}

interface Connection {
  readonly state: BrokerState
  readonly options: VirtualBrokerOptions
  readonly here: BrokerSurroundings
}

function transportOf(connection: Connection): KafkaTransport {
  const versions = versionsOf(connection.state)
  return {
    link: (address) => ({
      address,
      versions: async () => versions,
      request: (request) => sent(connection, address, request),
      close: async () => undefined,
    }),
    close: async () => undefined,
  }
}

/** How many requests find neither leaders nor coordinators after a broker died. */
const requestsAway = 3
/** A request is late by no more than this many others. */
const lateMax = 40

async function sent(
  { state, options, here }: Connection,
  address: HostPort,
  request: WireRequest,
): Promise<Uint8Array> {
  const arrival = arrivalOf(address.port - addressOf(0).port, request)
  const { name } = arrival
  await here.pause?.()
  here.step(`broker ${name}`)
  const number = state.requests
  const fault = options.fault?.(number, name)
  goOn(state)
  const answer =
    fault === undefined
      ? arrival.effect(state, number < state.awayUntil)
      : disturbed(state, { arrival, fault, number })
  await here.pause?.()
  if (answer !== undefined) return answer
  throw new StreamError('KAFKA_CONNECTION_LOST', {
    address: `${address.host}:${address.port}`,
    request: request.name,
    why: 'it was closed',
  })
}

/** The answer, if there is one in spite of the fault. */
function disturbed(
  state: BrokerState,
  {
    arrival,
    fault,
    number,
  }: { readonly arrival: Arrival; readonly fault: BrokerFault; readonly number: number },
): Uint8Array | undefined {
  const { effect, isQuestion, name } = arrival
  switch (fault) {
    case 'lost request':
      return undefined
    case 'lost reply':
      effect(state, false)
      return undefined
    case 'bounce':
      if (draw(state) < 0.5) effect(state, false)
      state.awayUntil = number + requestsAway
      if (state.nodes > 1) state.moves += 1
      return undefined
    case 'late':
      // What begins a transaction anew after its end would stay open for ever: brokers look after that by themselves.
      if (!isQuestion && !name.startsWith('Add')) {
        const after = Math.floor(draw(state) * draw(state) * lateMax)
        state.late.push({ at: number + 2 + after, effect: (then) => void effect(then, false) })
      }
      return undefined
    case 'timeout':
      timeOut(state)
      return effect(state, false)
    default:
      return unreachable(fault)
  }
}
