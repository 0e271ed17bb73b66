import { sleep } from '../../core/clock.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import {
  answerWithin,
  basicAuthorization,
  type HttpAnswer,
  type HttpWorld,
} from '../../core/http.ts'
import type { Json } from '../../core/json.ts'
import type { Random } from '../../core/random.ts'
import type { Registry } from './registry.ts'

/** What requests to a registry need from outside. */
export interface RegistryWorld extends HttpWorld {
  readonly random: Random
}

export interface RegistryRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: Json
}

/** A status below 500 and what stood in the body. */
export interface RegistryAnswer {
  readonly status: number
  readonly body: Json
}

const attemptsMax = 5
const delayMs = 200
const delayMsMax = 3_000
const mediaType = 'application/vnd.schemaregistry.v1+json'

/**
 * Asks a registry, and again while what went wrong may pass by itself: no connection, no answer in time,
 * a status that says so.
 * @throws StreamError `SCHEMA_REGISTRY_UNREACHABLE`, `SCHEMA_REGISTRY_DENIED`
 */
export async function ask(
  registry: Registry,
  request: RegistryRequest,
  world: RegistryWorld,
): Promise<RegistryAnswer> {
  const { urls } = registry
  let why = ''
  let cause: unknown
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (attempt > 0) await sleep(world.clock, delayOf(attempt, world.random))
    const url = urls[attempt % urls.length] ?? ''
    try {
      const answer = await exchange(url, registry, request, world)
      if (!mayPass(answer.status)) return checked(url, request, answer)
      why = `status ${answer.status}`
    } catch (thrown) {
      if (thrown instanceof StreamError) throw thrown
      cause = thrown
      why = reasonOf(thrown)
    }
  }
  throw new StreamError(
    'SCHEMA_REGISTRY_UNREACHABLE',
    { url: urls.join(','), request: textOf(request), attempts: attemptsMax, why },
    { cause },
  )
}

/** Errors of the server, and those of proxies and limits in front of it. */
function mayPass(status: number): boolean {
  return status >= 500 || status === 408 || status === 429
}

/** Doubles with each attempt up to a limit; half of it is by chance, so that tasks do not come back as one. */
function delayOf(attempt: number, random: Random): number {
  const full = Math.min(delayMs * 2 ** (attempt - 1), delayMsMax)
  return full * (0.5 + random.next() / 2)
}

function exchange(
  url: string,
  { userInfo, timeoutMs }: Registry,
  { method, path, body }: RegistryRequest,
  world: RegistryWorld,
): Promise<HttpAnswer> {
  const request = {
    method,
    url: `${url}${path}`,
    headers: {
      Accept: `${mediaType}, application/json`,
      ...(body === undefined ? {} : { 'Content-Type': mediaType }),
      ...(userInfo === undefined ? {} : basicAuthorization(userInfo)),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
  return answerWithin(timeoutMs, request, world)
}

function checked(url: string, request: RegistryRequest, answer: HttpAnswer): RegistryAnswer {
  const { status, text } = answer
  if (status === 401 || status === 403) {
    throw new StreamError('SCHEMA_REGISTRY_DENIED', { url, request: textOf(request), status })
  }
  try {
    return { status, body: JSON.parse(text) }
  } catch {
    throw refused(url, request, status, 'what came is no JSON')
  }
}

/** The error for an answer that is not the one that was hoped for. */
export function refused(
  url: string,
  request: RegistryRequest,
  status: number,
  why: string,
): StreamError<'SCHEMA_REGISTRY_REFUSED'> {
  const details = { url, request: textOf(request), status, why }
  return new StreamError('SCHEMA_REGISTRY_REFUSED', details)
}

function textOf({ method, path }: RegistryRequest): string {
  return `${method} ${path}`
}
