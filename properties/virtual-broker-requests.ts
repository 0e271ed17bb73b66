import {
  type FetchedOffset,
  kafkaError,
  type Producer,
  type TopicPartition,
} from '../src/connectors/kafka/transaction-requests.ts'
import {
  type BrokerState,
  type BrokerTransaction,
  beginEnd,
  fenced,
  nameOf,
  offsetOf,
  partitionOf,
  refusal,
} from './virtual-broker-state.ts'

/** A committed offset with where it belongs. */
export interface OffsetPlace extends TopicPartition {
  readonly group: string
}

/**
 * Takes a transactional id over: whoever had it is fenced, what is open there is aborted first. With `current` only
 * for whoever has it.
 */
export function initProducer(
  state: BrokerState,
  transactionalId: string,
  current: Producer | undefined,
): { readonly error: number; readonly producer: Producer | undefined } {
  const known = state.transactions.get(transactionalId)
  const later = { error: kafkaError.concurrentTransactions, producer: undefined }
  if (current !== undefined && known !== undefined) {
    // A second try of what has been done already gives the same.
    if (current.id === known.producer && current.epoch === known.epochBefore) {
      return { error: kafkaError.none, producer: { ...current, epoch: known.epoch } }
    }
    const error = refusal(state, current, kafkaError.producerFenced)
    if (error !== kafkaError.none) return { error, producer: undefined }
  }
  switch (known?.state) {
    case 'PrepareCommit':
    case 'PrepareAbort':
      return later
    case 'Ongoing':
      state.transactions.set(transactionalId, beginEnd(fenced(known), 'abort'))
      return later
    default: {
      const id = known?.producer ?? state.producers++
      const epoch = (known?.epoch ?? -1) + 1
      state.transactions.set(transactionalId, {
        producer: id,
        epoch,
        epochBefore: current?.epoch,
        state: 'Empty',
        partitions: [],
        groups: [],
        untold: [],
      })
      return { error: kafkaError.none, producer: { transactionalId, id, epoch } }
    }
  }
}

/** Takes a partition or a group into the open transaction, or begins one with it. */
export function addToTransaction(
  state: BrokerState,
  producer: Producer,
  added: { readonly partition: TopicPartition } | { readonly group: string },
): number {
  const refused = refusal(state, producer, kafkaError.producerFenced)
  const known = state.transactions.get(producer.transactionalId)
  if (refused !== kafkaError.none || known === undefined) return refused
  if (isEnding(known)) return kafkaError.concurrentTransactions
  const before = known.state === 'Ongoing' ? known : { ...known, partitions: [], groups: [] }
  const [partitions, groups] =
    'group' in added ? [[], [added.group]] : [[nameOf(added.partition)], []]
  state.transactions.set(producer.transactionalId, {
    ...before,
    state: 'Ongoing',
    partitions: [...new Set([...before.partitions, ...partitions])],
    groups: [...new Set([...before.groups, ...groups])],
  })
  return kafkaError.none
}

/** Appends records, unless they are there already. */
export function produce(
  state: BrokerState,
  producer: Producer,
  to: TopicPartition,
  { sequence, values }: { readonly sequence: number; readonly values: readonly unknown[] },
): number {
  const refused = refusal(state, producer, kafkaError.invalidProducerEpoch)
  const known = state.transactions.get(producer.transactionalId)
  if (refused !== kafkaError.none || known === undefined) return refused
  if (known.state !== 'Ongoing' || !known.partitions.includes(nameOf(to))) {
    return kafkaError.invalidTransactionState
  }
  const { records, sequences } = partitionOf(state, to)
  const last = sequences.get(producer.id)
  const next = last?.epoch === producer.epoch ? last.next : 0
  if (sequence > next) return kafkaError.outOfOrderSequence
  if (sequence < next) return kafkaError.duplicateSequence
  for (const value of values) records.push({ type: 'data', producer: producer.id, value })
  sequences.set(producer.id, { epoch: producer.epoch, next: sequence + values.length })
  return kafkaError.none
}

/** Appends an offset that counts when its transaction is committed. */
export function commitOffset(
  state: BrokerState,
  producer: Producer,
  of: OffsetPlace,
  committed: { readonly offset: number; readonly metadata: string },
): number {
  const refused = refusal(state, producer, kafkaError.invalidProducerEpoch)
  const known = state.transactions.get(producer.transactionalId)
  if (refused !== kafkaError.none || known === undefined) return refused
  if (known.state !== 'Ongoing' || !known.groups.includes(of.group)) {
    return kafkaError.invalidTransactionState
  }
  const before = offsetOf(state, of.group, of)
  const at = state.offsetRecords++
  const appended = { ...committed, at, producer: producer.id, ended: undefined }
  state.offsets.set(keyOf(of), { ...before, pending: [...before.pending, appended] })
  return kafkaError.none
}

/** Appends an offset that counts at once; no producer's epoch fences it. */
export function commitPlainOffset(
  state: BrokerState,
  of: OffsetPlace,
  committed: { readonly offset: number; readonly metadata: string },
): number {
  const before = offsetOf(state, of.group, of)
  const at = state.offsetRecords++
  const now = { ...committed, at }
  state.offsets.set(keyOf(of), { ...before, committed: now, stood: [...before.stood, now] })
  return kafkaError.none
}

/** Decides about a transaction; its partitions and groups hear of it later. */
export function endTransaction(
  state: BrokerState,
  producer: Producer,
  how: 'commit' | 'abort',
): number {
  const refused = refusal(state, producer, kafkaError.producerFenced)
  const known = state.transactions.get(producer.transactionalId)
  if (refused !== kafkaError.none || known === undefined) return refused
  const isSame = known.state.endsWith(how === 'commit' ? 'Commit' : 'Abort')
  switch (known.state) {
    case 'Ongoing':
      state.transactions.set(producer.transactionalId, beginEnd(known, how))
      return kafkaError.none
    case 'PrepareCommit':
    case 'PrepareAbort':
      return isSame ? kafkaError.concurrentTransactions : kafkaError.invalidTransactionState
    default:
      return isSame ? kafkaError.none : kafkaError.invalidTransactionState
  }
}

/** The offset of a group, once no transaction may change it any more. */
export function fetchOffset(state: BrokerState, of: OffsetPlace): FetchedOffset {
  const { committed, pending } = offsetOf(state, of.group, of)
  const none = { offset: -1, metadata: '' }
  if (pending.length > 0) return { error: kafkaError.unstableOffset, ...none }
  if (committed === undefined) return { error: kafkaError.none, ...none }
  const { offset, metadata } = committed
  return { error: kafkaError.none, offset, metadata }
}

/** The same without waiting, as old clients ask: it may be older than what is committed. */
export function fetchAnyOffset(state: BrokerState, of: OffsetPlace): FetchedOffset {
  const { committed } = offsetOf(state, of.group, of)
  const { offset, metadata } = committed ?? { offset: -1, metadata: '' }
  return { error: kafkaError.none, offset, metadata }
}

function keyOf(of: OffsetPlace): string {
  return `${of.group} ${nameOf(of)}`
}

function isEnding({ state }: BrokerTransaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}
