import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Helper, jvm } from './java.ts'

/** What clients of encrypted listeners need. */
export interface BrokerSecrets {
  /** Addresses for clients that show a certificate; theirs says that they are `User:CN=client`. */
  readonly ssl: string
  /** Addresses for clients with a name and a password, such as alice and alice-secret by SCRAM-SHA-512. */
  readonly saslSsl: string
  /** The authority that brokers are trusted by, as PEM text. */
  readonly ca: string
  /** The certificate of a client and its private key, as PEM texts. */
  readonly certificate: string
  readonly key: string
}

/** The ports of a node, in a row. */
const ports = ['client', 'controller', 'ssl', 'saslSsl', 'proxied', 'proxy'] as const

/** Where a node listens. */
export function portOf(first: number, node: number, of: (typeof ports)[number]): number {
  return first + ports.length * (node - 1) + ports.indexOf(of)
}

/** How the nodes of a cluster lie. */
export interface Layout {
  readonly folder: string
  readonly nodes: number
  readonly isSecure: boolean
  readonly isProxied: boolean
  /** The first port of the first node. */
  readonly port: number
}

/** Where all nodes do. */
export function addresses({ nodes, port }: Layout, of: (typeof ports)[number]): string {
  return numbers(nodes)
    .map((node) => `127.0.0.1:${portOf(port, node, of)}`)
    .join(',')
}

/** Where a node keeps its log. */
export function dataFolder({ folder }: Layout, node: number): string {
  return join(folder, `data-${node}`)
}

const storePassword = 'of-a-test'

/** An authority, a certificate for all nodes, and one for a client, by the tool that every JDK has. */
export async function makeSecrets(layout: Layout, helper: Helper): Promise<BrokerSecrets> {
  const store = join(layout.folder, 'secrets.p12')
  const make = (alias: string, more: readonly string[]): void => {
    const words = ['-genkeypair', '-alias', alias, '-dname', `CN=${alias}`, '-validity', '3650']
    const where = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', storePassword]
    const key = ['-keyalg', 'EC', '-groupname', 'secp256r1']
    execFileSync('keytool', [...words, ...where, ...key, ...more], { stdio: 'pipe' })
  }
  make('ca', ['-ext', 'bc:c=ca:true'])
  make('server', ['-ext', 'san=dns:localhost,ip:127.0.0.1', '-signer', 'ca'])
  make('client', ['-signer', 'ca'])
  const pem = async (what: 'certificate' | 'key', alias: string): Promise<string> => {
    const [line = ''] = await helper.ask('pem', store, storePassword, what, alias)
    return Buffer.from(line, 'base64').toString()
  }
  const ca = await pem('certificate', 'ca')
  writeFileSync(authorityFile(layout), ca)
  writeFileSync(
    serverFile(layout),
    `${await pem('key', 'server')}\n${await pem('certificate', 'server')}`,
  )
  return {
    ssl: addresses(layout, 'ssl'),
    saslSsl: addresses(layout, 'saslSsl'),
    ca,
    certificate: await pem('certificate', 'client'),
    key: await pem('key', 'client'),
  }
}

function authorityFile({ folder }: Layout): string {
  return join(folder, 'authority.pem')
}

function serverFile({ folder }: Layout): string {
  return join(folder, 'server.pem')
}

/** Nodes, counted from 1. */
export function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at + 1)
}

/** Ports in a row that nobody listens on, below those that outgoing connections take. */
export async function freePorts(nodes: number): Promise<number> {
  for (let tried = 0; tried < 50; tried++) {
    const first = 20_000 + 20 * (randomBytes(2).readUInt16LE() % 500)
    const wanted = Array.from({ length: ports.length * nodes }, (_, at) => first + at)
    const free = await Promise.all(wanted.map(isFree))
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

/** Writes the settings of every node, and its empty log. */
export function format(layout: Layout, classPath: string): void {
  const { folder, nodes, isSecure } = layout
  // A hyphen in front would make an option of it.
  const cluster = randomBytes(16).toString('base64url').replaceAll('-', 'a')
  for (const node of numbers(nodes)) {
    const file = join(folder, `node-${node}.properties`)
    writeFileSync(file, settingsOf(layout, node).join('\n'))
    const words = ['kafka.tools.StorageTool', 'format', '-t', cluster, '-c', file]
    const user = ['--add-scram', 'SCRAM-SHA-512=[name=alice,password=alice-secret]']
    const all = [...words, ...(isSecure ? user : [])]
    execFileSync('java', [...jvm, '-cp', classPath, ...all], { stdio: 'pipe' })
  }
}

function settingsOf(layout: Layout, node: number): readonly string[] {
  const { nodes, port, isSecure, isProxied } = layout
  const at = (of: (typeof ports)[number], each = node): string =>
    `127.0.0.1:${portOf(port, each, of)}`
  const voters = numbers(nodes).map((each) => `${each}@${at('controller', each)}`)
  const inSync = nodes > 2 ? 2 : 1
  const secure = isSecure ? [`SSL://${at('ssl')}`, `SASL_SSL://${at('saslSsl')}`] : []
  const both = [`PLAINTEXT://${at('client')}`, ...secure]
  const proxied = isProxied ? [`PROXIED://${at('proxied')}`] : []
  const told = isProxied ? [`PROXIED://${at('proxy')}`] : []
  return [
    'process.roles=broker,controller',
    `node.id=${node}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=${[...both, ...proxied, `CONTROLLER://${at('controller')}`].join(',')}`,
    `advertised.listeners=${[...both, ...told].join(',')}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL',
    ...(isSecure ? secureSettings(layout) : []),
    `log.dirs=${dataFolder(layout, node)}`,
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
    // The first member of a group does not wait for others.
    'group.initial.rebalance.delay.ms=0',
    // A node that was killed may come back soon; one that gets no CPU for less is not taken for dead.
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    'log.cleaner.dedupe.buffer.size=4194304',
    'num.network.threads=2',
    'num.io.threads=2',
    'background.threads=2',
  ]
}

function secureSettings(layout: Layout): readonly string[] {
  return [
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${serverFile(layout)}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${authorityFile(layout)}`,
    'listener.name.ssl.ssl.client.auth=required',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_bob="bob-secret";',
    // Tokens without a signature, which say themselves who somebody is.
    'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    'listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms=1600',
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users=User:ANONYMOUS',
  ]
}
