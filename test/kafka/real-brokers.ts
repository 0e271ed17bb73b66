import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  addresses,
  type BrokerSecrets,
  dataFolder,
  format,
  freePorts,
  type Layout,
  makeSecrets,
  numbers,
  portOf,
} from './broker-layout.ts'
import { classPathOf, type Helper, helperOver, jvm } from './java.ts'

/** A record as Kafka's own consumer gives it. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
}

export interface BrokerOptions {
  /** Default 4.3.1. */
  readonly version?: string
  /** Nodes of the cluster, each with all partitions. Default 1. */
  readonly nodes?: number
  /**
   * Encrypted listeners too, one that takes certificates of clients and one that takes names and passwords. Whoever comes
   * over these has no rights but those that `allow` gives.
   */
  readonly isSecure?: boolean
  /** A listener too whose addresses are those of `proxied`. */
  readonly isProxied?: boolean
}

/** What clients of a node are told to connect to, and where the node listens for them. */
export interface ProxiedAddress {
  readonly port: number
  readonly to: number
}

/** Brokers of Apache Kafka on this machine, in processes of their own. */
export interface RealBrokers {
  /** Addresses of all nodes. */
  readonly bootstrap: string
  /** Only of secure ones. */
  readonly secrets: BrokerSecrets | undefined
  /** Only of brokers behind proxies; nobody listens there before a test does. */
  readonly proxied: readonly ProxiedAddress[]
  createTopic(topic: string, partitions: number): Promise<void>
  /** Every record there is now, read by Kafka's own consumer. */
  read(topic: string, level?: 'read_committed' | 'read_uncommitted'): Promise<readonly ReadRecord[]>
  /** How many transactions are open in a topic. */
  open(topic: string): Promise<number>
  /** Ends what is open in a topic, as an administrator does; gives how many transactions. */
  abortOpen(topic: string): Promise<number>
  /** Lets a user do something, such as `User:alice`, `TOPIC orders`, `READ`; a `*` at the end is for any name that begins so. */
  allow(user: string, resource: string, operation: string): Promise<void>
  /** Sends as many rows, `row 0` and so on, to partition 0, packed with a codec of Kafka's own producer. */
  send(topic: string, codec: string, rows: number): Promise<void>
  deleteTopic(topic: string): Promise<void>
  /** Deletes what is before an offset of partition 0. */
  deleteRecords(topic: string, before: number): Promise<void>
  /** Deletes a group with all that it has committed. */
  deleteGroup(group: string): Promise<void>
  /** The file of partition 0 of a topic on node 1 that holds its first records. */
  segment(topic: string): string
  /** The node that leads a partition. */
  leaderOf(topic: string, partition: number): Promise<number>
  /** Makes another node lead a partition; needs several nodes. */
  moveLeader(topic: string, partition: number): Promise<void>
  /** Sends a signal to a node, counted from 1. */
  signal(node: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void
  /** Waits until a node has ended. */
  ended(node: number): Promise<void>
  /** Starts a node that has ended, with its data. */
  restart(node: number): Promise<void>
  /** Ends everything and removes its files. */
  stop(): Promise<void>
}

/** Why brokers cannot be started here; `undefined` if they can. */
export function missingForBrokers(): string | undefined {
  const missing = ['java', 'mvn'].filter((command) => {
    try {
      execFileSync(command, ['-version'], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return missing.length === 0
    ? undefined
    : `a JDK and Maven are needed; missing: ${missing.join(', ')}`
}

const defaultVersion = '4.3.1'
const startMs = 60_000

/** Starts a cluster and waits until it answers. The first call on a machine lets Maven bring what it takes. */
export async function realBrokers(options: BrokerOptions = {}): Promise<RealBrokers> {
  const { version = defaultVersion, nodes = 1, isSecure = false, isProxied = false } = options
  const classPath = classPathOf(version)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-brokers-'))
  const port = await freePorts(nodes)
  const helper = helperOver(classPath)
  const layout: Layout = { folder, nodes, port, isSecure, isProxied }
  const running = new Map<number, ChildProcess>()
  const bootstrap = addresses(layout, 'client')
  const launch = async (node: number): Promise<void> => {
    const log = openSync(join(folder, `node-${node}.log`), 'a')
    const child = spawn(
      'java',
      [...jvm, '-cp', classPath, 'kafka.Kafka', join(folder, `node-${node}.properties`)],
      { stdio: ['ignore', log, log] },
    )
    closeSync(log)
    running.set(node, child)
    await helper.ask('own', String(child.pid))
  }
  const untilEnded = async (node: number): Promise<void> => {
    const before = running.get(node)
    if (before !== undefined) await ended(before)
  }
  const stop = async (): Promise<void> => {
    for (const child of running.values()) child.kill('SIGKILL')
    helper.close()
    await Promise.all([...running.values()].map(ended))
    rmSync(folder, { recursive: true, force: true })
  }
  let secrets: BrokerSecrets | undefined
  try {
    if (isSecure) secrets = await makeSecrets(layout, helper)
    format(layout, classPath)
    for (const node of numbers(nodes)) await launch(node)
    await untilAnswered(helper, bootstrap, nodes, folder)
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return {
    bootstrap,
    secrets,
    proxied: isProxied
      ? numbers(nodes).map((node) => ({
          port: portOf(port, node, 'proxy'),
          to: portOf(port, node, 'proxied'),
        }))
      : [],
    async createTopic(topic, partitions) {
      await helper.ask('create', bootstrap, topic, String(partitions))
    },
    async read(topic, level = 'read_committed') {
      const lines = await helper.ask('read', bootstrap, topic, level)
      return lines.map(recordOf).toSorted(byPlace)
    },
    open: async (topic) => (await helper.ask('open', bootstrap, topic)).length,
    abortOpen: async (topic) => (await helper.ask('abort-open', bootstrap, topic)).length,
    async allow(user, resource, operation) {
      const [kind = '', name = ''] = resource.split(' ')
      await helper.ask('allow', bootstrap, user, kind, name, operation)
    },
    async send(topic, codec, rows) {
      await helper.ask('send', bootstrap, topic, codec, String(rows))
    },
    async deleteTopic(topic) {
      await helper.ask('delete-topic', bootstrap, topic)
    },
    async deleteRecords(topic, before) {
      await helper.ask('delete-records', bootstrap, topic, String(before))
    },
    async deleteGroup(group) {
      await helper.ask('delete-group', bootstrap, group)
    },
    segment: (topic) => join(dataFolder(layout, 1), `${topic}-0`, `${'0'.repeat(20)}.log`),
    async leaderOf(topic, partition) {
      const [line] = await helper.ask('leader', bootstrap, topic, String(partition))
      return Number(line)
    },
    async moveLeader(topic, partition) {
      await helper.ask('move-leader', bootstrap, topic, String(partition))
    },
    signal(node, signal) {
      running.get(node)?.kill(signal)
    },
    ended: untilEnded,
    async restart(node) {
      await untilEnded(node)
      await launch(node)
      await untilAnswered(helper, bootstrap, nodes, folder)
    },
    stop,
  }
}

async function untilAnswered(
  helper: Helper,
  bootstrap: string,
  nodes: number,
  folder: string,
): Promise<void> {
  const untilMs = performance.now() + startMs
  for (;;) {
    try {
      await helper.ask('nodes', bootstrap, String(nodes))
      return
    } catch (thrown) {
      if (performance.now() > untilMs) {
        const log = readFileSync(join(folder, 'node-1.log'), 'utf8').slice(-2_000)
        throw new Error(`the brokers do not answer: ${String(thrown)}\n${log}`)
      }
    }
  }
}

function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', resolve))
}

function recordOf(line: string): ReadRecord {
  const [, partition, offset, key = '-', value = '-'] = line.split('\t')
  return {
    partition: Number(partition),
    offset: Number(offset),
    key: part(key),
    value: part(value),
  }
}

function part(text: string): Uint8Array | undefined {
  return text === '-' ? undefined : new Uint8Array(Buffer.from(text.slice(1), 'base64'))
}

function byPlace(left: ReadRecord, right: ReadRecord): number {
  return left.partition - right.partition || left.offset - right.offset
}
