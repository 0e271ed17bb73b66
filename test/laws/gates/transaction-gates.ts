import { mustBeMarked } from '../../../properties/broker-sink.ts'
import { createSimulatedClock } from '../../../properties/simulated-clock.ts'
import {
  type BrokerFault,
  type VirtualBroker,
  virtualBroker,
} from '../../../properties/virtual-broker.ts'
import { kafkaCluster } from '../../../src/connectors/kafka/cluster.ts'
import { clusterRequests } from '../../../src/connectors/kafka/cluster-requests.ts'
import { decodeMarker } from '../../../src/connectors/kafka/epoch-marker.ts'
import {
  type EpochTransactions,
  epochTransactions,
  type TransactionPlaces,
} from '../../../src/connectors/kafka/epoch-transactions.ts'
import {
  type PackedRecords,
  RecordWriter,
} from '../../../src/connectors/kafka/records/record-writer.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { StreamError } from '../../../src/core/error.ts'
import { type Random, seededRandom } from '../../../src/core/random.ts'
import { epoch as epochOf, initialEpoch } from '../../../src/core/units.ts'
import type { CheckpointName } from '../../../src/flow/connector.ts'
import type { Gate } from './gate.ts'

type Transactions = EpochTransactions<PackedRecords>

/** A checkpoint and the rows of its epoch. */
interface Published extends CheckpointName {
  readonly rows: readonly string[]
}

/** One query over all its attempts, without an engine. */
interface History {
  readonly random: Random
  readonly broker: VirtualBroker
  /** Checkpoints that stand, the initial one first. */
  log: Published[]
  attempts: number
  /** The newest epoch whose commit was answered. */
  acknowledged: number
  /** Attempts that were left as they were, and may go on. */
  readonly sleepers: { readonly transactions: Transactions; readonly next: number }[]
  readonly figures: { faults: number; deaths: number; awake: number; overlaps: number }
}

const epochs = 8
const topic = 'out'
const places: TransactionPlaces = {
  prefix: 'query/sink',
  group: 'query.sink.eos',
  marker: { topic, partition: 0 },
  slots: 4,
}
const kinds: readonly BrokerFault[] = ['lost request', 'lost reply', 'late', 'bounce', 'timeout']
const faultsMax = 12
const deathsMax = 4
const historiesAtOnce = 50

/** Attempts that follow the rules of the protocol and nothing else, with everything that may go wrong at once. */
export const transactionRuns: Gate = {
  id: 'G1T',
  name: 'transactions are committed once and in order whatever happens to their requests',
  unit: 'histories',
  wanted: { test: 2_000, long: 200_000 },
  async round(seed) {
    const figures = { faults: 0, deaths: 0, awake: 0, overlaps: 0 }
    for (let number = 0; number < historiesAtOnce; number++) {
      const one = seed * historiesAtOnce + number
      try {
        await toTheEnd(historyOf(one, figures))
      } catch (cause) {
        throw new Error(`history ${one}: ${String(cause)}`, { cause })
      }
    }
    return { done: historiesAtOnce, figures }
  },
}

function historyOf(seed: number, figures: History['figures']): History {
  const random = seededRandom(seed)
  const rate = random.next() * 0.2
  let faults = 0
  const fault = (): BrokerFault | undefined => {
    if (faults >= faultsMax || random.next() >= rate) return undefined
    faults += 1
    figures.faults += 1
    return kinds[Math.floor(random.next() * kinds.length)]
  }
  const broker = virtualBroker({
    seed,
    fault,
    transactionVersion: seed % 2 === 0 ? 2 : 1,
    nodes: seed % 3 === 0 ? 3 : 1,
  })
  broker.createTopic(topic, 2)
  return { random, broker, log: [], attempts: 0, acknowledged: initialEpoch, sleepers: [], figures }
}

async function toTheEnd(history: History): Promise<void> {
  let deaths = 0
  for (;;) {
    history.attempts += 1
    // A sleeper may fence the attempt that has taken its place, once.
    if (history.attempts > faultsMax + 2 * deathsMax + 1) throw new Error('it comes to no end')
    const mayDie = deaths < deathsMax
    try {
      if (await lived(history, mayDie)) break
      deaths += 1
    } catch (thrown) {
      const hasEnded = thrown instanceof StreamError && thrown.code === 'KAFKA_TRANSACTION_ENDED'
      if (!hasEnded && !(thrown instanceof Died)) throw thrown
      if (thrown instanceof Died) deaths += 1
    }
  }
  history.figures.deaths += deaths
  for (const sleeper of [...history.sleepers]) await awake(history, sleeper)
  mustBeWhole(history)
}

class Died extends Error {}

/** One attempt; `false` if it fell asleep before the end. */
async function lived(history: History, mayDie: boolean): Promise<boolean> {
  const { random, broker, sleepers } = history
  const own = { mayDie }
  const transport = broker.transport({
    step(name) {
      if (own.mayDie && random.next() < 0.02) throw new Died(name)
    },
  })
  const transactions = epochTransactions({
    requests: clusterRequests({
      cluster: kafkaCluster(transport, broker.bootstrap),
      transactionTimeoutMs: 60_000,
      requestTimeoutMs: 30_000,
    }),
    places,
    clock: hastyClock(),
    retryMs: 4_000,
    transactionTimeoutMs: 60_000,
  })
  const base = standing(history, await transactions.fence())
  await transactions.standOn(base)
  const prepared: Published[] = []
  while ((history.log.at(-1)?.epoch ?? initialEpoch) < epochs - 1) {
    const committed = history.log.at(-1)?.epoch ?? initialEpoch
    const next = committed + prepared.length + 1
    const mayPrepare = next < epochs && prepared.length < places.slots
    const [sleeper] = sleepers
    if (sleeper !== undefined && random.next() < 0.1) await awake(history, sleeper)
    if (mayDie && random.next() < 0.03) {
      own.mayDie = false
      sleepers.unshift({ transactions, next: committed + 1 })
      return false
    }
    if (mayPrepare && (prepared.length === 0 || random.next() < 0.5)) {
      prepared.push(await prepareNext(history, transactions, next))
      if (prepared.length > 1) history.figures.overlaps += 1
      continue
    }
    const [first] = prepared.splice(0, 1)
    if (first === undefined) throw new Error('nothing is prepared')
    // The checkpoint is durable before its transaction is committed.
    history.log.push(first)
    await transactions.commit(first.epoch)
    history.acknowledged = first.epoch
  }
  return true
}

/** Where an attempt begins, by the word that it was given. */
function standing(history: History, word: CheckpointName | undefined): Published {
  const { log, attempts } = history
  const initial = { epoch: initialEpoch, snapshotId: `${attempts}.-1`, rows: [] }
  if (log.length === 0) log.push(initial)
  const newest = log.at(-1) ?? initial
  if (word === undefined) {
    if (newest.epoch === initialEpoch) return newest
    throw new Error(`there is no marker, and epoch ${newest.epoch} was published`)
  }
  const named = log.findIndex(({ snapshotId }) => snapshotId === word.snapshotId)
  if (named < 0) throw new Error(`the marker names ${word.snapshotId}, which is no checkpoint`)
  if (word.epoch < history.acknowledged) {
    throw new Error(
      `the marker names ${word.snapshotId}, epoch ${history.acknowledged} is committed`,
    )
  }
  log.length = named + 1
  return log[named] ?? initial
}

async function prepareNext(
  { random, attempts }: History,
  transactions: Transactions,
  number: number,
): Promise<Published> {
  const epoch = epochOf(number)
  const snapshotId = `${attempts}.${number}`
  const rows: string[] = []
  for (let batch = Math.floor(random.next() * 3); batch > 0; batch--) {
    const sent = [`${snapshotId} row ${rows.length}`, `${snapshotId} row ${rows.length + 1}`]
    rows.push(...sent)
    const partition = Math.floor(random.next() * 2)
    const records = packed(sent)
    await transactions.write(epoch, { topic, partition }, { records, count: records.recordCount })
  }
  await transactions.prepare({ epoch, snapshotId })
  return { epoch, snapshotId, rows }
}

function packed(texts: readonly string[]): PackedRecords {
  const writer = new RecordWriter(1_000)
  for (const text of texts) {
    const bytes = new TextEncoder().encode(text)
    writer.append(0, undefined, { bytes, start: 0, end: bytes.length })
  }
  return writer.take()
}

/** An attempt that was replaced goes on where it was. */
async function awake(
  { random, figures, sleepers }: History,
  sleeper: History['sleepers'][number],
): Promise<void> {
  const { transactions, next } = sleeper
  const epoch = epochOf(next)
  const deeds = [
    async () => {
      // It slept before its fence. After that the log tells it that it was replaced.
      sleepers.splice(sleepers.indexOf(sleeper), 1)
      await transactions.fence()
    },
    () => transactions.commit(epoch),
    () => transactions.abort(epoch),
    () => transactions.prepare({ epoch: epochOf(next + 3), snapshotId: 'of a zombie' }),
    () => {
      const records = packed(['of a zombie'])
      return transactions.write(epoch, { topic, partition: 0 }, { records, count: 1 })
    },
  ]
  figures.awake += 1
  // What it is told is of no interest.
  await deeds[Math.floor(random.next() * deeds.length)]?.().catch(() => undefined)
}

function mustBeWhole({ broker, log }: History): void {
  broker.settle()
  const { group, marker } = places
  const markers = broker.markers({ group, ...marker }).map((found) => decodeMarker(group, found))
  mustBeMarked(broker, markers, log)
  const visible = [0, 1].flatMap((partition) =>
    broker.committed({ topic, partition }).map(({ value }) => new TextDecoder().decode(value)),
  )
  const expected = log.flatMap(({ rows }) => rows)
  if (visible.toSorted().join() !== expected.toSorted().join()) {
    throw new Error(`visible are ${visible.join()}, expected ${expected.join()}`)
  }
}

/** Waits take no time, and are counted. */
function hastyClock(): Clock {
  let nowMs = 0
  return {
    ...createSimulatedClock(),
    monotonic: () => nowMs,
    after(delayMs, call) {
      nowMs += delayMs
      call()
      return () => undefined
    },
  }
}
