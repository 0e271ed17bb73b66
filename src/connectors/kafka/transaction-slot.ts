import { type Clock, sleep } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import type { Epoch } from '../../core/units.ts'
import { type Asked, refusedError } from './error-codes.ts'
import { kafkaError, outcomeOf, type Producer } from './transaction-requests.ts'

/** One transactional id. */
export interface Slot {
  readonly transactionalId: string
  producer: Producer | undefined
  /** The epoch whose transaction is open here. */
  epoch: Epoch | undefined
  /** When its transaction was begun, milliseconds. */
  begunMs: number
  /** Partitions of the open transaction. */
  readonly partitions: Set<string>
  /** The next sequence number by partition. */
  readonly sequences: Map<string, number>
  /**
   * An answer was lost, so its request may yet come to the broker and end or change the next transaction here:
   * before that the producer gets another epoch.
   */
  isSuspect: boolean
}

export function newSlot(transactionalId: string): Slot {
  return {
    transactionalId,
    producer: undefined,
    epoch: undefined,
    begunMs: 0,
    partitions: new Set(),
    sequences: new Map(),
    isSuspect: false,
  }
}

/** How often and how long something is asked for. */
export interface Retries {
  readonly clock: Clock
  /** How long a request is repeated that is refused for now, milliseconds. */
  readonly retryMs: number
  /** A transaction that is open for longer is aborted by the brokers, milliseconds. */
  readonly transactionTimeoutMs: number
}

/** Sends a request of a slot's producer until it is answered. */
export async function ask(
  own: Retries,
  slot: Slot,
  asked: Asked,
  request: (producer: Producer) => Promise<number>,
): Promise<void> {
  const { producer, transactionalId: of } = slot
  if (producer === undefined) {
    throw new StreamError('INTERNAL', { what: `${asked.request} before ${of} was fenced` })
  }
  await patiently(own, { ...asked, of }, async () => {
    const error = await request(producer)
    if (outcomeOf(error) === 'lost') slot.isSuspect = true
    if (isOver.has(error)) mustBeInTime(own, slot)
    return error
  })
}

/** Another attempt takes as long again, so it helps only whom nothing has slowed down then. */
function mustBeInTime(
  { clock, transactionTimeoutMs: timeoutMs }: Retries,
  { epoch, begunMs, transactionalId }: Slot,
): void {
  const openMs = Math.round(clock.monotonic() - begunMs)
  if (epoch === undefined || openMs < timeoutMs) return
  throw new StreamError('KAFKA_TRANSACTION_TIMED_OUT', {
    transactionalId,
    epoch,
    openMs,
    timeoutMs,
  })
}

/** A transaction that follows another one at once is refused for a millisecond or two. */
const retryDelayMs = 2

/** Repeats a request until it is done, or refused for good. */
export async function patiently(
  { clock, retryMs }: Retries,
  { of, ...asked }: Asked & { readonly of: string },
  request: () => Promise<number>,
): Promise<void> {
  const untilMs = clock.monotonic() + retryMs
  for (;;) {
    const error = await request()
    const outcome = outcomeOf(error)
    if (outcome === 'done') return
    if (outcome === 'refused') {
      if (!isOver.has(error)) throw refusedError(error, asked)
      throw ended(of, `${asked.request} was refused with code ${error}`)
    }
    if (clock.monotonic() >= untilMs) throw ended(of, `${asked.request} still gets code ${error}`)
    await sleep(clock, retryDelayMs)
  }
}

/** What a producer hears whose transaction has ended without it: another attempt has a chance. */
const isOver: ReadonlySet<number> = new Set([
  kafkaError.outOfOrderSequence,
  kafkaError.invalidProducerEpoch,
  kafkaError.invalidTransactionState,
  kafkaError.invalidProducerMapping,
  kafkaError.unknownProducer,
  kafkaError.producerFenced,
])

/** The attempt is over; another one has a chance. */
export function ended(
  transactionalId: string,
  why: string,
): StreamError<'KAFKA_TRANSACTION_ENDED'> {
  return new StreamError('KAFKA_TRANSACTION_ENDED', { transactionalId, why })
}
