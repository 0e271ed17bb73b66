import {
  kafkaError,
  type Producer,
  type TopicPartition,
} from '../src/connectors/kafka/transaction-requests.ts'
import { seededRandom } from '../src/core/random.ts'

/** An entry of a partition; its offset is its place. */
export type BrokerRecord =
  | { readonly type: 'data'; readonly producer: number; readonly value: unknown }
  /** The transaction that the producer had open here has ended. */
  | { readonly type: 'end'; readonly producer: number; readonly isCommit: boolean }

/** One partition of a topic. */
export interface BrokerPartition {
  readonly records: BrokerRecord[]
  /** The next sequence number of each producer. */
  readonly sequences: Map<number, { readonly epoch: number; readonly next: number }>
}

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

/** Everything a broker knows. */
export interface BrokerState {
  readonly seed: number
  draws: number
  requests: number
  /** The coordinator answers nobody before this request. */
  awayUntil: number
  producers: number
  /** Records in the log of offsets. */
  offsetRecords: number
  readonly partitions: Map<string, BrokerPartition>
  readonly transactions: Map<string, BrokerTransaction>
  /** By group and partition. */
  readonly offsets: Map<string, GroupOffset>
  /** Requests whose senders have given up waiting, and when they arrive. */
  readonly late: { readonly at: number; readonly effect: (state: BrokerState) => void }[]
}

/** A broker without topics. */
export function emptyBroker(seed: number): BrokerState {
  return {
    seed,
    draws: 0,
    requests: 0,
    awayUntil: 0,
    producers: 0,
    offsetRecords: 0,
    partitions: new Map(),
    transactions: new Map(),
    offsets: new Map(),
    late: [],
  }
}

/** The same once more; what happens to one is nothing to the other. */
export function copyOfBroker(state: BrokerState): BrokerState {
  const partitions = new Map<string, BrokerPartition>()
  for (const [name, { records, sequences }] of state.partitions) {
    partitions.set(name, { records: [...records], sequences: new Map(sequences) })
  }
  return {
    ...state,
    partitions,
    transactions: new Map(state.transactions),
    offsets: new Map(state.offsets),
    late: [...state.late],
  }
}

/** All of it as text; `undefined` while a request is under way whose sender has given up. */
export function textOfBroker(state: BrokerState): string | undefined {
  if (state.late.length > 0) return undefined
  return JSON.stringify(state, (_, value: unknown) => {
    if (value instanceof Map) return [...value]
    // What JSON would write alike.
    const isOther = typeof value === 'bigint' || typeof value === 'number'
    return isOther ? `${Object.is(value, -0) ? '-0' : value} ${typeof value}` : value
  })
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
  const made: BrokerPartition = { records: [], sequences: new Map() }
  state.partitions.set(name, made)
  return made
}

/** What a group has committed for a partition. */
export function offsetOf(state: BrokerState, group: string, of: TopicPartition): GroupOffset {
  return (
    state.offsets.get(`${group} ${nameOf(of)}`) ?? { committed: undefined, stood: [], pending: [] }
  )
}

/** The offset up to which a reader of committed records may read: that of the oldest open transaction. */
export function stableEnd({ records }: BrokerPartition): number {
  const fates = fatesOf(records)
  const open = fates.indexOf('open')
  return open === -1 ? records.length : open
}

/** Values of committed records with their offsets, below the stable end. */
export function committedRecords({
  records,
}: BrokerPartition): readonly { readonly offset: number; readonly value: unknown }[] {
  const fates = fatesOf(records)
  const open = fates.indexOf('open')
  return records.slice(0, open === -1 ? records.length : open).flatMap((record, offset) => {
    const isCommitted = record.type === 'data' && fates[offset] === 'committed'
    return isCommitted ? [{ offset, value: record.value }] : []
  })
}

/** What became of each record: the next end of its producer's transaction says so. */
function fatesOf(
  records: readonly BrokerRecord[],
): readonly ('open' | 'committed' | 'aborted' | 'end')[] {
  const ends = new Map<number, 'committed' | 'aborted'>()
  return records
    .toReversed()
    .map((record) => {
      if (record.type === 'data') return ends.get(record.producer) ?? 'open'
      ends.set(record.producer, record.isCommit ? 'committed' : 'aborted')
      return 'end'
    })
    .toReversed()
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
    const { untold, producer, state: stage } = transaction
    if (stage !== 'PrepareCommit' && stage !== 'PrepareAbort') continue
    const place = Math.floor(draw(state) * untold.length)
    const name = untold[place]
    const isCommit = stage === 'PrepareCommit'
    if (name !== undefined) tell(state, name, { producer, isCommit })
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
  { producer, isCommit }: { readonly producer: number; readonly isCommit: boolean },
): void {
  state.partitions.get(name)?.records.push({ type: 'end', producer, isCommit })
  const ended = isCommit ? 'commit' : 'abort'
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
    state.transactions.set(id, beginEnd(fenced(transaction), 'abort'))
    return
  }
}

/** The transaction under an epoch that its producer does not have. */
export function fenced(transaction: BrokerTransaction): BrokerTransaction {
  return { ...transaction, epoch: transaction.epoch + 1, epochBefore: undefined }
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
