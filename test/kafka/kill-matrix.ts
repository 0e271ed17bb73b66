import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { logEntries } from '../../properties/logged-epochs.ts'
import { bootstrapServers } from '../../src/connectors/kafka/client-options.ts'
import { type KafkaCluster, kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { clusterRequests } from '../../src/connectors/kafka/cluster-requests.ts'
import { decodeMarker } from '../../src/connectors/kafka/epoch-marker.ts'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import { plainProducer } from '../../src/connectors/kafka/plain-producer.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { outcomeOf } from '../../src/connectors/kafka/transaction-requests.ts'
import { sleep } from '../../src/core/clock.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { type BrokerCondition, brokerStates, type KillMoment, killMoments } from './kill-moments.ts'
import type { ReadRecord, RealBrokers } from './real-brokers.ts'

export interface KillMatrixOptions {
  readonly brokers: RealBrokers
  readonly nodes: number
  /** The compiled program of `killed-query.ts`. */
  readonly program: string
  readonly rounds: number
  /** Which round is the first; the rounds go through the whole matrix in turn. */
  readonly first?: number
  /** Told of each round. */
  readonly report?: (line: string) => void
}

export interface KillMatrixReport {
  readonly rounds: number
  /** Rounds by moment and state of the brokers. */
  readonly faults: ReadonlyMap<string, number>
  /** Transactions whose ends the brokers lost, so that an administrator had to end them. */
  readonly hung: number
  /**
   * Rounds after which brokers hold rows back that they acknowledged as committed: they told the marker of the end of its
   * transaction, and not the rows.
   */
  readonly heldBack: number
}

const rows = 200
const partitions = 2
const clock = systemClock()

/**
 * Kills a query into Kafka with signal 9 at every step of a commit, while brokers are well, killed, paused, or their
 * coordinator moves, starts it again, and reads with Kafka's own consumer: every row is there once, and the marker names
 * the newest checkpoint.
 *
 * @throws Error that names the round and what was wrong
 */
export async function killMatrix(options: KillMatrixOptions): Promise<KillMatrixReport> {
  const { nodes, rounds, first = 0, report } = options
  const states = brokerStates.filter((state) => nodes > 1 || state !== 'coordinator moved')
  const faults = new Map<string, number>()
  let hung = 0
  let heldBack = 0
  for (let round = first; round < first + rounds; round++) {
    // Each time around another state for each moment, so that a few rounds see all of both.
    const place = round % killMoments.length
    const moment = killMoments[place] as KillMoment
    const state = states[(place + Math.floor(round / killMoments.length)) % states.length]
    if (state === undefined) throw new RangeError('no state of brokers')
    const name = `${moment}, ${state}`
    try {
      const found = await oneRound(options, { round, moment, state })
      hung += found.hung
      if (found.isHeldBack) heldBack += 1
    } catch (cause) {
      throw new Error(`round ${round}, ${name}, ${nodes} brokers: ${String(cause)}`, { cause })
    }
    faults.set(name, (faults.get(name) ?? 0) + 1)
    report?.(`round ${round}: ${name}: nothing lost, nothing twice`)
  }
  return { rounds, faults, hung, heldBack }
}

interface Round {
  readonly round: number
  readonly moment: KillMoment
  readonly state: BrokerCondition
}

/** What the brokers lost of the ends of transactions. */
interface LostEnds {
  readonly hung: number
  readonly isHeldBack: boolean
}

async function oneRound(
  options: KillMatrixOptions,
  { round, moment, state }: Round,
): Promise<LostEnds> {
  const { brokers, program } = options
  const [from, to] = [`from-${process.pid}-${round}`, `to-${process.pid}-${round}`]
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const checkpoint = join(folder, 'checkpoint')
  const cluster = connected(brokers)
  try {
    await brokers.createTopic(from, partitions)
    await brokers.createTopic(to, partitions)
    const sent = await fill(cluster, from)
    // The first word is that of the checkpoint before every epoch.
    const which = String(1 + (round % 3))
    const words = [brokers.bootstrap, from, to, checkpoint]
    const dying = lifeOf(program, [...words, moment, which])
    await dying.until('at the step')
    const restore = await disturb(options, state)
    dying.goOn()
    await dying.ended
    const living = lifeOf(program, [...words, 'never'])
    await restore()
    const hung = await toTheEnd(living, options, to)
    if (hung > 0) {
      const again = lifeOf(program, [...words, 'never'])
      await again.until('at the end')
      await again.ended
    }
    await mustBeMarked(cluster, checkpoint, to)
    // Everything of ours has ended: what is open in the topic is held back by the brokers alone.
    const isHeldBack = await staysOpen(brokers, to)
    if (isHeldBack && (options.nodes > 1 || state !== 'killed')) {
      throw new Error('the brokers hold committed rows back')
    }
    if (!isHeldBack) mustBeOnce(sent, textsOf(await brokers.read(to)))
    else mustBeThere(sent, textsOf(await brokers.read(to, 'read_uncommitted')))
    return { hung, isHeldBack }
  } finally {
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Waits for the end of a life. A broker that starts again may take a transaction for complete and tell its partitions
 * nothing of it (seen with 4.3.1: "Couldn't find leader endpoint ... can be skipped"); then the query must say so, and goes
 * on when an administrator has ended the transaction.
 */
async function toTheEnd(
  life: ProgramLife,
  { brokers }: KillMatrixOptions,
  topic: string,
): Promise<number> {
  try {
    await life.until('at the end')
    await life.ended
    return 0
  } catch (thrown) {
    if (!String(thrown).includes('KAFKA_TRANSACTION_HANGS')) throw thrown
    const inTopic = await brokers.abortOpen(topic)
    const inOffsets = await brokers.abortOpen('__consumer_offsets')
    if (inOffsets === 0) throw new Error(`nothing hangs: ${String(thrown)}`)
    return Math.max(inTopic, inOffsets)
  }
}

function connected(brokers: RealBrokers): KafkaCluster {
  const client = { clientId: 'kill-matrix', connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 }
  const options = new Map([['kafka.bootstrap.servers', brokers.bootstrap]])
  return kafkaCluster(kafkajsTransport(client), bootstrapServers(options))
}

async function fill(cluster: KafkaCluster, topic: string): Promise<readonly string[]> {
  const producer = plainProducer({ cluster, clock, retryMs: 60_000, requestTimeoutMs: 30_000 })
  const sent = Array.from({ length: rows }, (_, row) => `row ${row}`)
  for (let partition = 0; partition < partitions; partition++) {
    const writer = new RecordWriter(10_000)
    for (const [row, text] of sent.entries()) {
      if (row % partitions !== partition) continue
      const bytes = new TextEncoder().encode(text)
      writer.append(clock.now(), undefined, { bytes, start: 0, end: bytes.length })
    }
    await producer.send({ topic, partition }, writer.take())
  }
  return sent
}

/** Brings brokers into a state; the answer makes them well again. */
async function disturb(
  { brokers, nodes }: KillMatrixOptions,
  state: BrokerCondition,
): Promise<() => Promise<void>> {
  switch (state) {
    case 'calm':
      return async () => undefined
    case 'paused':
      brokers.signal(1, 'SIGSTOP')
      return async () => {
        await sleep(clock, 1_000)
        brokers.signal(1, 'SIGCONT')
      }
    case 'killed': {
      const node = nodes
      brokers.signal(node, 'SIGKILL')
      return () => brokers.restart(node)
    }
    case 'coordinator moved': {
      const node = await brokers.leaderOf('__transaction_state', 0)
      brokers.signal(node, 'SIGTERM')
      return () => brokers.restart(node)
    }
    default:
      throw new RangeError(`no state ${String(state)}`)
  }
}

interface ProgramLife {
  /** Waits for a line of its output. */
  until(line: string): Promise<void>
  goOn(): void
  readonly ended: Promise<unknown>
}

/** As long as brokers come back in. */
const lifeMs = 120_000

function lifeOf(program: string, words: readonly string[]): ProgramLife {
  const child: ChildProcess = spawn(process.execPath, [program, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: lifeMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const ended = new Promise((resolve) => child.once('close', resolve))
  const lines = new Set<string>()
  const heard = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`
      lines.add(line)
      for (const each of heard) each()
    })
  }
  return {
    ended,
    goOn: () => void child.stdin?.write('go on\n'),
    until: (line) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (lines.has(line)) resolve()
        }
        heard.add(look)
        look()
        ended.then(() => reject(new Error(`it ended without "${line}":\n${output}`)))
      }),
  }
}

/** Whether a transaction is open in a topic that nobody will end: partitions hear of ends a little later. */
async function staysOpen(brokers: RealBrokers, topic: string): Promise<boolean> {
  const untilMs = clock.monotonic() + 5_000
  while ((await brokers.open(topic)) > 0) {
    if (clock.monotonic() > untilMs) return true
    await sleep(clock, 100)
  }
  return false
}

function textsOf(records: readonly ReadRecord[]): readonly string[] {
  return records.map(({ value }) => new TextDecoder().decode(value))
}

function mustBeThere(sent: readonly string[], found: readonly string[]): void {
  const lost = sent.filter((text) => !found.includes(text))
  if (lost.length > 0)
    throw new Error(`${lost.length} rows are nowhere (${lost.slice(0, 3).join(', ')})`)
}

function mustBeOnce(sent: readonly string[], found: readonly string[]): void {
  const counts = new Map<string, number>()
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) + 1)
  const lost = sent.filter((text) => !counts.has(text))
  const twice = [...counts].filter(([, count]) => count > 1).map(([text]) => text)
  if (lost.length + twice.length === 0 && counts.size === sent.length) return
  throw new Error(
    `${lost.length} rows lost (${lost.slice(0, 3).join(', ')}), ${twice.length} twice (${twice.slice(0, 3).join(', ')})`,
  )
}

/** The marker names the newest checkpoint of the log. */
async function mustBeMarked(
  cluster: KafkaCluster,
  checkpoint: string,
  topic: string,
): Promise<void> {
  const entries = await logEntries(nodeFileSystem(), checkpoint)
  const newest = entries.findLast((entry) => entry.type === 'manifest')?.manifest
  const attempt = entries.find((entry) => entry.type === 'attempt')
  const group = `millrace.${attempt?.queryId}.eos`
  const requests = clusterRequests({
    cluster,
    transactionTimeoutMs: 60_000,
    requestTimeoutMs: 30_000,
  })
  const untilMs = clock.monotonic() + 30_000
  for (;;) {
    const found = await requests.fetchOffset({ group, topic, partition: 0 })
    if (outcomeOf(found.error) === 'done') {
      const marker = decodeMarker(group, found)
      if (marker?.snapshotId === newest?.snapshotId && newest !== undefined) return
      throw new Error(
        `the marker names ${marker?.epoch}, the newest checkpoint is ${newest?.epoch}`,
      )
    }
    if (clock.monotonic() > untilMs) throw new Error(`no marker, code ${found.error}`)
    await sleep(clock, 20)
  }
}
