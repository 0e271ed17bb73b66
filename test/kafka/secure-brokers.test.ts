import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { DataStreamWriter } from '../../src/dataframe/data-frame.ts'
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
    for (const topic of ['in', 'out', 'shown', 'told']) await started.createTopic(topic, partitions)
    const cluster = connected(started)
    sent = await fill(cluster, 'in', { rows, partitions })
    await cluster.close()
  }, startMs)
  afterAll(async () => {
    await session.stop()
    await started?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** From `in` to a topic, over these connections. */
  function copying(to: string, client: Readonly<Record<string, string>>): DataStreamWriter {
    return session.readStream
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
  }

  /** All there is. */
  async function copy(to: string, client: Readonly<Record<string, string>>): Promise<void> {
    await copying(to, client).trigger({ availableNow: true }).start().awaitTermination()
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

  /** A client with a token of its own making, which such brokers believe. */
  function carol(endpoint: string, clientSecret: string): Readonly<Record<string, string>> {
    return {
      ...alice(''),
      'kafka.sasl.mechanism': 'OAUTHBEARER',
      'kafka.sasl.oauthbearer.token.endpoint.url': endpoint,
      'kafka.sasl.jaas.config': `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="carol" clientSecret="${clientSecret}";`,
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

  test('a client shows a token, and shows it again before its session ends', async () => {
    for (const [resource, operation] of rights) {
      await under().allow('User:carol', resource('told'), operation)
    }
    const endpoint = await tokenEndpoint('carol-secret')
    const cluster = connected(under())
    try {
      // Sessions last 1.6 seconds there.
      const query = copying('told', carol(endpoint.url, 'carol-secret'))
        .trigger({ processingTime: '100 milliseconds' })
        .start()
      await query.processAllAvailable()
      await sleep(systemClock(), 4_000)
      const later = await fill(cluster, 'in', { rows, partitions, name: 'later' })
      sent = [...sent, ...later]
      await query.processAllAvailable()
      await query.stop()
      await mustBeCopied('told')
      const refused = copy('told', carol(endpoint.url, 'wrong'))
      await expect(refused).rejects.toThrow(
        /KAFKA_AUTHENTICATION_FAILED: .*\(OAUTHBEARER\).*401, invalid_client/s,
      )
    } finally {
      await cluster.close()
      await endpoint.close()
    }
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

interface TokenEndpoint {
  readonly url: string
  close(): Promise<void>
}

/** Gives carol tokens for an hour; the first time that it is asked it cannot. */
async function tokenEndpoint(secret: string): Promise<TokenEndpoint> {
  let asked = 0
  const login = `Basic ${Buffer.from(`carol:${secret}`).toString('base64')}`
  const server = createServer((request, response) => {
    asked += 1
    if (asked === 1) return response.writeHead(503).end()
    if (request.headers.authorization !== login) {
      return response.writeHead(401).end(JSON.stringify({ error: 'invalid_client' }))
    }
    const seconds = Math.floor(Date.now() / 1000)
    const parts = [{ alg: 'none' }, { sub: 'carol', iat: seconds, exp: seconds + 3600 }]
    const encoded = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const token = `${encoded.join('.')}.`
    return response.end(JSON.stringify({ access_token: token, expires_in: 3600 }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    url: `http://127.0.0.1:${address.port}/token`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
