import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { reasonOf, StreamError } from '../../core/error.ts'
import { NoToken } from './oauth-token.ts'
import type { BrokerVersions } from './protocol/api.ts'
import { apiVersionsApi } from './protocol/cluster-api.ts'
import { fetchApi } from './protocol/data-api.ts'
import { WireReader } from './protocol/wire-reader.ts'
import type { BrokerLink, HostPort, KafkaTransport, WireRequest } from './transport.ts'

/** Who we are and how long we wait. */
export interface ClientConfig {
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly ssl?: KafkaConfig['ssl']
  readonly sasl?: KafkaConfig['sasl']
  /** Instead of `sasl`: gives a token for OAUTHBEARER, or throws `NoToken`. */
  readonly token?: () => Promise<string>
}

/** What is used of a connection of kafkajs. It has no public way to send bytes of one's own. */
interface Connection {
  isConnected(): boolean
  connect(): Promise<unknown>
  authenticate(): Promise<void>
  disconnect(): Promise<unknown>
  send(call: {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      encode(): Promise<EncodedBody>
    }
    readonly response: {
      decode(payload: Buffer): Promise<{ readonly payload: Buffer }>
      parse(decoded: { readonly payload: Buffer }): Promise<Buffer>
    }
    readonly logResponseError: boolean
  }): Promise<Buffer>
  readonly requestQueue: { scheduleCheckPendingRequests(): void }
}

/** What its encoder asks of the body of a request. */
interface EncodedBody {
  readonly buf: Buffer
  readonly buffer: Buffer
}

interface ConnectionPool {
  readonly pool: readonly Connection[]
}

interface Broker {
  readonly versions: Readonly<
    Record<string, { readonly minVersion: number; readonly maxVersion: number }>
  > | null
  readonly connectionPool: ConnectionPool
  isConnected(): boolean
  connect(): Promise<void>
  disconnect(): Promise<void>
}

interface BrokerPool {
  createBroker(options: {
    readonly connectionPool: ConnectionPool
    readonly logger: unknown
  }): Broker
  readonly connectionPoolBuilder: {
    build(address: HostPort): Promise<ConnectionPool>
  }
  readonly rootLogger: unknown
}

const createCluster = 'private:Kafka:createCluster'
/** Of the two connections that it has to a broker; brokers answer in order, and a fetch may wait. */
const [controlConnection, fetchConnection] = [0, 1]

/** Connections of kafkajs, of which nothing else is used: neither its clients nor its codecs. */
export function kafkajsTransport(config: ClientConfig): KafkaTransport {
  const brokers = brokerPool(config)
  const links = new Map<string, BrokerLink>()
  return {
    link(address) {
      const name = `${address.host}:${address.port}`
      const link = links.get(name) ?? brokerLink(brokers, address, config.token)
      links.set(name, link)
      return link
    },
    async close() {
      await Promise.all([...links.values()].map((link) => link.close()))
      links.clear()
    },
  }
}

/**
 * How long before a session ends it is renewed. Brokers refuse to renew one that is not a second old, so the ten seconds
 * that kafkajs would take break every connection whose token has no more than that to live.
 */
const reauthenticationMs = 500

/** The part of kafkajs that makes connections; refused if it is not what it was in the version that we know. */
function brokerPool({
  clientId,
  connectTimeoutMs,
  ssl,
  token,
  sasl = token && {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({ value: await token() }),
  },
  ...config
}: ClientConfig): BrokerPool {
  const kafka = new Kafka({
    clientId,
    brokers: ['unused:0'],
    connectionTimeout: connectTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    reauthenticationThreshold: reauthenticationMs,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  })
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === createCluster,
  )
  const create: unknown = symbol && Reflect.get(kafka, symbol)
  if (typeof create !== 'function') throw unknownVersion(createCluster)
  const pool: Partial<BrokerPool> | undefined = create({ allowAutoTopicCreation: false }).brokerPool
  if (typeof pool?.createBroker !== 'function') throw unknownVersion('createBroker')
  if (typeof pool.connectionPoolBuilder?.build !== 'function') throw unknownVersion('build')
  return pool as BrokerPool
}

function unknownVersion(what: string): StreamError<'INTERNAL'> {
  return new StreamError('INTERNAL', { what: `kafkajs is not the version that is known: ${what}` })
}

function brokerLink(
  brokers: BrokerPool,
  address: HostPort,
  token: ClientConfig['token'],
): BrokerLink {
  const name = `${address.host}:${address.port}`
  let making: Promise<Broker> | undefined
  // Asked for by the connection itself, a token that does not come would look like one that brokers refuse.
  const withToken = async (): Promise<void> => {
    try {
      await token?.()
    } catch (thrown) {
      throw noTokenError(name, thrown)
    }
  }
  const broker = async (): Promise<Broker> => {
    if (token !== undefined) await withToken()
    making ??= connected(brokers, address).catch((thrown: unknown) => {
      making = undefined
      throw unreachableError(name, thrown)
    })
    return making
  }
  return {
    address,
    versions: async () => versionsOf(await broker()),
    async request(request) {
      const { connectionPool } = await broker()
      const isFetch = request.key === fetchApi.key
      const connection = connectionPool.pool[isFetch ? fetchConnection : controlConnection]
      if (connection === undefined) throw unknownVersion('pool')
      try {
        if (!connection.isConnected()) await connection.connect()
        await connection.authenticate()
      } catch (thrown) {
        throw unreachableError(name, thrown)
      }
      try {
        return await send(connection, request)
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        throw new StreamError('KAFKA_CONNECTION_LOST', {
          address: name,
          request: request.name,
          why,
        })
      }
    },
    async close() {
      const open = making
      making = undefined
      await (await open?.catch(() => undefined))?.disconnect()
    },
  }
}

async function connected(brokers: BrokerPool, address: HostPort): Promise<Broker> {
  const connectionPool = await brokers.connectionPoolBuilder.build(address)
  for (const connection of connectionPool.pool) calm(connection)
  const broker = brokers.createBroker({ connectionPool, logger: brokers.rootLogger })
  await broker.connect()
  return broker
}

/**
 * Once it has had an answer, its queue looks every millisecond for requests that wait until the broker may be asked
 * again. None of ours do.
 */
function calm({ requestQueue }: Connection): void {
  if (typeof requestQueue?.scheduleCheckPendingRequests !== 'function') {
    throw unknownVersion('scheduleCheckPendingRequests')
  }
  requestQueue.scheduleCheckPendingRequests = () => undefined
}

function versionsOf({ versions }: Broker): ReadonlyMap<number, BrokerVersions> {
  return new Map(
    Object.entries(versions ?? {}).map(([key, { minVersion, maxVersion }]) => [
      Number(key),
      { oldest: minVersion, newest: maxVersion },
    ]),
  )
}

async function send(connection: Connection, request: WireRequest): Promise<Uint8Array> {
  const { name, key, version, isFlexible } = request
  const body = isFlexible ? withTags(request.body) : bufferOver(request.body)
  const payload = await connection.send({
    request: {
      apiKey: key,
      apiVersion: version,
      apiName: name,
      encode: async () => ({ buf: body, buffer: body }),
    },
    response: {
      decode: async (answer) => ({ payload: answer }),
      parse: async (decoded) => decoded.payload,
    },
    logResponseError: false,
  })
  // This answer alone never has tagged fields in its header, so that an old broker can give it.
  if (!isFlexible || key === apiVersionsApi.key) return payload
  const reader = new WireReader(payload)
  for (let count = reader.uvarint(); count > 0; count--) {
    reader.uvarint()
    reader.skip(reader.uvarint())
  }
  return payload.subarray(reader.at)
}

/** The header of a flexible request ends with tagged fields, of which there are none. */
function withTags(body: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(body.length + 1)
  whole[0] = 0
  whole.set(body, 1)
  return whole
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function noTokenError(address: string, thrown: unknown): StreamError {
  const details = { address, step: 'OAUTHBEARER', why: reasonOf(thrown) }
  return thrown instanceof NoToken && thrown.isFinal
    ? new StreamError('KAFKA_AUTHENTICATION_FAILED', details, { cause: thrown })
    : new StreamError('KAFKA_UNREACHABLE', details, { cause: thrown })
}

/** Which step failed, as far as the error says: with the same certificates and passwords another try helps nothing. */
function unreachableError(address: string, thrown: unknown): StreamError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = 'code' in error ? String(error.code) : ''
  const step = stepOf(error.name, code, error.message)
  const details = { address, step, why: error.message }
  const options = { cause: thrown }
  return step === 'SASL' || step === 'TLS'
    ? new StreamError('KAFKA_AUTHENTICATION_FAILED', details, options)
    : new StreamError('KAFKA_UNREACHABLE', details, options)
}

function stepOf(name: string, code: string, message: string): string {
  if (name.includes('SASL') || message.includes('SASL')) return 'SASL'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'DNS'
  if (/TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code) || /certificate|SSL/i.test(message)) return 'TLS'
  return 'TCP'
}
