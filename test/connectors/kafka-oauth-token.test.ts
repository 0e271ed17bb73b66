import { expect, test } from 'vitest'
import { NoToken, oauthTokens } from '../../src/connectors/kafka/oauth-token.ts'
import type { Http, HttpAnswer, HttpRequest } from '../../src/core/http.ts'
import { handClock } from '../state/hand-clock.ts'

const request = {
  url: 'https://tokens.example/token',
  clientId: 'app one',
  clientSecret: 'a:b+c',
  scope: 'orders.read orders.write',
  timeoutMs: 1_000,
}

/** An endpoint that says these things, one after the other. */
function endpoint(answers: readonly (HttpAnswer | Error | 'silence')[]) {
  const asked: HttpRequest[] = []
  const http: Http = async (what) => {
    const answer = answers[asked.push(what) - 1]
    if (answer === 'silence') return new Promise(() => undefined)
    if (answer === undefined || answer instanceof Error)
      throw answer ?? new Error('asked too often')
    return answer
  }
  const clock = handClock()
  return { asked, clock, tokens: oauthTokens(request, { http, clock }) }
}

function given(token: string, seconds?: number): HttpAnswer {
  const text = JSON.stringify({ access_token: token, expires_in: seconds, token_type: 'Bearer' })
  return { status: 200, text }
}

async function failure(tokens: () => Promise<string>): Promise<NoToken> {
  const thrown = await tokens().then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(thrown instanceof NoToken)) throw new TypeError(`no NoToken: ${String(thrown)}`)
  return thrown
}

test('the client says who it is and what for, as RFC 6749 has it', async () => {
  const { asked, tokens } = endpoint([given('first')])
  expect(await tokens()).toBe('first')
  const [{ method, url, headers = {}, body = '' } = { method: '', url: '' }] = asked
  expect([method, url]).toEqual(['POST', request.url])
  expect(headers['Content-Type']).toBe('application/x-www-form-urlencoded')
  const [word, secret = ''] = (headers['Authorization'] ?? '').split(' ')
  expect([word, atob(secret)]).toEqual(['Basic', 'app+one:a%3Ab%2Bc'])
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
    grant_type: 'client_credentials',
    scope: request.scope,
  })
})

test('a token is used for four fifths of its life, by all who ask', async () => {
  const { asked, clock, tokens } = endpoint([given('first', 10), given('second', 10)])
  expect(await Promise.all([tokens(), tokens(), tokens()])).toEqual(['first', 'first', 'first'])
  await clock.advance(7_999)
  expect(await tokens()).toBe('first')
  expect(asked).toHaveLength(1)
  await clock.advance(1)
  expect(await Promise.all([tokens(), tokens()])).toEqual(['second', 'second'])
  expect(asked).toHaveLength(2)
})

test('one that does not say how long it lives is used for less than a minute', async () => {
  const { clock, tokens } = endpoint([given('first'), given('second')])
  await tokens()
  await clock.advance(47_999)
  expect(await tokens()).toBe('first')
  await clock.advance(1)
  expect(await tokens()).toBe('second')
})

test('what may pass by itself is told from what does not, and is asked for again', async () => {
  const passing = [
    new Error('ECONNREFUSED'),
    { status: 503, text: 'busy' },
    { status: 429, text: '' },
  ]
  const { tokens } = endpoint([...passing, given('at last')])
  for (const _ of passing) expect((await failure(tokens)).isFinal).toBe(false)
  expect(await tokens()).toBe('at last')

  const refused = JSON.stringify({ error: 'invalid_client', error_description: 'no such app' })
  const final: readonly (readonly [HttpAnswer, RegExp])[] = [
    [{ status: 401, text: refused }, /401, invalid_client: no such app$/],
    [{ status: 404, text: '<html>' }, /answers 404$/],
    [{ status: 200, text: '{}' }, /has no access_token$/],
    [{ status: 200, text: 'token' }, /has no access_token$/],
    [{ status: 200, text: 'null' }, /has no access_token$/],
  ]
  for (const [answer, message] of final) {
    const thrown = await failure(endpoint([answer]).tokens)
    expect(thrown.isFinal).toBe(true)
    expect(thrown.message).toMatch(message)
    expect(thrown.message).not.toContain(request.clientSecret)
  }
})

test('an endpoint that is silent is given up', async () => {
  const { asked, clock, tokens } = endpoint(['silence', given('second')])
  const first = failure(tokens)
  await clock.advance(1_000)
  expect((await first).message).toBe(`${request.url} does not answer: no answer within 1000 ms`)
  expect(asked[0]?.signal.aborted).toBe(true)
  expect(clock.waiting()).toBe(0)
  expect(await tokens()).toBe('second')
})
