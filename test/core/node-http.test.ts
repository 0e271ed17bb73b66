import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { nodeHttp } from '../../src/core/node-http.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

async function listen(answer: RequestListener): Promise<string> {
  server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const never = new AbortController().signal

test('a request arrives whole, and so does the answer, whatever its status', async () => {
  const url = await listen((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      response.statusCode = 409
      response.end(`${request.method} ${request.url} ${request.headers['x-one']} ${body} é`)
    })
  })
  const answer = await nodeHttp({
    method: 'POST',
    url: `${url}/a?b=1`,
    headers: { 'X-One': '1' },
    body: 'text',
    signal: never,
  })
  expect(answer).toEqual({ status: 409, text: 'POST /a?b=1 1 text é' })
})

test('a port that nobody listens on is told with its reason', async () => {
  const url = await listen(() => undefined)
  server?.close()
  const asked = nodeHttp({ method: 'GET', url, headers: {}, signal: never })
  await expect(asked).rejects.toThrow('ECONNREFUSED')
})

test('a request that is aborted ends, though the server never answers', async () => {
  const arrived = new AbortController()
  const url = await listen(() => arrived.abort(new Error('enough')))
  const asked = nodeHttp({ method: 'GET', url, headers: {}, signal: arrived.signal })
  await expect(asked).rejects.toThrow('enough')
})

test('an answer without an end is not taken in', async () => {
  const url = await listen((_, response) => {
    const chunk = Buffer.alloc(1024 * 1024, 97)
    const more = (): void => {
      while (response.writable && response.write(chunk)) {}
    }
    response.on('drain', more)
    more()
  })
  const asked = nodeHttp({ method: 'GET', url, headers: {}, signal: never })
  await expect(asked).rejects.toThrow('the answer has over 16777216 bytes')
})
