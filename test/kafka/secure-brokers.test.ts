import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { col, upper } from '../../src/functions.ts'
import { Session, StreamError } from '../../src/index.ts'
import { connected, fill, mustBeOnce, textsOf } from './filled-topic.ts'
import { leaveOutWithoutBrokers } from './left-out.ts'
import { type RealBrokers, realBrokers } from './real-brokers.ts'

const isLeftOut = leaveOutWithoutBrokers('encrypted connections')
/** Maven may have to bring everything first. */
const startMs = 300_000
const rows = 100
const partitions = 2

describe.skipIf(isLeftOut)('encrypted connections', () => {
  const session = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secure-'))
  let started: RealBrokers | undefined
  let sent: readonly string[] = []
  let queries = 0

  beforeAll(async () => {
    started = await realBrokers({ isSecure: true })
    for (const topic of ['in', 'out', 'shown']) await started.createTopic(topic, partitions)
    const cluster = connected(started)
    sent = await fill(cluster, 'in', { rows, partitions })
    await cluster.close()
  }, startMs)
  afterAll(async () => {
    await session.stop()
    await started?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A batch of all there is, from `in` to a topic, over these connections. */
  async function copy(to: string, client: Readonly<Record<string, string>>): Promise<void> {
    await session.readStream
      .format('kafka')
      .options(client)
      .option('subscribe', 'in')
      .option('startingOffsets', 'earliest')
      .load()
      .select(upper(col('value').cast('string')).alias('value'))
      .writeStream.format('kafka')
      .options(client)
      .option('topic', to)
      .option('kafka.max.block.ms', 10_000)
      .option('checkpointLocation', join(folder, `checkpoint-${queries++}`))
      .trigger({ availableNow: true })
      .start()
      .awaitTermination()
  }

  function under(): RealBrokers & { readonly secrets: NonNullable<RealBrokers['secrets']> } {
    const secrets = started?.secrets
    if (started === undefined || secrets === undefined) throw new Error('the brokers did not start')
    return { ...started, secrets }
  }

  /** A client with a name and a password. */
  function alice(password: string): Readonly<Record<string, string>> {
    const { saslSsl, ca } = under().secrets
    return {
      'kafka.bootstrap.servers': saslSsl,
      'kafka.security.protocol': 'SASL_SSL',
      'kafka.sasl.mechanism': 'SCRAM-SHA-512',
      'kafka.sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="${password}";`,
      'kafka.ssl.truststore.certificates': ca,
    }
  }

  /** A client that shows a certificate. */
  function shown(): Readonly<Record<string, string>> {
    const { ssl, ca, certificate, key } = under().secrets
    return {
      'kafka.bootstrap.servers': ssl,
      'kafka.security.protocol': 'SSL',
      'kafka.ssl.truststore.certificates': ca,
      'kafka.ssl.keystore.certificate.chain': certificate,
      'kafka.ssl.keystore.key': key,
    }
  }

  /** What docs/kafka.md says that a query takes which is exactly once. */
  const rights: readonly (readonly [resource: (to: string) => string, operation: string])[] = [
    [() => 'TRANSACTIONAL_ID millrace/*', 'DESCRIBE'],
    [() => 'TRANSACTIONAL_ID millrace/*', 'WRITE'],
    [() => 'GROUP millrace.*', 'READ'],
    [(to) => `TOPIC ${to}`, 'READ'],
    [(to) => `TOPIC ${to}`, 'DESCRIBE'],
    [() => 'TOPIC in', 'DESCRIBE'],
    [() => 'TOPIC in', 'READ'],
    [(to) => `TOPIC ${to}`, 'WRITE'],
  ]

  async function mustBeCopied(to: string): Promise<void> {
    mustBeOnce(
      sent.map((text) => text.toUpperCase()),
      textsOf(await under().read(to)),
    )
  }

  test('a right that is missing is named, one after the other, and with all of them it works: SASL_SSL with SCRAM', async () => {
    const denied: string[] = []
    for (const [resource, operation] of rights) {
      const refused = await copy('out', alice('alice-secret')).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (refused !== undefined) {
        expect(refused).toBeInstanceOf(StreamError)
        expect((refused as StreamError).code).toBe('KAFKA_DENIED')
        denied.push((refused as StreamError).message)
      }
      await under().allow('User:alice', resource('out'), operation)
    }
    expect(denied.length).toBeGreaterThanOrEqual(5)
    for (const resource of ['topic in', 'topic out', 'transactional id', 'group']) {
      expect(
        denied.some((message) => message.includes(resource)),
        resource,
      ).toBe(true)
    }
    expect(denied.every((message) => !message.includes('alice-secret'))).toBe(true)
    await copy('out', alice('alice-secret'))
    await mustBeCopied('out')
  }, 120_000)

  test('a client shows its certificate', async () => {
    for (const [resource, operation] of rights) {
      await under().allow('User:CN=client', resource('shown'), operation)
    }
    await copy('shown', shown())
    await mustBeCopied('shown')
  }, 120_000)

  test('what fails on the way to a broker is said', async () => {
    const stranger = without(alice('alice-secret'), 'kafka.ssl.truststore')
    const bare = without(shown(), 'kafka.ssl.keystore')
    const cases: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['SASL', alice('wrong')],
      ['TLS', stranger],
      ['TLS', bare],
      ['DNS', { ...alice('alice-secret'), 'kafka.bootstrap.servers': 'nowhere.invalid:9092' }],
      ['TCP', { ...alice('alice-secret'), 'kafka.bootstrap.servers': '127.0.0.1:1' }],
    ]
    for (const [step, client] of cases) {
      const reading = session.read
        .format('kafka')
        .options(client)
        .option('subscribe', 'in')
        .option('kafka.default.api.timeout.ms', 500)
        .load()
        .collect()
      const code = ['SASL', 'TLS'].includes(step)
        ? 'KAFKA_AUTHENTICATION_FAILED'
        : 'KAFKA_UNREACHABLE'
      await expect(reading, step).rejects.toThrow(new RegExp(`${code}: .*\\(${step}\\)`, 's'))
    }
  }, 120_000)
})

function without(
  options: Readonly<Record<string, string>>,
  begin: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !name.startsWith(begin)))
}
