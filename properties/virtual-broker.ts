import {
  type FetchedOffset,
  kafkaError,
  type TopicPartition,
  type TransactionRequests,
} from '../src/connectors/kafka/transaction-requests.ts'
import { unreachable } from '../src/core/error.ts'
import {
  addToTransaction,
  commitOffset,
  commitPlainOffset,
  endTransaction,
  fetchAnyOffset,
  fetchOffset,
  initProducer,
  type OffsetPlace,
  produce,
} from './virtual-broker-requests.ts'
import {
  type BrokerState,
  committedRecords,
  copyOfBroker,
  draw,
  emptyBroker,
  goOn,
  offsetOf,
  partitionOf,
  settleOffset,
  stableEnd,
  tellOne,
  textOfBroker,
  timeOut,
} from './virtual-broker-state.ts'

/**
 * What may happen to a request. `lost request`: it never arrives. `lost reply`: it has its effect, and the answer
 * is lost. `late`: it has its effect after others that were sent later. `bounce`: the broker dies, so the request
 * did or did not have its effect, and the next ones find no coordinator. `timeout`: the oldest open transaction is
 * aborted first, as it took too long.
 */
export type BrokerFault = 'lost request' | 'lost reply' | 'late' | 'bounce' | 'timeout'

/** What a process may do while it waits for a broker. */
export interface BrokerSurroundings {
  /** Called with the name of each request before it is sent; may throw: the request is then not sent. */
  readonly step: (name: string) => void
  /** Lets others go first, before the request and before its answer. */
  readonly pause?: (() => Promise<void>) | undefined
}

/** The connection of one process. */
export interface BrokerClient extends TransactionRequests<readonly unknown[]> {
  /** An offset outside of any transaction. */
  commitPlainOffset(
    of: OffsetPlace,
    committed: { readonly offset: number; readonly metadata: string },
  ): Promise<number>
  /** The offset at once, though a transaction may be about to change it. */
  fetchAnyOffset(of: OffsetPlace): Promise<FetchedOffset>
  /** Where the next record comes that a reader of committed ones can see. */
  latest(of: TopicPartition): Promise<{ readonly error: number; readonly offset: number }>
  /** Values of committed records of `from <= offset < to`. */
  fetch(
    of: TopicPartition,
    range: { readonly from: number; readonly to: number },
  ): Promise<{ readonly error: number; readonly values: readonly unknown[] }>
}

/**
 * A broker of the Kafka protocol in memory, with transactions as they were seen on real ones: producers are fenced by
 * epochs, transactions end before everybody has heard of it, and of two offsets in open transactions that one stands
 * which was appended last. It outlives the processes that use it. What is between processes and it comes from a seed.
 */
export interface VirtualBroker {
  client(here: BrokerSurroundings): BrokerClient
  /** Requests so far. */
  readonly requests: number
  /** Records of other producers arrive, in a transaction that overlaps with an aborted one. */
  append(to: TopicPartition, values: readonly unknown[]): void
  /** Everything that has ended is heard of everywhere; what is late never arrives. */
  settle(): void
  /** Committed records of a partition. */
  committed(of: TopicPartition): readonly { readonly offset: number; readonly value: unknown }[]
  /** Every offset that a group had committed at some time, oldest first; the last one stands. */
  markers(of: OffsetPlace): readonly { readonly offset: number; readonly metadata: string }[]
  /** Transactional ids with an open transaction. */
  open(): readonly string[]
  /** The same broker once more; what happens to one is nothing to the other. */
  twin(): VirtualBroker
  /** All it holds, as text that is equal for equal brokers; `undefined` while a late request is under way. */
  state(): string | undefined
}

export interface VirtualBrokerOptions {
  readonly seed?: number
  /** What happens to a request; requests are counted from 0. Default: nothing. */
  readonly fault?: (request: number, name: string) => BrokerFault | undefined
}

/** A broker with empty topics. */
export function virtualBroker(options: VirtualBrokerOptions = {}): VirtualBroker {
  return brokerOver(emptyBroker(options.seed ?? 1), options)
}

function brokerOver(state: BrokerState, options: VirtualBrokerOptions): VirtualBroker {
  return {
    client: (here) => clientOf({ state, options, here }),
    get requests() {
      return state.requests
    },
    append: (to, values) => append(state, to, values),
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
function append(state: BrokerState, to: TopicPartition, values: readonly unknown[]): void {
  const { records } = partitionOf(state, to)
  const [good, bad] = [state.producers++, state.producers++]
  values.forEach((value, at) => {
    if (at === 0 || draw(state) < 0.3) records.push({ type: 'data', producer: bad, value })
    records.push({ type: 'data', producer: good, value })
  })
  const ends = [
    { type: 'end', producer: good, isCommit: true },
    { type: 'end', producer: bad, isCommit: false },
  ] as const
  records.push(...(draw(state) < 0.5 ? ends : ends.toReversed()))
}

interface Connection {
  readonly state: BrokerState
  readonly options: VirtualBrokerOptions
  readonly here: BrokerSurroundings
}

function clientOf(connection: Connection): BrokerClient {
  const code = (name: string, effect: (state: BrokerState) => number) =>
    request(connection, name, { effect, failed: (error) => error })
  const offset = (name: string, effect: (state: BrokerState) => FetchedOffset) =>
    // A coordinator that is away gives no offset, which is not the same as that there is none.
    request(connection, name, { effect, failed: (error) => ({ error, offset: -1, metadata: '' }) })
  return {
    initProducer: (id, current) =>
      request(connection, `init ${id}`, {
        effect: (state) => initProducer(state, id, current),
        failed: (error) => ({ error, producer: undefined }),
      }),
    addPartition: (producer, partition) =>
      code('add partition', (state) => addToTransaction(state, producer, { partition })),
    produce: (producer, to, sequence, values) =>
      code('produce', (state) => produce(state, producer, to, { sequence, values })),
    addOffsets: (producer, group) =>
      code('add offsets', (state) => addToTransaction(state, producer, { group })),
    commitOffset: (producer, of, committed) =>
      code('commit offset', (state) => commitOffset(state, producer, of, committed)),
    endTransaction: async (producer, how) => ({
      error: await code(`${how} transaction`, (state) => endTransaction(state, producer, how)),
      producer,
    }),
    fetchOffset: (of) => offset('fetch offset', (state) => fetchOffset(state, of)),
    commitPlainOffset: (of, committed) =>
      code('commit plain offset', (state) => commitPlainOffset(state, of, committed)),
    fetchAnyOffset: (of) => offset('fetch any offset', (state) => fetchAnyOffset(state, of)),
    latest: (of) =>
      request<{ error: number; offset: number }>(connection, 'latest', {
        effect: (state) => ({ error: kafkaError.none, offset: stableEnd(partitionOf(state, of)) }),
        failed: (error) => ({ error, offset: -1 }),
      }),
    fetch: (of, { from, to }) =>
      request<{ error: number; values: readonly unknown[] }>(connection, 'fetch', {
        effect(state) {
          const found = committedRecords(partitionOf(state, of))
          const inside = found.filter((record) => record.offset >= from && record.offset < to)
          return { error: kafkaError.none, values: inside.map(({ value }) => value) }
        },
        failed: (error) => ({ error, values: [] }),
      }),
  }
}

/** How many requests find no coordinator after a broker died. */
const requestsAway = 3
/** A request is late by no more than this many others. */
const lateMax = 40

/** What a request does, and what its sender hears instead when it fails. */
interface Request<Answer> {
  readonly effect: (state: BrokerState) => Answer
  readonly failed: (error: number) => Answer
}

async function request<Answer>(
  connection: Connection,
  name: string,
  { effect, failed }: Request<Answer>,
): Promise<Answer> {
  const { state, options, here } = connection
  await here.pause?.()
  here.step(`broker ${name}`)
  const number = state.requests
  const fault = options.fault?.(number, name)
  goOn(state)
  const answer =
    fault !== undefined
      ? disturbed(state, { name, fault, number }, { effect, failed })
      : number < state.awayUntil
        ? failed(kafkaError.notCoordinator)
        : effect(state)
  await here.pause?.()
  return answer
}

function disturbed<Answer>(
  state: BrokerState,
  {
    name,
    fault,
    number,
  }: { readonly name: string; readonly fault: BrokerFault; readonly number: number },
  { effect, failed }: Request<Answer>,
): Answer {
  switch (fault) {
    case 'lost request':
      break
    case 'lost reply':
      effect(state)
      break
    case 'bounce':
      if (draw(state) < 0.5) effect(state)
      state.awayUntil = number + requestsAway
      break
    case 'late':
      // What begins a transaction anew after its end would stay open for ever: brokers look after that by themselves.
      if (!name.startsWith('add ')) {
        const after = Math.floor(draw(state) * draw(state) * lateMax)
        state.late.push({ at: number + 2 + after, effect })
      }
      break
    case 'timeout':
      timeOut(state)
      return effect(state)
    default:
      return unreachable(fault)
  }
  return failed(kafkaError.networkException)
}
