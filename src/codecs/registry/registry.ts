import { StreamError } from '../../core/error.ts'

/** A schema registry as a query names it. */
export interface Registry {
  /** Tried in turn; without a slash at the end. */
  readonly urls: readonly string[]
  /** `user:password`. Nothing shows it. */
  readonly userInfo?: string
  /** How long one answer may take. */
  readonly timeoutMs: number
}

/** How a value that is written gets its id. */
export interface Registration {
  readonly registry: Registry
  readonly subject: string
  readonly kind: SchemaKind
  readonly text: string
  /** A schema that the subject does not have is added; without, it has to be there. */
  readonly isAdded: boolean
}

export type SchemaKind = 'AVRO' | 'JSON' | 'PROTOBUF'

/** A schema as a registry keeps it. */
export interface RegisteredSchema {
  readonly kind: SchemaKind
  readonly text: string
  /** Those it names, each behind the ones it names itself. */
  readonly references: readonly NamedSchema[]
}

export interface NamedSchema {
  /** What the other schema calls it: the full name of a type, or the path of an import. */
  readonly name: string
  readonly text: string
}

/** Options by lower-case name. */
export type CodecOptions = ReadonlyMap<string, string>

/** The one option whose value nothing shows. */
export const registrySecret = 'schema.registry.basic.auth.user.info'

/** With it values are framed, and the registry there is asked. */
const urlOption = 'schema.registry.url'
const timeoutOption = 'schema.registry.timeout.ms'
const subjectOption = 'subject'
const registerOption = 'auto.register.schemas'

/** What names a registry; for readers. */
export const registryOptions: readonly string[] = [urlOption, registrySecret, timeoutOption]

/** What names a registry and the place of a schema in it; for writers. */
export const registrationOptions: readonly string[] = [
  ...registryOptions,
  subjectOption,
  registerOption,
]

const defaultTimeoutMs = 10_000

/**
 * The registry that options name; `undefined` without a URL.
 * @throws StreamError `CONFIG_INVALID`
 */
export function registryOf(options: CodecOptions): Registry | undefined {
  const url = options.get(urlOption)
  if (url === undefined) return undefined
  const userInfo = options.get(registrySecret)
  const urls = url.split(',').map((each) => checkedUrl(each.trim()))
  return {
    urls,
    timeoutMs: timeoutOf(options.get(timeoutOption)),
    ...(userInfo === undefined ? {} : { userInfo }),
  }
}

/**
 * Where and how a schema is registered; `undefined` without a URL.
 * @throws StreamError `CONFIG_INVALID`
 */
export function registrationOf(
  options: CodecOptions,
  schema: { readonly kind: SchemaKind; readonly text: string },
): Registration | undefined {
  const registry = registryOf(options)
  if (registry === undefined) return undefined
  const subject = options.get(subjectOption) ?? ''
  if (subject === '') throw invalid(subjectOption, 'left out', 'the subject of the schema')
  const isAdded = options.get(registerOption)?.toLowerCase() ?? 'true'
  if (isAdded !== 'true' && isAdded !== 'false') {
    throw invalid(registerOption, isAdded, 'true or false')
  }
  return { registry, subject, isAdded: isAdded === 'true', ...schema }
}

/** No error shows the URL before it is known that no password is in it. */
function checkedUrl(text: string): string {
  const expected = 'the URL of a schema registry, such as http://schemas:8081'
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw invalid(urlOption, 'what was given', expected)
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      urlOption,
      'one with a password',
      `a URL without one, and ${registrySecret} beside it`,
    )
  }
  if (!['http:', 'https:'].includes(url.protocol)) throw invalid(urlOption, text, expected)
  return text.replace(/\/+$/, '')
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return defaultTimeoutMs
  const timeoutMs = /^\d+$/.test(text) ? Number(text) : 0
  if (timeoutMs > 0) return timeoutMs
  throw invalid(timeoutOption, text, 'a number of milliseconds above 0')
}

function invalid(option: string, value: string, expected: string): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', { option, value, expected })
}
