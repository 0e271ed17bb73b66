import { StreamError } from '../../core/error.ts'
import { type Epoch, initialEpoch, nextEpoch } from '../../core/units.ts'
import type { CheckpointName } from '../../flow/connector.ts'
import { decodeMarker, type EpochMarker, encodeMarker } from './epoch-marker.ts'
import type { Asked } from './error-codes.ts'
import {
  kafkaError,
  outcomeOf,
  type Producer,
  type TopicPartition,
  type TransactionRequests,
} from './transaction-requests.ts'
import { ask, ended, newSlot, patiently, type Retries, type Slot } from './transaction-slot.ts'

/** Where the transactions of one sink are kept. */
export interface TransactionPlaces {
  /** How the transactional ids begin; the number of a slot follows. */
  readonly prefix: string
  /** A group without members, ever, whose committed offset is the marker. */
  readonly group: string
  /** The partition that the marker is committed for. */
  readonly marker: TopicPartition
  /**
   * Epochs whose transactions may be open at one time. The same at every start: a slot that is used no more
   * would never be fenced.
   */
  readonly slots: number
}

export interface EpochTransactionOptions<Records> extends Retries {
  readonly requests: TransactionRequests<Records>
  readonly places: TransactionPlaces
}

/**
 * One transaction per epoch, with a marker in it that names the checkpoint of the epoch: rows and marker become
 * visible together, so the newest marker says which checkpoint stands. One call at a time. A call that throws has
 * an outcome that nobody knows: the attempt ends, and the next one asks the marker.
 */
export interface EpochTransactions<Records> {
  /** Fences every older process in all slots, and only then reads the marker. */
  fence(): Promise<EpochMarker | undefined>
  /** Those that `fence` took over. */
  producers(): readonly Producer[]
  /** The attempt stands on this checkpoint: commits a marker without rows if the newest one is another. */
  standOn(base: CheckpointName): Promise<void>
  /** Adds `count` records to the transaction of the epoch, at the end of a partition. */
  write(
    epoch: Epoch,
    to: TopicPartition,
    records: { readonly records: Records; readonly count: number },
  ): Promise<void>
  /** Puts the marker into the transaction, which an epoch without rows has too. In epoch order. */
  prepare(checkpoint: CheckpointName): Promise<void>
  /** In epoch order; passed over for an epoch that is committed. */
  commit(epoch: Epoch): Promise<void>
  /** Ends the transactions of this epoch and later ones. */
  abort(from: Epoch): Promise<void>
}

interface Transactions<Records> extends EpochTransactionOptions<Records> {
  readonly slots: readonly Slot[]
  /** The marker that was written last. */
  written: EpochMarker | undefined
  committed: Epoch
  /** Some outcome is unknown: nothing more may be asked for. */
  isOver: boolean
}

/** Transactions of one attempt. */
export function epochTransactions<Records>(
  options: EpochTransactionOptions<Records>,
): EpochTransactions<Records> {
  const { prefix, slots } = options.places
  const own: Transactions<Records> = {
    ...options,
    slots: Array.from({ length: slots }, (_, slot) => newSlot(`${prefix}/${slot}`)),
    written: undefined,
    committed: initialEpoch,
    isOver: false,
  }
  return {
    fence: () => decisive(own, () => fence(own)),
    producers: () =>
      own.slots.flatMap(({ producer }) => (producer === undefined ? [] : [producer])),
    standOn: (base) => decisive(own, () => standOn(own, base)),
    write: (epoch, to, records) => decisive(own, () => write(own, epoch, { to, ...records })),
    prepare: (checkpoint) => decisive(own, () => prepare(own, checkpoint)),
    commit: (epoch) => decisive(own, () => commit(own, epoch)),
    abort: (from) => abort(own, from),
  }
}

/** After the first failure nothing is tried any more: whatever follows would rest on a guess. */
async function decisive<Records, Result>(
  own: Transactions<Records>,
  work: () => Promise<Result>,
): Promise<Result> {
  if (own.isOver) throw ended(own.places.prefix, 'an earlier request of this attempt failed')
  try {
    return await work()
  } catch (thrown) {
    own.isOver = true
    throw thrown
  }
}

async function fence<Records>(own: Transactions<Records>): Promise<EpochMarker | undefined> {
  for (const slot of own.slots) await initialise(own, slot, undefined)
  // Read before that, it might be the marker of an epoch that an older process is about to replace.
  own.written = await readMarker(own)
  return own.written
}

/** The same producer under another epoch. Not if another process has taken the slot over: it would be fenced. */
async function renew<Records>(own: Transactions<Records>, slot: Slot): Promise<void> {
  await initialise(own, slot, slot.producer)
}

/** A producer with an epoch of its own, once everything that was open in the slot has ended. */
async function initialise<Records>(
  own: Transactions<Records>,
  slot: Slot,
  current: Producer | undefined,
): Promise<void> {
  await patiently(own, initialisation(slot), async () => {
    const { error, producer } = await own.requests.initProducer(slot.transactionalId, current)
    if (error === kafkaError.none) slot.producer = producer
    return error
  })
  slot.isSuspect = false
  slot.epoch = undefined
  slot.partitions.clear()
  slot.sequences.clear()
}

async function readMarker<Records>(own: Transactions<Records>): Promise<EpochMarker | undefined> {
  const { group, marker, prefix } = own.places
  let found = { offset: -1, metadata: '' }
  const untilMs = own.clock.monotonic() + own.retryMs
  await patiently(own, { ...markerRequest('OffsetFetch', own), of: prefix }, async () => {
    const { error, ...offset } = await own.requests.fetchOffset({ group, ...marker })
    if (error === kafkaError.none) found = offset
    if (error === kafkaError.unstableOffset && own.clock.monotonic() >= untilMs) {
      const partition = `${marker.topic}/${marker.partition}`
      throw new StreamError('KAFKA_TRANSACTION_HANGS', { group, partition, waitedMs: own.retryMs })
    }
    return error
  })
  return decodeMarker(group, found)
}

async function standOn<Records>(own: Transactions<Records>, base: CheckpointName): Promise<void> {
  const [slot] = own.slots
  if (slot === undefined) throw new StreamError('INTERNAL', { what: 'transactions without slots' })
  own.committed = base.epoch
  // The same marker may be committed any number of times, so here a lost answer is no end.
  while (own.written?.snapshotId !== base.snapshotId) {
    const isWritten = await writeMarker(own, slot, base)
    // With a transaction open the broker would give its producer no other epoch, but fence it.
    await endTransaction(own, slot, isWritten ? 'commit' : 'abort')
    if (slot.isSuspect) await renew(own, slot)
    own.written = await readMarker(own)
  }
}

async function write<Records>(
  own: Transactions<Records>,
  epoch: Epoch,
  {
    to,
    records,
    count,
  }: { readonly to: TopicPartition; readonly records: Records; readonly count: number },
): Promise<void> {
  const slot = await begun(own, epoch)
  const partition = `${to.topic}/${to.partition}`
  if (!slot.partitions.has(partition)) {
    await ask(own, slot, rowsRequest('AddPartitionsToTxn', to), (producer) =>
      own.requests.addPartition(producer, to),
    )
    slot.partitions.add(partition)
  }
  const sequence = slot.sequences.get(partition) ?? 0
  await ask(own, slot, rowsRequest('Produce', to), (producer) =>
    own.requests.produce(producer, to, sequence, records),
  )
  slot.sequences.set(partition, sequence + count)
}

/** The slot of an epoch, with its transaction. */
async function begun<Records>(own: Transactions<Records>, epoch: Epoch): Promise<Slot> {
  const slot = slotOf(own, epoch)
  if (slot.epoch === epoch) return slot
  if (slot.epoch !== undefined) {
    const what = `epoch ${epoch} was begun while the transaction of epoch ${slot.epoch} is open`
    throw new StreamError('INTERNAL', { what })
  }
  if (slot.isSuspect) await renew(own, slot)
  slot.epoch = epoch
  slot.begunMs = own.clock.monotonic()
  slot.partitions.clear()
  return slot
}

function slotOf<Records>({ slots }: Transactions<Records>, epoch: Epoch): Slot {
  const slot = slots[epoch % slots.length]
  if (slot !== undefined) return slot
  throw new StreamError('INTERNAL', { what: `no slot for epoch ${epoch}` })
}

async function prepare<Records>(
  own: Transactions<Records>,
  checkpoint: CheckpointName,
): Promise<void> {
  const { epoch } = checkpoint
  // With two transactions open the broker keeps the marker that was appended last, not that of the last commit.
  const before = own.written?.epoch ?? initialEpoch
  if (epoch <= before) {
    throw new StreamError('INTERNAL', { what: `epoch ${epoch} was prepared after ${before}` })
  }
  const slot = await begun(own, epoch)
  if (await writeMarker(own, slot, checkpoint)) return
  // Sent again, the first try might arrive after the marker of the next epoch.
  throw ended(slot.transactionalId, `the answer to the marker of epoch ${epoch} was lost`)
}

/** Appends a marker to the open transaction of a slot; `false` if nobody knows whether it was. */
async function writeMarker<Records>(
  own: Transactions<Records>,
  slot: Slot,
  { epoch, snapshotId }: CheckpointName,
): Promise<boolean> {
  const { group, marker: partition } = own.places
  const marker: EpochMarker = { epoch, snapshotId, parentSnapshotId: own.written?.snapshotId }
  await ask(own, slot, markerRequest('AddOffsetsToTxn', own), (producer) =>
    own.requests.addOffsets(producer, group),
  )
  let isLost = false
  await ask(own, slot, markerRequest('TxnOffsetCommit', own), async (producer) => {
    const of = { group, ...partition }
    const error = await own.requests.commitOffset(producer, of, encodeMarker(marker))
    isLost = outcomeOf(error) === 'lost'
    return isLost ? kafkaError.none : error
  })
  if (isLost) slot.isSuspect = true
  else own.written = marker
  return !isLost
}

async function commit<Records>(own: Transactions<Records>, epoch: Epoch): Promise<void> {
  if (epoch <= own.committed) return
  const slot = slotOf(own, epoch)
  if (epoch !== nextEpoch(own.committed) || slot.epoch !== epoch) {
    const what = `commit of epoch ${epoch} after ${own.committed}, with ${slot.epoch} open`
    throw new StreamError('INTERNAL', { what })
  }
  await endTransaction(own, slot, 'commit')
  own.committed = epoch
}

/** The same answer comes to the same question, so a lost one is asked for again. */
async function endTransaction<Records>(
  own: Transactions<Records>,
  slot: Slot,
  how: 'commit' | 'abort',
): Promise<void> {
  const asked = { ...initialisation(slot), request: `EndTxn (${how})` }
  await ask(own, slot, asked, async (producer) => {
    const { error, producer: next } = await own.requests.endTransaction(producer, how)
    if (next.epoch !== producer.epoch || next.id !== producer.id) {
      slot.producer = next
      slot.sequences.clear()
    }
    return error
  })
  slot.epoch = undefined
  slot.partitions.clear()
}

async function abort<Records>(own: Transactions<Records>, from: Epoch): Promise<void> {
  // Whoever has not been answered cannot know what is left to abort; the next attempt fences it all.
  if (own.isOver) return
  for (const slot of own.slots) {
    if (slot.epoch !== undefined && slot.epoch >= from) await endTransaction(own, slot, 'abort')
  }
}

function initialisation({ transactionalId: of }: Slot): Asked & { readonly of: string } {
  return {
    request: 'InitProducerId',
    of,
    resource: `transactional id ${of}`,
    operation: 'Write',
  }
}

function rowsRequest(request: string, { topic }: TopicPartition): Asked {
  return { request, resource: `topic ${topic}`, operation: 'Write' }
}

/** It takes the right to read the topic that the marker is kept for, too. */
function markerRequest<Records>(request: string, { places }: Transactions<Records>): Asked {
  const { group, marker } = places
  const resource = `group ${group}, with the topic ${marker.topic}`
  return { request, resource, operation: 'Read' }
}
