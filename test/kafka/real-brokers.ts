import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

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
  /** Feature levels other than those of the version, such as `transaction.version=0`. */
  readonly features?: readonly string[]
}

/** Brokers of Apache Kafka on this machine, in processes of their own. */
export interface RealBrokers {
  /** Addresses of all nodes. */
  readonly bootstrap: string
  createTopic(topic: string, partitions: number): Promise<void>
  /** Every record there is now, read by Kafka's own consumer. */
  read(topic: string, level?: 'read_committed' | 'read_uncommitted'): Promise<readonly ReadRecord[]>
  /** How many transactions are open in a topic. */
  open(topic: string): Promise<number>
  /** Ends what is open in a topic, as an administrator does; gives how many transactions. */
  abortOpen(topic: string): Promise<number>
  /** The node that leads a partition. */
  leaderOf(topic: string, partition: number): Promise<number>
  /** Sends a signal to a node, counted from 1. */
  signal(node: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void
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

/** Tests and scripts run there. */
const projectRoot = process.cwd()
const defaultVersion = '4.3.1'
const javaFolder = join(projectRoot, 'test', 'kafka', 'java')
/** Small and quickly there: the compiler of the first tier is the faster one for runs of seconds. */
const jvm = [
  '-Xms64m',
  '-Xmx384m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.net.preferIPv4Stack=true',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]
const startMs = 60_000

/** Starts a cluster and waits until it answers. The first call on a machine lets Maven bring what it takes. */
export async function realBrokers(options: BrokerOptions = {}): Promise<RealBrokers> {
  const { version = defaultVersion, nodes = 1 } = options
  const classPath = classPathOf(version)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-brokers-'))
  const port = await freePorts(nodes)
  const helper = helperOver(classPath)
  const running = new Map<number, ChildProcess>()
  const bootstrap = numbers(nodes)
    .map((node) => `127.0.0.1:${portOf(port, node)}`)
    .join(',')
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
  const stop = async (): Promise<void> => {
    for (const child of running.values()) child.kill('SIGKILL')
    helper.close()
    await Promise.all([...running.values()].map(ended))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    format(folder, classPath, { ...options, nodes, port })
    for (const node of numbers(nodes)) await launch(node)
    await untilAnswered(helper, bootstrap, nodes, folder)
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return {
    bootstrap,
    async createTopic(topic, partitions) {
      await helper.ask('create', bootstrap, topic, String(partitions))
    },
    async read(topic, level = 'read_committed') {
      const lines = await helper.ask('read', bootstrap, topic, level)
      return lines.map(recordOf).toSorted(byPlace)
    },
    open: async (topic) => (await helper.ask('open', bootstrap, topic)).length,
    abortOpen: async (topic) => (await helper.ask('abort-open', bootstrap, topic)).length,
    async leaderOf(topic, partition) {
      const [line] = await helper.ask('leader', bootstrap, topic, String(partition))
      return Number(line)
    },
    signal(node, signal) {
      running.get(node)?.kill(signal)
    },
    async restart(node) {
      const before = running.get(node)
      if (before !== undefined) await ended(before)
      await launch(node)
      await untilAnswered(helper, bootstrap, nodes, folder)
    },
    stop,
  }
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at + 1)
}

/** Clients come to the first port of a node, the controllers talk over the second. */
function portOf(first: number, node: number): number {
  return first + 2 * (node - 1)
}

/** Maven is asked once; then the answer stands in a file as long as the jars are there. */
function classPathOf(version: string): string {
  const cache = join(projectRoot, 'node_modules', '.cache', 'millrace-kafka')
  const file = join(cache, `class-path-${version}`)
  const known = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (known !== '' && known.split(':').every((jar) => existsSync(jar))) return known
  mkdirSync(cache, { recursive: true })
  const fresh = join(cache, `class-path-${version}-${process.pid}`)
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath'
  execFileSync(
    'mvn',
    ['-q', '-B', '-f', join(javaFolder, 'pom.xml'), `-Dkafka.version=${version}`, goal].concat([
      `-Dmdep.outputFile=${fresh}`,
      '-DincludeScope=runtime',
    ]),
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const found = readFileSync(fresh, 'utf8').trim()
  writeFileSync(file, found)
  rmSync(fresh)
  return found
}

/** Ports in a row that nobody listens on, below those that outgoing connections take. */
async function freePorts(nodes: number): Promise<number> {
  for (let tried = 0; tried < 50; tried++) {
    const first = 20_000 + 10 * (randomBytes(2).readUInt16LE() % 1_000)
    const ports = Array.from({ length: 2 * nodes }, (_, at) => first + at)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return first
  }
  throw new Error('no free ports')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function format(
  folder: string,
  classPath: string,
  { nodes, port, features = [] }: BrokerOptions & { nodes: number; port: number },
): void {
  // A hyphen in front would make an option of it.
  const cluster = randomBytes(16).toString('base64url').replaceAll('-', 'a')
  for (const node of numbers(nodes)) {
    const file = join(folder, `node-${node}.properties`)
    writeFileSync(file, settingsOf(folder, node, { nodes, port }).join('\n'))
    const words = ['kafka.tools.StorageTool', 'format', '-t', cluster, '-c', file]
    const levels = features.flatMap((feature) => ['--feature', feature])
    execFileSync('java', [...jvm, '-cp', classPath, ...words, ...levels], { stdio: 'pipe' })
  }
}

function settingsOf(
  folder: string,
  node: number,
  { nodes, port }: { readonly nodes: number; readonly port: number },
): readonly string[] {
  const own = portOf(port, node)
  const voters = numbers(nodes).map((each) => `${each}@127.0.0.1:${portOf(port, each) + 1}`)
  const inSync = nodes > 2 ? 2 : 1
  return [
    'process.roles=broker,controller',
    `node.id=${node}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=PLAINTEXT://127.0.0.1:${own},CONTROLLER://127.0.0.1:${own + 1}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    `log.dirs=${join(folder, `data-${node}`)}`,
    'auto.create.topics.enable=false',
    `default.replication.factor=${nodes}`,
    `min.insync.replicas=${inSync}`,
    `offsets.topic.replication.factor=${nodes}`,
    'offsets.topic.num.partitions=1',
    `transaction.state.log.replication.factor=${nodes}`,
    `transaction.state.log.min.isr=${inSync}`,
    'transaction.state.log.num.partitions=1',
    // A transaction that takes too long is aborted soon after, and not within ten seconds.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms=200',
    // A node that was killed may come back soon; one that gets no CPU for less is not taken for dead.
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    'log.cleaner.dedupe.buffer.size=4194304',
    'num.network.threads=2',
    'num.io.threads=2',
    'background.threads=2',
  ]
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

/** Kafka's own clients in a process that takes one command after the other. */
interface Helper {
  ask(...words: readonly string[]): Promise<readonly string[]>
  close(): void
}

function helperOver(classPath: string): Helper {
  const program = join(javaFolder, 'Helper.java')
  const child = spawn('java', [...jvm, '-cp', classPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let waiting: { resolve: (lines: string[]) => void; reject: (error: Error) => void } | undefined
  let lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line !== 'done' && !line.startsWith('failed\t')) return void lines.push(line)
    const [asked, found] = [waiting, lines]
    waiting = undefined
    lines = []
    if (line === 'done') asked?.resolve(found)
    else asked?.reject(new Error(line.slice('failed\t'.length)))
  })
  child.on('exit', (code) => waiting?.reject(new Error(`the helper ended with ${code}`)))
  let turn: Promise<unknown> = Promise.resolve()
  const send = (words: readonly string[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
      child.stdin.write(`${words.join('\t')}\n`)
    })
  return {
    ask(...words) {
      const answer = turn.then(() => send(words))
      turn = answer.catch(() => undefined)
      return answer
    },
    close: () => void child.stdin.end(),
  }
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
