import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { nodeConnect } from '../../src/core/node-socket.ts'

let server: Server | undefined

afterEach(() => {
  server?.close()
  server = undefined
})

async function listen(onConnection: Parameters<typeof createServer>[1]): Promise<number> {
  server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Everything a connection says until it is closed. */
function conversation(port: number): Promise<readonly string[]> {
  const said: string[] = []
  return new Promise((resolve) => {
    nodeConnect(
      { host: '127.0.0.1', port },
      {
        connected: () => void said.push('connected'),
        received: (bytes) => void said.push(new TextDecoder().decode(bytes)),
        closed(error) {
          said.push(error === undefined ? 'ended' : String((error as { code?: string }).code))
          resolve(said)
        },
      },
    )
  })
}

test('bytes arrive, and an orderly end is told as one', async () => {
  const port = await listen((socket) => socket.end('hello'))
  expect(await conversation(port)).toEqual(['connected', 'hello', 'ended'])
})

test('a port that nobody listens on is told as an error', async () => {
  const port = await listen(() => undefined)
  server?.close()
  expect(await conversation(port)).toEqual(['ECONNREFUSED'])
})

test('after close nothing is told any more', async () => {
  const said: string[] = []
  let ended = () => {}
  const other = new Promise<void>((resolve) => {
    ended = resolve
  })
  const port = await listen((socket) => {
    // Bytes that nobody takes any more are answered by a reset.
    socket.on('error', () => undefined)
    socket.on('close', () => ended())
    socket.write('hello')
  })
  const connection = nodeConnect(
    { host: '127.0.0.1', port },
    {
      connected: () => connection.close(),
      received: () => void said.push('received'),
      closed: () => void said.push('closed'),
    },
  )
  await other
  expect(said).toEqual([])
})
