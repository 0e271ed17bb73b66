import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logEntries } from '../../properties/logged-epochs.ts'
import type { KafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { clusterRequests } from '../../src/connectors/kafka/cluster-requests.ts'
import { decodeMarker } from '../../src/connectors/kafka/epoch-marker.ts'
import { decodeRequest, versionOf } from '../../src/connectors/kafka/protocol/api.ts'
import { endTxnApi } from '../../src/connectors/kafka/protocol/transaction-api.ts'
import { outcomeOf } from '../../src/connectors/kafka/transaction-requests.ts'
import { sleep } from '../../src/core/clock.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { connected, fill, mustBeOnce, textsOf } from './filled-topic.ts'
import { type BrokerCondition, brokerStates, type KillMoment, killMoments } from './kill-moments.ts'
import { type LossyProxy, lossyProxy, type SeenRequest } from './lossy-proxy.ts'
import { lifeOf, type ProgramLife } from './program-life.ts'
import type { RealBrokers } from './real-brokers.ts'

export interface KillMatrixOptions {
  /** With addresses for a proxy. */
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
export async function killMatrix(asked: KillMatrixOptions): Promise<KillMatrixReport> {
  const { brokers } = asked
  const proxy = await lossyProxy(brokers.proxied)
  const bootstrap = brokers.proxied.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const options: Matrix = { ...asked, proxy: { ...proxy, bootstrap } }
  try {
    return await allRounds(options)
  } finally {
    await proxy.close()
  }
}

interface Matrix extends KillMatrixOptions {
  readonly proxy: LossyProxy & { readonly bootstrap: string }
}

async function allRounds(options: Matrix): Promise<KillMatrixReport> {
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

async function oneRound(options: Matrix, { round, moment, state }: Round): Promise<LostEnds> {
  const { brokers, program } = options
  const [from, to] = [`from-${process.pid}-${round}`, `to-${process.pid}-${round}`]
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const checkpoint = join(folder, 'checkpoint')
  const cluster = connected(brokers)
  try {
    await brokers.createTopic(from, partitions)
    await brokers.createTopic(to, partitions)
    const sent = await fill(cluster, from, { rows, partitions })
    // The first word is that of the checkpoint before every epoch.
    const which = String(1 + (round % 3))
    const words = [brokers.bootstrap, from, to, checkpoint]
    const first = await firstLife(options, words, { moment, which })
    const restore = await disturb(options, state)
    const living = await first.next()
    await restore()
    const lost = await toTheEnd(living, options, to)
    if (lost.hung > 0 || lost.isHeldBack) {
      const again = lifeOf(program, [...words, 'never'])
      await again.until('at the end')
      await again.ended
    }
    await mustBeMarked(cluster, checkpoint, to)
    // Everything of ours has ended: what is open in the topic is held back by the brokers alone.
    const isHeldBack = lost.isHeldBack || (await staysOpen(brokers, to))
    if (isHeldBack && (options.nodes > 1 || state !== 'killed')) {
      throw new Error('the brokers hold committed rows back')
    }
    if (!isHeldBack) mustBeOnce(sent, textsOf(await brokers.read(to)))
    else mustBeThere(sent, textsOf(await brokers.read(to, 'read_uncommitted')))
    return { hung: lost.hung, isHeldBack }
  } finally {
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface FirstLife {
  /** Lets it die, where it is to die, and gives the life after that. */
  next(): Promise<ProgramLife>
}

/** A life up to the step at which something happens to it. */
async function firstLife(
  { program, proxy }: Matrix,
  words: readonly string[],
  { moment, which }: { readonly moment: KillMoment; readonly which: string },
): Promise<FirstLife> {
  const again = (): ProgramLife => lifeOf(program, [...words, 'never'])
  if (moment === 'EndTxn sent' || moment === 'answer lost') {
    const isLast = moment === 'EndTxn sent'
    const lost = proxy.loseAnswer(nthCommit(Number(which)), isLast ? 'silence' : 'cut')
    const life = lifeOf(program, [proxy.bootstrap, ...words.slice(1), 'never'])
    await Promise.race([lost, life.ended.then(() => life.until('EndTxn'))])
    return {
      async next() {
        if (!isLast) return life
        life.kill('SIGKILL')
        await life.ended
        return again()
      },
    }
  }
  const life = lifeOf(program, [...words, moment, which])
  await life.until('at the step')
  return {
    async next() {
      life.goOn()
      await life.ended
      return again()
    },
  }
}

/** Whether a request is this one of those that commit a transaction, counted from 0. */
function nthCommit(which: number): (request: SeenRequest) => boolean {
  let seen = 0
  return ({ key, version, bytes, bodyAt }) => {
    if (key !== endTxnApi.key) return false
    const body = bytes.subarray(bodyAt + (versionOf(endTxnApi, version).isFlexible ? 1 : 0))
    return decodeRequest(endTxnApi, version, body).isCommit && seen++ === which
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
): Promise<LostEnds> {
  try {
    await life.until('at the end')
    await life.ended
    return { hung: 0, isHeldBack: false }
  } catch (thrown) {
    const isHeldBack = String(thrown).includes('KAFKA_ROWS_HELD_BACK')
    if (!isHeldBack && !String(thrown).includes('KAFKA_TRANSACTION_HANGS')) throw thrown
    const inTopic = await brokers.abortOpen(topic)
    const inOffsets = await brokers.abortOpen('__consumer_offsets')
    if ((isHeldBack ? inTopic : inOffsets) === 0) {
      throw new Error(`nothing hangs: ${String(thrown)}`)
    }
    return { hung: isHeldBack ? 0 : Math.max(inTopic, inOffsets), isHeldBack }
  }
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

/** Whether a transaction is open in a topic that nobody will end: partitions hear of ends a little later. */
async function staysOpen(brokers: RealBrokers, topic: string): Promise<boolean> {
  const untilMs = clock.monotonic() + 5_000
  while ((await brokers.open(topic)) > 0) {
    if (clock.monotonic() > untilMs) return true
    await sleep(clock, 100)
  }
  return false
}

function mustBeThere(sent: readonly string[], found: readonly string[]): void {
  const lost = sent.filter((text) => !found.includes(text))
  if (lost.length > 0)
    throw new Error(`${lost.length} rows are nowhere (${lost.slice(0, 3).join(', ')})`)
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
