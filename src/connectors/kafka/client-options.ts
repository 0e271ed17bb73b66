import { StreamError } from '../../core/error.ts'
import type { HttpWorld } from '../../core/http.ts'
import {
  type CheckedOptions,
  choiceOption,
  integerOption,
  invalidOption,
  type OptionSpec,
  optionOf,
  settledOption,
  textOption,
} from '../option-spec.ts'
import type { ClientConfig } from './kafkajs-transport.ts'
import { oauthTokens } from './oauth-token.ts'
import type { HostPort } from './transport.ts'

const serversOption: OptionSpec<readonly HostPort[]> = {
  name: 'kafka.bootstrap.servers',
  description: 'Brokers that are asked first, such as host1:9092,host2:9092.',
  required: true,
  expected: 'a list such as host1:9092,host2:9092',
  parse(text) {
    const servers = text.split(',').map((each) => hostPort(each.trim()))
    return servers.includes(undefined) ? undefined : servers.filter((each) => each !== undefined)
  },
}

const clientIdOption = textOption({
  name: 'kafka.client.id',
  description: 'How the brokers name this client in their logs and quotas.',
  initial: 'millrace',
})

const protocolOption = choiceOption({
  name: 'kafka.security.protocol',
  description: 'Whether connections are encrypted, and whether we say who we are.',
  choices: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
  initial: 'PLAINTEXT',
})

const mechanismOption = choiceOption({
  name: 'kafka.sasl.mechanism',
  description: 'How we say who we are.',
  choices: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
  initial: 'PLAIN',
})

const jaasOption: OptionSpec<Credentials> = {
  name: 'kafka.sasl.jaas.config',
  isSecret: true,
  description:
    'Who we are, as Java clients are told: …LoginModule required username="…" password="…"; for OAUTHBEARER clientId="…" clientSecret="…" scope="…"; or a token="…"; that does not expire.',
  expected:
    'a login module with username="…" and password="…", with clientId="…" and clientSecret="…", or with token="…"',
  parse: credentialsOf,
}

const tokenUrlOption: OptionSpec<string> = {
  name: 'kafka.sasl.oauthbearer.token.endpoint.url',
  description: 'Where tokens for OAUTHBEARER come from, by clientId and clientSecret.',
  expected: 'an http or https URL',
  parse(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    return url !== undefined && ['http:', 'https:'].includes(url.protocol) ? text : undefined
  },
}

const caOption = textOption({
  name: 'kafka.ssl.truststore.certificates',
  description: 'PEM text of the authorities that brokers are trusted by. Default: those of Node.',
})

const certificateOption = textOption({
  name: 'kafka.ssl.keystore.certificate.chain',
  description: 'PEM text of the certificate that we show to brokers.',
})

const keyOption = textOption({
  name: 'kafka.ssl.keystore.key',
  isSecret: true,
  description: 'PEM text of the private key of our certificate.',
})

const keyPasswordOption = textOption({
  name: 'kafka.ssl.key.password',
  isSecret: true,
  description: 'The password of the private key.',
})

const hostCheckOption: OptionSpec<'https' | 'none'> = {
  name: 'kafka.ssl.endpoint.identification.algorithm',
  description: 'https: the certificate must name the host. Empty: any host will do.',
  initial: 'https',
  expected: 'https, or an empty text',
  parse(text) {
    const word = text.trim().toLowerCase()
    return word === 'https' ? 'https' : word === '' ? 'none' : undefined
  },
}

/** How long an answer may take. */
export const requestTimeoutOption: OptionSpec<number> = integerOption({
  name: 'kafka.request.timeout.ms',
  description: 'How long an answer may take, milliseconds.',
  initial: '30000',
})

const connectTimeoutOption = integerOption({
  name: 'kafka.socket.connection.setup.timeout.ms',
  description: 'How long a connection may take, milliseconds.',
  initial: '10000',
})

/** What sources and sinks say of the brokers. */
export const clientOptions: readonly OptionSpec[] = [
  serversOption,
  clientIdOption,
  protocolOption,
  mechanismOption,
  jaasOption,
  tokenUrlOption,
  caOption,
  certificateOption,
  keyOption,
  keyPasswordOption,
  hostCheckOption,
  requestTimeoutOption,
  connectTimeoutOption,
]

const credentialNames = [
  'username',
  'password',
  'token',
  'clientId',
  'clientSecret',
  'scope',
] as const

type Credentials = { readonly [Name in (typeof credentialNames)[number]]?: string }

/** The brokers that are asked first. */
export function bootstrapServers(options: CheckedOptions): readonly HostPort[] {
  return settledOption(options, serversOption)
}

/**
 * How connections are made.
 * @throws StreamError `CONFIG_INVALID` when something is missing
 */
export function clientConfig(options: CheckedOptions, world: HttpWorld): ClientConfig {
  const protocol = settledOption(options, protocolOption)
  return {
    clientId: settledOption(options, clientIdOption),
    connectTimeoutMs: settledOption(options, connectTimeoutOption),
    requestTimeoutMs: settledOption(options, requestTimeoutOption),
    ...(protocol.endsWith('SSL') ? { ssl: sslConfig(options) } : {}),
    ...(protocol.startsWith('SASL') ? saslConfig(options, world) : {}),
  }
}

/** How long a request may take that a broker answers when others have done something. */
export function requestTimeoutMs(options: CheckedOptions): number {
  return settledOption(options, requestTimeoutOption)
}

function sslConfig(options: CheckedOptions): NonNullable<ClientConfig['ssl']> {
  const [ca, cert, key] = [
    optionOf(options, caOption),
    optionOf(options, certificateOption),
    optionOf(options, keyOption),
  ]
  if (cert !== undefined && key === undefined) throw invalidOption(keyOption, 'left out')
  if (key !== undefined && cert === undefined) throw invalidOption(certificateOption, 'left out')
  const passphrase = optionOf(options, keyPasswordOption)
  const checksHost = settledOption(options, hostCheckOption) === 'https'
  return {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(checksHost ? {} : { checkServerIdentity: () => undefined }),
  }
}

function saslConfig(
  options: CheckedOptions,
  world: HttpWorld,
): Pick<ClientConfig, 'sasl' | 'token'> {
  const mechanism = settledOption(options, mechanismOption)
  const credentials = settledOption(options, jaasOption)
  return mechanism === 'OAUTHBEARER'
    ? { token: tokensOf(options, credentials, world) }
    : { sasl: passwordConfig(mechanism, credentials) }
}

function tokensOf(
  options: CheckedOptions,
  { token, clientId, clientSecret, scope }: Credentials,
  world: HttpWorld,
): NonNullable<ClientConfig['token']> {
  if (token !== undefined) return async () => token
  if (clientId === undefined || clientSecret === undefined) {
    throw invalidOption(jaasOption, 'without clientId="…" and clientSecret="…", or token="…"')
  }
  const url = optionOf(options, tokenUrlOption)
  if (url === undefined) throw invalidOption(tokenUrlOption, 'left out')
  const timeoutMs = settledOption(options, connectTimeoutOption)
  const request = { url, clientId, clientSecret, timeoutMs }
  return oauthTokens(scope === undefined ? request : { ...request, scope }, world)
}

function passwordConfig(
  mechanism: string,
  { username, password }: Credentials,
): NonNullable<ClientConfig['sasl']> {
  if (username === undefined || password === undefined) {
    throw invalidOption(jaasOption, 'without username="…" and password="…"')
  }
  switch (mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password }
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password }
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password }
    default:
      throw new StreamError('INTERNAL', { what: `SASL mechanism ${String(mechanism)}` })
  }
}

/** `host:port`, or `[address]:port` for an address with colons. */
function hostPort(text: string): HostPort | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined
}

/** The values of a login module; a quote or a backslash in one has a backslash before it. */
function credentialsOf(text: string): Credentials | undefined {
  const found: { [name: string]: string } = {}
  for (const [, name = '', value = ''] of text.matchAll(/(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"/g)) {
    found[name] = value.replaceAll(/\\(.)/g, '$1')
  }
  const known = credentialNames.flatMap((name) => {
    const value = found[name]
    return value === undefined ? [] : [[name, value]]
  })
  const credentials: Credentials = Object.fromEntries(known)
  const isWhole =
    credentials.token !== undefined ||
    (credentials.username !== undefined && credentials.password !== undefined) ||
    (credentials.clientId !== undefined && credentials.clientSecret !== undefined)
  return isWhole ? credentials : undefined
}
