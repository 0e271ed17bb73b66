import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Http, HttpAnswer, HttpRequest } from '../../src/core/http.ts'

interface Kept {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly unknown[]
}

type Exchange = Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>

/** A schema registry in memory, as far as readers and writers see it. */
export interface FakeRegistry {
  /** Adds a schema under a subject; the id of one that is there already. */
  add(subject: string, kept: Kept): number
  /** What was asked so far, as `GET /schemas/ids/1`. */
  readonly asked: readonly string[]
  readonly requests: readonly Exchange[]
  /** Looked at before anything else; an answer in place of the registry's own. */
  before: (exchange: Exchange) => HttpAnswer | undefined
  readonly http: Http
}

const notFound = (code: number, message: string): HttpAnswer => ({
  status: 404,
  text: JSON.stringify({ error_code: code, message }),
})
const ok = (body: object): HttpAnswer => ({ status: 200, text: JSON.stringify(body) })

export function fakeRegistry(): FakeRegistry {
  const schemas: Kept[] = []
  const subjects = new Map<string, number[]>()
  const requests: Exchange[] = []
  const asked: string[] = []

  const idOf = (kept: Kept): number => schemas.findIndex(({ schema }) => schema === kept.schema) + 1
  const add = (subject: string, kept: Kept): number => {
    const id = idOf(kept) || schemas.push(kept)
    const versions = subjects.get(subject) ?? []
    if (!versions.includes(id)) versions.push(id)
    subjects.set(subject, versions)
    return id
  }

  const byId = (id: number): HttpAnswer => {
    const found = schemas[id - 1]
    return found === undefined ? notFound(40403, 'Schema not found') : ok(found)
  }
  const byVersion = (subject: string, version: number): HttpAnswer => {
    const id = subjects.get(subject)?.[version - 1]
    const found = id === undefined ? undefined : schemas[id - 1]
    if (id === undefined || found === undefined) return notFound(40402, 'Version not found')
    return ok({ subject, version, id, ...found })
  }
  const answerTo = ({ method, url, body = '' }: Exchange): HttpAnswer => {
    const [, first, second = '', third, fourth = ''] = new URL(url).pathname.split('/')
    const subject = decodeURIComponent(second)
    if (method === 'GET' && first === 'schemas') return byId(Number(third))
    if (method === 'GET' && first === 'subjects') return byVersion(subject, Number(fourth))
    const kept: Kept = JSON.parse(body)
    if (third === 'versions') return ok({ id: add(subject, kept) })
    const id = idOf(kept)
    const isThere = subjects.get(subject)?.includes(id) === true
    return isThere ? ok({ subject, id, ...kept }) : notFound(40403, 'Schema not found')
  }

  const registry: FakeRegistry = {
    add,
    asked,
    requests,
    before: () => undefined,
    async http(request) {
      requests.push(request)
      asked.push(`${request.method} ${new URL(request.url).pathname}`)
      return registry.before(request) ?? answerTo(request)
    },
  }
  return registry
}

/** The same behind a real server of this machine. */
export async function serve(
  registry: FakeRegistry,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer((incoming, outgoing) => {
    void textOf(incoming).then(async (body) => {
      const { method, url = '/', headers } = incoming
      const answer = await registry.http({
        method: method === 'POST' ? 'POST' : 'GET',
        url: new URL(url, 'http://fake').href,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, String(value)]),
        ),
        body,
        signal: new AbortController().signal,
      })
      outgoing.writeHead(answer.status, { 'content-type': 'application/json' })
      outgoing.end(answer.text)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return text
}
