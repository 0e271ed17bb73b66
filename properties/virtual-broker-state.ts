import {
  kafkaError,
  type Producer,
  type TopicPartition,
} from '../src/connectors/kafka/transaction-requests.ts'
import { seededRandom } from '../src/core/random.ts'
import { append, type BrokerPartition, endBatch } from './virtual-broker-records.ts'

/** A transactional id, as its coordinator knows it. */
export interface BrokerTransaction {
  readonly producer: number
  readonly epoch: number
  /** The epoch that the same process had before; another one that takes it over leaves none. */
  readonly epochBefore: number | undefined
  readonly state:
    | 'Empty'
    | 'Ongoing'
    | 'PrepareCommit'
    | 'PrepareAbort'
    | 'CompleteCommit'
    | 'CompleteAbort'
  readonly partitions: readonly string[]
  readonly groups: readonly string[]
  /** Partitions and groups that have not heard of the end yet. */
  readonly untold: readonly string[]
}

/** A record of the log of offsets; `at` is its place there. */
export interface CommittedOffset {
  readonly offset: number
  readonly metadata: string
  readonly at: number
}

/** What a group has committed for one partition. */
export interface GroupOffset {
  readonly committed: CommittedOffset | undefined
  /** All that were committed and stood for a time, oldest first. */
  readonly stood: readonly CommittedOffset[]
  /** Those of transactions, until their end has been worked off. */
  readonly pending: readonly (CommittedOffset & {
    readonly producer: number
    readonly ended: 'commit' | 'abort' | undefined
  })[]
}

/** A member of a group. */
export interface GroupMemberState {
  readonly metadata: Uint8Array
  /** It has asked to be in the next generation … */
  readonly hasAsked: boolean
  /** … and has had its answer. */
  readonly isTold: boolean
  /** The last request that it asked something with. */
  readonly heardAt: number
  readonly assignment: Uint8Array | undefined
}

/** A group, in the order in which its members came. */
export interface BrokerGroup {
  readonly generation: number
  readonly stage: 'joining' | 'sharing' | 'stable'
  readonly members: ReadonlyMap<string, GroupMemberState>
}

/** A topic; one of the same name that is made later has another id. */
export interface BrokerTopic {
  readonly id: string
  readonly partitions: number
}

/** Everything that the brokers of a cluster know. */
export interface BrokerState {
  readonly seed: number
  /** The newest of the two kinds of transactions that it has. */
  readonly transactionVersion: 1 | 2
  readonly nodes: number
  draws: number
  requests: number
  /** Leaders and coordinators answer nobody before this request … */
  awayUntil: number
  /** … and are others then: each has gone on so many brokers. */
  moves: number
  producers: number
  /** Records in the log of offsets. */
  offsetRecords: number
  readonly topics: Map<string, BrokerTopic>
  /** Topics so far. */
  topicsMade: number
  readonly partitions: Map<string, BrokerPartition>
  readonly transactions: Map<string, BrokerTransaction>
  /** By group and partition. */
  readonly offsets: Map<string, GroupOffset>
  readonly groups: Map<string, BrokerGroup>
  /** Names of members so far. */
  names: number
  /** Requests whose senders have given up waiting, and when they arrive. */
  readonly late: { readonly at: number; readonly effect: (state: BrokerState) => void }[]
}

/** Brokers without topics. */
export function emptyBroker(
  of: Pick<BrokerState, 'seed' | 'transactionVersion' | 'nodes'>,
): BrokerState {
  return {
    ...of,
    draws: 0,
    requests: 0,
    awayUntil: 0,
    moves: 0,
    producers: 0,
    offsetRecords: 0,
    topics: new Map(),
    topicsMade: 0,
    partitions: new Map(),
    transactions: new Map(),
    offsets: new Map(),
    groups: new Map(),
    names: 0,
    late: [],
  }
}

/** The same once more; what happens to one is nothing to the other. */
export function copyOfBroker(state: BrokerState): BrokerState {
  const partitions = new Map<string, BrokerPartition>()
  for (const [name, { batches, sequences }] of state.partitions) {
    partitions.set(name, { batches: [...batches], sequences: new Map(sequences) })
  }
  return {
    ...state,
    topics: new Map(state.topics),
    partitions,
    transactions: new Map(state.transactions),
    offsets: new Map(state.offsets),
    groups: new Map(state.groups),
    late: [...state.late],
  }
}

/** All of it as text; `undefined` while a request is under way whose sender has given up. */
export function textOfBroker(state: BrokerState): string | undefined {
  if (state.late.length > 0) return undefined
  return JSON.stringify(state, (_, value: unknown) => {
    if (value instanceof Map) return [...value]
    return value instanceof Uint8Array ? textOfBatch(value) : value
  })
}

/** A batch without the times that its records were given and its checksum: they decide nothing. */
function textOfBatch(batch: Uint8Array): string {
  const text = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength).toString('latin1')
  return `${text.slice(0, 17)}${text.slice(21, 27)}${text.slice(43)}`
}

/** A number in [0, 1) that follows from the seed and all that was drawn before. */
export function draw(state: BrokerState): number {
  return seededRandom(state.seed * 7919 + state.draws++).next()
}

/** The partition with everything in it; made when it is first asked for. */
export function partitionOf(state: BrokerState, of: TopicPartition): BrokerPartition {
  const name = nameOf(of)
  const found = state.partitions.get(name)
  if (found !== undefined) return found
  const made: BrokerPartition = { batches: [], sequences: new Map() }
  state.partitions.set(name, made)
  return made
}

/** What a group has committed for a partition. */
export function offsetOf(state: BrokerState, group: string, of: TopicPartition): GroupOffset {
  return (
    state.offsets.get(`${group} ${nameOf(of)}`) ?? { committed: undefined, stood: [], pending: [] }
  )
}

/** What a broker does by itself between two requests, as far as it gets. */
export function goOn(state: BrokerState): void {
  state.requests += 1
  for (const arrived of state.late.filter(({ at }) => at <= state.requests)) {
    state.late.splice(state.late.indexOf(arrived), 1)
    arrived.effect(state)
  }
  if (draw(state) < 0.5) tellOne(state)
  if (draw(state) < 0.5) settleOffset(state)
}

/** Tells a partition or a group of the end of a transaction; `false` if there is nothing left to tell. */
export function tellOne(state: BrokerState): boolean {
  for (const [id, transaction] of state.transactions) {
    const { untold, state: stage } = transaction
    if (stage !== 'PrepareCommit' && stage !== 'PrepareAbort') continue
    const place = Math.floor(draw(state) * untold.length)
    const name = untold[place]
    const isCommit = stage === 'PrepareCommit'
    if (name !== undefined) tell(state, name, transaction, isCommit ? 'commit' : 'abort')
    const rest = untold.filter((_, at) => at !== place)
    const complete = isCommit ? 'CompleteCommit' : 'CompleteAbort'
    state.transactions.set(id, {
      ...transaction,
      untold: rest,
      state: rest.length === 0 ? complete : stage,
    })
    return true
  }
  return false
}

function tell(
  state: BrokerState,
  name: string,
  { producer, epoch }: BrokerTransaction,
  ended: 'commit' | 'abort',
): void {
  const partition = state.partitions.get(name)
  if (partition !== undefined) {
    append(partition, endBatch({ producer, epoch }, ended), { producer, end: ended })
  }
  for (const [key, offset] of state.offsets) {
    if (!key.startsWith(`${name} `)) continue
    const pending = offset.pending.map((each) =>
      each.producer === producer && each.ended === undefined ? ({ ...each, ended } as const) : each,
    )
    state.offsets.set(key, { ...offset, pending })
  }
}

/**
 * Works off one offset whose transaction has ended, later than its transaction says so. The one that was appended
 * last stands: an older one is passed over, whatever was committed last.
 */
export function settleOffset(state: BrokerState): boolean {
  for (const [key, { committed, stood, pending }] of state.offsets) {
    const ended = pending.find((each) => each.ended !== undefined)
    if (ended === undefined) continue
    const isNewer = committed === undefined || committed.at < ended.at
    const stands = ended.ended === 'commit' && isNewer
    const { offset, metadata, at } = ended
    const settled = { offset, metadata, at }
    state.offsets.set(key, {
      committed: stands ? settled : committed,
      stood: stands ? [...stood, settled] : stood,
      pending: pending.filter((each) => each !== ended),
    })
    return true
  }
  return false
}

/** Ends the oldest open transaction, as a coordinator does that has waited too long for it. */
export function timeOut(state: BrokerState): void {
  for (const [id, transaction] of state.transactions) {
    if (transaction.state !== 'Ongoing') continue
    state.transactions.set(id, beginEnd(fenced(state, transaction), 'abort'))
    return
  }
}

/**
 * The transaction under an epoch that its producer does not have. In the second kind of transactions it may be the
 * one after the end that the producer has asked for.
 */
export function fenced(
  { transactionVersion }: BrokerState,
  transaction: BrokerTransaction,
): BrokerTransaction {
  const { epoch } = transaction
  return {
    ...transaction,
    epoch: epoch + 1,
    epochBefore: transactionVersion === 2 ? epoch : undefined,
  }
}

/** A transaction that is about to end. */
export function beginEnd(
  transaction: BrokerTransaction,
  how: 'commit' | 'abort',
): BrokerTransaction {
  const { partitions, groups } = transaction
  const untold = [...partitions, ...groups]
  return { ...transaction, state: how === 'commit' ? 'PrepareCommit' : 'PrepareAbort', untold }
}

/** How partitions are named in transactions. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** What is wrong with a producer, by the answer that the request in question gives to an old one. */
export function refusal(
  state: BrokerState,
  { transactionalId, id, epoch }: Producer,
  ofOld: number,
): number {
  const known = state.transactions.get(transactionalId)
  if (known?.producer !== id) return kafkaError.invalidProducerMapping
  return epoch < known.epoch ? ofOld : kafkaError.none
}
