import { batchHeader } from '../src/connectors/kafka/records/batch-header.ts'
import {
  type FetchedOffset,
  kafkaError,
  type Producer,
  type TopicPartition,
} from '../src/connectors/kafka/transaction-requests.ts'
import { unreachable } from '../src/core/error.ts'
import { append, type BrokerPartition } from './virtual-broker-records.ts'
import {
  type BrokerState,
  type BrokerTransaction,
  beginEnd,
  fenced,
  nameOf,
  offsetOf,
  partitionOf,
  refusal,
  tellOne,
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
      state.transactions.set(transactionalId, beginEnd(fenced(state, known), 'abort'))
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

/** Appends a batch of a transaction, unless it is there already; `begins`: with it a transaction may begin. */
export function produce(
  state: BrokerState,
  producer: Producer,
  to: TopicPartition,
  { batch, begins }: { readonly batch: Uint8Array; readonly begins: boolean },
): number {
  const refused = refusal(state, producer, kafkaError.invalidProducerEpoch)
  if (refused !== kafkaError.none) return refused
  if (begins) beginWith(state, producer, { partition: to })
  const known = state.transactions.get(producer.transactionalId)
  if (known?.state !== 'Ongoing' || !known.partitions.includes(nameOf(to))) {
    return kafkaError.invalidTransactionState
  }
  return appendOnce(partitionOf(state, to), batch, producer)
}

/** Appends a batch without a transaction, unless it is there already. */
export function producePlain(state: BrokerState, to: TopicPartition, batch: Uint8Array): number {
  return appendOnce(partitionOf(state, to), batch, undefined)
}

function appendOnce(
  partition: BrokerPartition,
  batch: Uint8Array,
  owner: Producer | undefined,
): number {
  const header = batchHeader(batch, 0, { end: batch.length, mustCheck: true })
  if (header === undefined || header.end !== batch.length) return kafkaError.corruptMessage
  const producer = { id: header.producerId, epoch: header.producerEpoch }
  if (header.isTransactional !== (owner !== undefined)) return kafkaError.invalidTransactionState
  if (owner !== undefined && owner.id !== producer.id) return kafkaError.invalidProducerMapping
  const { baseSequence: sequence, recordCount } = header
  // Of a producer that it does not know a leader takes whatever comes first.
  const last = partition.sequences.get(producer.id) ?? { ...producer, next: sequence, known: [] }
  const { next, known: before } =
    last.epoch === producer.epoch ? last : { next: 0, known: noSequences }
  if (before.includes(sequence)) return kafkaError.none
  if (sequence !== next) return kafkaError.outOfOrderSequence
  append(partition, batch, { producer: owner === undefined ? -1 : owner.id, end: undefined })
  partition.sequences.set(producer.id, {
    epoch: producer.epoch,
    next: sequence + recordCount,
    known: [...before, sequence].slice(-batchesKnown),
  })
  return kafkaError.none
}

const noSequences: readonly number[] = []
/** As many batches of a producer a leader knows again when they are sent twice. */
const batchesKnown = 5

/** As a leader does for its client: it waits until the transaction before is over, and takes the partition into one. */
function beginWith(
  state: BrokerState,
  producer: Producer,
  added: { readonly partition: TopicPartition } | { readonly group: string },
): void {
  const isOver = (): boolean => {
    const known = state.transactions.get(producer.transactionalId)
    return known === undefined || !isEnding(known)
  }
  while (!isOver()) tellOne(state)
  addToTransaction(state, producer, added)
}

/** Appends an offset that counts when its transaction is committed; `begins`: with it a transaction may begin. */
export function commitOffset(
  state: BrokerState,
  producer: Producer,
  of: OffsetPlace,
  {
    begins,
    ...committed
  }: { readonly offset: number; readonly metadata: string; readonly begins: boolean },
): number {
  const refused = refusal(state, producer, kafkaError.invalidProducerEpoch)
  if (refused === kafkaError.none && begins) beginWith(state, producer, { group: of.group })
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

/**
 * Decides about a transaction; its partitions and groups hear of it later. `renews`: the producer goes on under the
 * next epoch, so the same question under the one before can only be the same again.
 */
export function endTransaction(
  state: BrokerState,
  producer: Producer,
  how: 'commit' | 'abort',
  renews: boolean,
): { readonly error: number; readonly producer: Producer } {
  const { transactionalId, id } = producer
  const known = state.transactions.get(transactionalId)
  const answer = (error: number) => ({
    error,
    producer: error === kafkaError.none ? { ...producer, epoch: known?.epoch ?? -1 } : producer,
  })
  if (known?.producer !== id) return answer(kafkaError.invalidProducerMapping)
  const isAgain = renews && producer.epoch === known.epochBefore
  const isEnded = known.state !== 'Ongoing' && known.state !== 'Empty'
  if (producer.epoch !== known.epoch && !(isAgain && isEnded)) {
    return answer(kafkaError.producerFenced)
  }
  const isSame = known.state.endsWith(how === 'commit' ? 'Commit' : 'Abort')
  switch (known.state) {
    case 'Ongoing': {
      const ends = beginEnd(known, how)
      const { epoch } = known
      const next = renews ? { ...ends, epoch: epoch + 1, epochBefore: epoch } : ends
      state.transactions.set(transactionalId, next)
      return { error: kafkaError.none, producer: { ...producer, epoch: next.epoch } }
    }
    case 'PrepareCommit':
    case 'PrepareAbort':
      return answer(isSame ? kafkaError.concurrentTransactions : kafkaError.invalidTransactionState)
    case 'Empty':
    case 'CompleteCommit':
    case 'CompleteAbort':
      // There may be a transaction that nobody has begun, and it is aborted.
      if (renews && !isAgain && how === 'abort') {
        const next = { ...known, epoch: known.epoch + 1, epochBefore: known.epoch }
        state.transactions.set(transactionalId, { ...next, state: 'CompleteAbort' })
        return { error: kafkaError.none, producer: { ...producer, epoch: next.epoch } }
      }
      return answer(
        isSame && (isAgain || !renews) ? kafkaError.none : kafkaError.invalidTransactionState,
      )
    default:
      return unreachable(known.state)
  }
}

/**
 * The offset of a group. Whoever wants a stable one is refused while a transaction may change it; the others get what
 * may be older than what is committed.
 */
export function fetchOffset(
  state: BrokerState,
  of: OffsetPlace,
  requireStable: boolean,
): FetchedOffset {
  const { committed, pending } = offsetOf(state, of.group, of)
  const { offset, metadata } = committed ?? { offset: -1, metadata: '' }
  if (!requireStable || pending.length === 0) return { error: kafkaError.none, offset, metadata }
  return { error: kafkaError.unstableOffset, offset: -1, metadata: '' }
}

function keyOf(of: OffsetPlace): string {
  return `${of.group} ${nameOf(of)}`
}

function isEnding({ state }: BrokerTransaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}
