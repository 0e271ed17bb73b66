import {
  answerWithin,
  basicAuthorization,
  type HttpAnswer,
  type HttpWorld,
} from '../../core/http.ts'

/** Who asks for tokens, and where. */
export interface TokenRequest {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope?: string
  /** How long an answer may take. */
  readonly timeoutMs: number
}

/** Why there is no token. */
export class NoToken extends Error {
  override readonly name = 'NoToken'
  /** Asked the same again, the endpoint would say the same. */
  readonly isFinal: boolean

  constructor(message: string, { isFinal, cause }: { isFinal: boolean; cause?: unknown }) {
    super(message, cause === undefined ? {} : { cause })
    this.isFinal = isFinal
  }
}

interface Token {
  readonly text: string
  readonly lifeMs: number
}

/** The part of its life after which a token is replaced, as Java clients do. */
const usedPart = 0.8
/** Of tokens that do not say how long they live. */
const unknownLifeMs = 60_000

/**
 * Tokens by the grant of client credentials (RFC 6749, 4.4): one at a time, however many connections ask, and the next one
 * before it expires. The function throws `NoToken`.
 */
export function oauthTokens(request: TokenRequest, world: HttpWorld): () => Promise<string> {
  let current: { readonly text: string; readonly untilMs: number } | undefined
  let asking: Promise<string> | undefined
  const renewed = async (): Promise<string> => {
    const askedMs = world.clock.monotonic()
    const { text, lifeMs } = await askFor(request, world)
    current = { text, untilMs: askedMs + lifeMs * usedPart }
    return text
  }
  return async () => {
    if (current !== undefined && world.clock.monotonic() < current.untilMs) return current.text
    asking ??= renewed().finally(() => {
      asking = undefined
    })
    return asking
  }
}

async function askFor(
  { url, clientId, clientSecret, scope, timeoutMs }: TokenRequest,
  world: HttpWorld,
): Promise<Token> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  const request = {
    method: 'POST' as const,
    url,
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      ...basicAuthorization(`${formText(clientId)}:${formText(clientSecret)}`),
    },
    body: form.toString(),
  }
  let answer: HttpAnswer
  try {
    answer = await answerWithin(timeoutMs, request, world)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new NoToken(`${url} does not answer: ${why}`, { isFinal: false, cause })
  }
  return tokenIn(answer, url)
}

/** RFC 6749, 2.3.1: the name and the password of a client are written as in a form. */
function formText(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function tokenIn({ status, text }: HttpAnswer, url: string): Token {
  const fields = fieldsOf(text)
  if (status !== 200) {
    const said = ['error', 'error_description'].map((name) => fields.get(name))
    const why = said.filter((each) => typeof each === 'string').join(': ')
    const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429
    throw new NoToken(`${url} answers ${status}${why === '' ? '' : `, ${why}`}`, { isFinal })
  }
  const token = fields.get('access_token')
  if (typeof token !== 'string' || token === '') {
    throw new NoToken(`the answer of ${url} has no access_token`, { isFinal: true })
  }
  const seconds = fields.get('expires_in')
  const isKnown = typeof seconds === 'number' && seconds > 0
  return { text: token, lifeMs: isKnown ? seconds * 1000 : unknownLifeMs }
}

/** The fields of an object; none if it is none. */
function fieldsOf(text: string): ReadonlyMap<string, unknown> {
  try {
    const found: unknown = JSON.parse(text)
    return new Map(typeof found === 'object' && found !== null ? Object.entries(found) : [])
  } catch {
    return new Map()
  }
}
