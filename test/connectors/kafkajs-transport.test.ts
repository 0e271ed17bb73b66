import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import {
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/connectors/kafka/protocol/api.ts'
import { metadataApi } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { WireReader } from '../../src/connectors/kafka/protocol/wire-reader.ts'
import { WireWriter } from '../../src/connectors/kafka/protocol/wire-writer.ts'
import { ordersOn } from './fake-brokers.ts'

const config = { clientId: 'test', connectTimeoutMs: 2_000, requestTimeoutMs: 2_000 }
const [apiVersionsKey, metadataKey] = [18, 3]
const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

/** A server that says which versions it has, and leaves the rest to `answer`. */
async function broker(
  answer: (request: { key: number; body: WireReader; correlation: number }, socket: Socket) => void,
): Promise<number> {
  const server: Server = createServer((socket) => {
    let bytes = new Uint8Array(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      bytes = Uint8Array.from([...bytes, ...chunk])
      const reader = new WireReader(bytes)
      if (bytes.length < 4 || bytes.length < 4 + reader.int32()) return
      const [key, version, correlation] = [reader.int16(), reader.int16(), reader.int32()]
      bytes = new Uint8Array(0)
      if (key !== apiVersionsKey) return answer({ key, body: reader, correlation }, socket)
      const versions = new WireWriter()
      versions.int16(0)
      versions.int32(2)
      for (const [api, newest] of [
        [apiVersionsKey, 2],
        [metadataKey, 12],
      ] as const) {
        versions.int16(api)
        versions.int16(0)
        versions.int16(newest)
      }
      if (version > 0) versions.int32(0)
      reply(socket, correlation, versions.finish())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}

function reply(socket: Socket, correlation: number, body: Uint8Array): void {
  const answer = new WireWriter()
  answer.int32(body.length + 4)
  answer.int32(correlation)
  answer.raw(body)
  socket.write(answer.finish())
}

function linkTo(port: number, host = '127.0.0.1') {
  const transport = kafkajsTransport(config)
  open.push(transport)
  return transport.link({ host, port })
}

const metadata = {
  topics: undefined,
  mayCreate: false,
  wantsClusterRights: false,
  wantsTopicRights: false,
}
const version = 12
const request = {
  name: 'Metadata',
  key: metadataKey,
  version,
  isFlexible: true,
  body: encodeRequest(metadataApi, version, metadata),
}

test('requests of our own go over its connections, with the headers of their versions', async () => {
  const port = await broker(({ correlation, body }, socket) => {
    body.skip(body.int16())
    // The header ends with tagged fields, of which there are none, and so does that of the answer.
    expect(body.int8()).toBe(0)
    expect([...body.view(body.end - body.at)]).toEqual([...request.body])
    const answer = encodeResponse(metadataApi, version, ordersOn(9092))
    reply(socket, correlation, Uint8Array.of(0, ...answer))
  })
  const link = linkTo(port)
  expect((await link.versions()).get(metadataKey)).toEqual({ oldest: 0, newest: 12 })
  const answer = await link.request(request)
  expect(decodeResponse(metadataApi, version, answer)).toMatchObject(ordersOn(9092))
})

test('where nobody listens the broker cannot be reached, and the step says why', async () => {
  const gone = await broker(() => undefined)
  await open.pop()?.close()
  await expect(linkTo(gone).versions()).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    details: { address: `127.0.0.1:${gone}`, step: 'TCP' },
  })
  await expect(linkTo(9092, 'no-such-host.invalid').versions()).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    details: { step: 'DNS' },
  })
})

test('a connection that is lost before the answer leaves open what became of the request, and is made again', async () => {
  let asked = 0
  const port = await broker(({ correlation }, socket) => {
    asked += 1
    if (asked === 1) return void socket.destroy()
    const answer = encodeResponse(metadataApi, version, ordersOn(9092))
    reply(socket, correlation, Uint8Array.of(0, ...answer))
  })
  const link = linkTo(port)
  await expect(link.request(request)).rejects.toMatchObject({
    code: 'KAFKA_CONNECTION_LOST',
    details: { request: 'Metadata' },
  })
  expect(decodeResponse(metadataApi, version, await link.request(request))).toBeDefined()
  expect(asked).toBe(2)
})

test('a broker that does not answer in time has lost the request', async () => {
  const port = await broker(() => undefined)
  await expect(linkTo(port).request(request)).rejects.toMatchObject({
    code: 'KAFKA_CONNECTION_LOST',
  })
}, 20_000)
