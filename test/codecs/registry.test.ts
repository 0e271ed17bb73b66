import { expect, test } from 'vitest'
import { fetchId, fetchSchema } from '../../src/codecs/registry/fetch-schema.ts'
import { framed, framedId } from '../../src/codecs/registry/frame.ts'
import {
  answerAll,
  forgetFailures,
  idOf,
  runAsking,
  schemaOf,
} from '../../src/codecs/registry/questions.ts'
import { type Registry, registrationOf, registryOf } from '../../src/codecs/registry/registry.ts'
import type { Http } from '../../src/core/http.ts'
import { fakeRegistry } from './fake-registry.ts'
import { settled, simulatedWorld } from './registry-world.ts'

/** Answers are kept for the life of the process, so each test has a registry of its own. */
let count = 0
function newRegistry(more: Partial<Registry> = {}): Registry {
  count += 1
  return { urls: [`http://schemas-${count}:8081`], timeoutMs: 1000, ...more }
}

const never = new AbortController().signal

test('a frame is a zero byte and the id, the highest byte first', () => {
  const value = framed(0x01020304, Uint8Array.of(9, 8))
  expect([...value]).toEqual([0, 1, 2, 3, 4, 9, 8])
  expect(framedId(value)).toBe(0x01020304)
  expect(framedId(framed(0xfffffffe))).toBe(0xfffffffe)
})

test.each([
  [[], 'too few'],
  [[0, 0, 0, 1], 'too few'],
  [[1, 0, 0, 0, 1, 2], 'first byte is 1'],
])('%j has no frame', (bytes, why) => {
  expect(() => framedId(Uint8Array.from(bytes))).toThrow(why)
})

test('a schema comes with those it names, each behind the ones it names itself', async () => {
  const fake = fakeRegistry()
  fake.add('c', { schema: '"C"' })
  const reference = (name: string, subject: string) => ({ name, subject, version: 1 })
  fake.add('b/x', { schema: '"B"', references: [reference('C', 'c')] })
  const references = [reference('B', 'b/x'), reference('C', 'c')]
  const id = fake.add('a', { schema: '"A"', references })
  const found = await fetchSchema(newRegistry(), id, simulatedWorld(fake.http))
  expect(found).toEqual({
    kind: 'AVRO',
    text: '"A"',
    references: [
      { name: 'C', text: '"C"' },
      { name: 'B', text: '"B"' },
    ],
  })
  expect(fake.asked).toEqual([
    `GET /schemas/ids/${id}`,
    'GET /subjects/b%2Fx/versions/1',
    'GET /subjects/c/versions/1',
  ])
})

test('schemas that name each other do not go on for ever', async () => {
  const fake = fakeRegistry()
  fake.add('a', { schema: '1', references: [{ name: 'b', subject: 'b', version: 1 }] })
  fake.add('b', { schema: '2', references: [{ name: 'a', subject: 'a', version: 1 }] })
  const found = await fetchSchema(newRegistry(), 1, simulatedWorld(fake.http))
  expect(found.references.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('what may pass by itself is asked again, with longer and longer pauses, over all addresses', async () => {
  const fake = fakeRegistry()
  fake.add('a', { schema: '"int"' })
  const hosts: string[] = []
  const times: number[] = []
  const http: Http = (request) => {
    hosts.push(new URL(request.url).host)
    times.push(world.clock.monotonic())
    if (hosts.length === 1) return Promise.reject(new Error('connect ECONNREFUSED'))
    if (hosts.length === 2) return Promise.resolve({ status: 503, text: 'busy' })
    if (hosts.length === 3) return new Promise(() => undefined)
    return fake.http(request)
  }
  const world = simulatedWorld(http)
  const registry = newRegistry({ urls: ['http://one', 'http://two'] })
  const found = await settled(world, fetchSchema(registry, 1, world))
  expect(found.text).toBe('"int"')
  expect(hosts).toEqual(['one', 'two', 'one', 'two'])
  const pauses = times.map((time, index) => time - (times[index - 1] ?? 0))
  expect(pauses[1]).toBeGreaterThanOrEqual(100)
  expect(pauses[2]).toBeGreaterThanOrEqual(200)
  // The answer that never came, and a pause.
  expect(pauses[3]).toBeGreaterThanOrEqual(1000 + 400)
})

test('a registry that stays away is told, and not who asked', async () => {
  const world = simulatedWorld(async () => {
    throw new Error('getaddrinfo ENOTFOUND')
  })
  const registry = newRegistry({ userInfo: 'ada:secret' })
  const asked = settled(world, fetchSchema(registry, 7, world))
  await expect(asked).rejects.toMatchObject({
    code: 'SCHEMA_REGISTRY_UNREACHABLE',
    retry: 'backoff',
    details: { request: 'GET /schemas/ids/7', attempts: 5, why: 'getaddrinfo ENOTFOUND' },
  })
  await expect(asked).rejects.not.toThrow('secret')
})

test.each([
  [404, '{"error_code":40403,"message":"Schema not found"}', 'SCHEMA_ID_UNKNOWN'],
  [401, '', 'SCHEMA_REGISTRY_DENIED'],
  [403, '<html>', 'SCHEMA_REGISTRY_DENIED'],
  [422, '{"message":"no"}', 'SCHEMA_REGISTRY_REFUSED'],
  [200, '<html>', 'SCHEMA_REGISTRY_REFUSED'],
  [200, '{"schema":1}', 'SCHEMA_REGISTRY_REFUSED'],
  [200, '{"schema":"x","schemaType":"THRIFT"}', 'SCHEMA_REGISTRY_REFUSED'],
])('status %i with %s is %s, and not asked again', async (status, text, code) => {
  const fake = fakeRegistry()
  fake.before = () => ({ status, text })
  const asked = fetchSchema(newRegistry(), 1, simulatedWorld(fake.http))
  await expect(asked).rejects.toMatchObject({ code })
  expect(fake.asked).toHaveLength(1)
})

test('the user goes with each request, as HTTP has it', async () => {
  const fake = fakeRegistry()
  fake.add('a', { schema: '"int"' })
  const registry = newRegistry({ userInfo: 'ada:pässword' })
  await fetchSchema(registry, 1, simulatedWorld(fake.http))
  const [request] = fake.requests
  const [scheme, encoded = ''] = (request?.headers['Authorization'] ?? '').split(' ')
  expect(scheme).toBe('Basic')
  expect(Buffer.from(encoded, 'base64').toString()).toBe('ada:pässword')
})

test('a schema is registered under its subject, or looked up there', async () => {
  const fake = fakeRegistry()
  const world = simulatedWorld(fake.http)
  const schema = { registry: newRegistry(), subject: 'my/topic-value', text: '{}' } as const
  const lookUp = { ...schema, kind: 'JSON' as const, isAdded: false }
  await expect(fetchId(lookUp, world)).rejects.toMatchObject({
    code: 'SCHEMA_REGISTRY_REFUSED',
    details: { status: 404, why: 'Schema not found' },
  })
  const id = await fetchId({ ...lookUp, isAdded: true }, world)
  expect(await fetchId(lookUp, world)).toBe(id)
  expect(fake.asked.slice(0, 2)).toEqual([
    'POST /subjects/my%2Ftopic-value',
    'POST /subjects/my%2Ftopic-value/versions',
  ])
  expect(JSON.parse(fake.requests[1]?.body ?? '')).toEqual({ schema: '{}', schemaType: 'JSON' })
})

test('a run that asks is void, and its repetition gets the answer without asking again', async () => {
  const fake = fakeRegistry()
  fake.add('a', { schema: '"int"' })
  const registry = newRegistry()
  const world = simulatedWorld(fake.http)
  const run = () => [schemaOf(registry, 1)?.text, schemaOf(registry, 1)?.text]
  const first = runAsking(run)
  if (!('questions' in first)) throw new Error('nothing was asked')
  expect(first.questions.size).toBe(1)
  // Two tasks ask the same.
  await Promise.all([
    answerAll(first.questions, world, never),
    answerAll(first.questions, world, never),
  ])
  expect(runAsking(run)).toEqual({ result: ['"int"', '"int"'] })
  expect(fake.asked).toEqual(['GET /schemas/ids/1'])
})

test('an error of a void run counts for nothing, one of another run does', () => {
  const registry = newRegistry()
  const fail = (): never => {
    throw new Error('of this run')
  }
  const asked = runAsking(() => schemaOf(registry, 1) ?? fail())
  expect('questions' in asked && asked.questions.size).toBe(1)
  expect(() => runAsking(fail)).toThrow('of this run')
})

test('a question where nobody waits is refused', () => {
  expect(() => schemaOf(newRegistry(), 1)).toThrow('EXPRESSION_MISPLACED')
})

test('an id that is unknown is told each time, until it is asked for anew', async () => {
  const fake = fakeRegistry()
  const registry = newRegistry()
  const world = simulatedWorld(fake.http)
  const ask = async (): Promise<void> => {
    const run = runAsking(() => schemaOf(registry, 5))
    if ('questions' in run) await answerAll(run.questions, world, never)
  }
  await ask()
  expect(() => schemaOf(registry, 5)).toThrow('SCHEMA_ID_UNKNOWN')
  expect(() => schemaOf(registry, 5)).toThrow('no schema with the id 5')
  expect(fake.asked).toHaveLength(1)
  forgetFailures()
  for (let id = 1; id <= 5; id++) fake.add('a', { schema: `"${id}"` })
  await ask()
  expect(schemaOf(registry, 5)?.text).toBe('"5"')
})

test('whoever is aborted waits no longer, and the others get their answer', async () => {
  const registry = newRegistry()
  let answer = (): void => {}
  const http: Http = () =>
    new Promise((resolve) => {
      answer = () => resolve({ status: 200, text: '{"schema":"late"}' })
    })
  const world = simulatedWorld(http)
  const run = runAsking(() => schemaOf(registry, 1))
  if (!('questions' in run)) throw new Error('nothing was asked')
  const controller = new AbortController()
  const first = answerAll(run.questions, world, controller.signal)
  const second = answerAll(run.questions, world, never)
  controller.abort(new Error('over'))
  await expect(first).rejects.toThrow('over')
  answer()
  await second
  expect(schemaOf(registry, 1)?.text).toBe('late')
})

test('thousands of ids are asked for some at a time, and all answers are there together', async () => {
  const fake = fakeRegistry()
  const registry = newRegistry()
  let underWay = 0
  let most = 0
  const http: Http = async (request) => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
    return fake.http(request)
  }
  const ids = Array.from({ length: 2500 }, (_, index) => index + 1)
  for (const id of ids) fake.add('a', { schema: `"${id}"` })
  const run = () => ids.map((id) => schemaOf(registry, id)?.text)
  const first = runAsking(run)
  if (!('questions' in first)) throw new Error('nothing was asked')
  await answerAll(first.questions, simulatedWorld(http), never)
  expect(runAsking(run)).toEqual({ result: ids.map((id) => `"${id}"`) })
  expect(most).toBe(16)
})

test('the id of a schema is asked for once, however many values are written', async () => {
  const fake = fakeRegistry()
  const registration = {
    registry: newRegistry(),
    subject: 's',
    kind: 'AVRO' as const,
    text: '"int"',
    isAdded: true,
  }
  const run = () => [idOf(registration), idOf(registration)]
  const first = runAsking(run)
  if (!('questions' in first)) throw new Error('nothing was asked')
  await answerAll(first.questions, simulatedWorld(fake.http), never)
  expect(runAsking(run)).toEqual({ result: [1, 1] })
  expect(fake.asked).toEqual(['POST /subjects/s/versions'])
})

const url = 'schema.registry.url'
const user = 'schema.registry.basic.auth.user.info'

test('options name a registry', () => {
  expect(registryOf(new Map())).toBeUndefined()
  expect(registryOf(new Map([[url, 'http://a:1/ , https://b/x/']]))).toEqual({
    urls: ['http://a:1', 'https://b/x'],
    timeoutMs: 10_000,
  })
  const all = new Map([
    [url, 'http://a'],
    [user, 'u:p'],
    ['schema.registry.timeout.ms', '250'],
  ])
  expect(registryOf(all)).toEqual({ urls: ['http://a'], userInfo: 'u:p', timeoutMs: 250 })
})

test.each([
  [[[url, 'nonsense']], 'schema.registry.url'],
  [[[url, 'ftp://a']], 'schema.registry.url'],
  [[[url, 'http://ada:secret@a']], 'schema.registry.url'],
  [
    [
      [url, 'http://a'],
      ['schema.registry.timeout.ms', '-1'],
    ],
    'schema.registry.timeout.ms',
  ],
  [[[url, 'http://a']], 'subject'],
  [
    [
      [url, 'http://a'],
      ['subject', 's'],
      ['auto.register.schemas', 'no'],
    ],
    'auto.register.schemas',
  ],
])('the options %j are refused', (options, option) => {
  const given = new Map(options as [string, string][])
  const registered = () => registrationOf(given, { kind: 'AVRO', text: '"int"' })
  expect(registered).toThrow('CONFIG_INVALID')
  expect(registered).toThrow(`The option ${option} cannot be`)
  expect(registered).not.toThrow('secret')
})
