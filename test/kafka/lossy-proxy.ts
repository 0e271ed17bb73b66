import { connect, createServer, type Socket } from 'node:net'
import { WireReader } from '../../src/connectors/kafka/protocol/wire-reader.ts'
import type { ProxiedAddress } from './real-brokers.ts'

/** A request on its way to a broker. */
export interface SeenRequest {
  readonly key: number
  readonly version: number
  /** The whole of it, with its header, behind the length. */
  readonly bytes: Uint8Array
  /** Where its body begins, in a version without tagged fields; one with them has one byte more. */
  readonly bodyAt: number
}

/** Brokers behind it are reached as if it were not there, until it loses something. */
export interface LossyProxy {
  /**
   * Passes the first request on for which this is true, and keeps its answer: with `cut` the connection ends then, with
   * `silence` nothing more comes over it. Settles when the broker has answered.
   */
  loseAnswer(isWanted: (request: SeenRequest) => boolean, how: 'cut' | 'silence'): Promise<void>
  close(): Promise<void>
}

interface Loss {
  readonly isWanted: (request: SeenRequest) => boolean
  readonly how: 'cut' | 'silence'
  readonly struck: () => void
}

/** Listens where clients are told to go, for all nodes of a cluster. */
export async function lossyProxy(addresses: readonly ProxiedAddress[]): Promise<LossyProxy> {
  const state: { loss: Loss | undefined } = { loss: undefined }
  const sockets = new Set<Socket>()
  const servers = addresses.map(({ to }) =>
    createServer((client) => passOn(client, connect(to, '127.0.0.1'), state, sockets)),
  )
  await Promise.all(
    servers.map(
      (server, at) =>
        new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen(addresses[at]?.port, '127.0.0.1', resolve)
        }),
    ),
  )
  return {
    loseAnswer: (isWanted, how) =>
      new Promise((resolve) => {
        state.loss = { isWanted, how, struck: resolve }
      }),
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

function passOn(
  client: Socket,
  broker: Socket,
  state: { loss: Loss | undefined },
  sockets: Set<Socket>,
): void {
  /** The request whose answer is lost, by the number that it has on its connection. */
  let lost: { readonly id: number; readonly loss: Loss } | undefined
  let isSilent = false
  const end = (): void => {
    client.destroy()
    broker.destroy()
  }
  for (const socket of [client, broker]) {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', end)
    socket.on('close', () => {
      sockets.delete(socket)
      end()
    })
  }
  client.on(
    'data',
    byFrame((frame) => {
      const request = requestIn(frame)
      if (state.loss?.isWanted(request) === true) {
        lost = { id: frame.readInt32BE(8), loss: state.loss }
        state.loss = undefined
      }
      broker.write(frame)
    }),
  )
  broker.on(
    'data',
    byFrame((frame) => {
      if (lost !== undefined && frame.readInt32BE(4) === lost.id) {
        const { how, struck } = lost.loss
        lost = undefined
        isSilent = true
        if (how === 'cut') end()
        struck()
      } else if (!isSilent) client.write(frame)
    }),
  )
}

/** Whole requests or answers, each behind its length. */
function byFrame(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      take(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}

function requestIn(frame: Buffer): SeenRequest {
  const bytes = frame.subarray(4)
  const reader = new WireReader(bytes)
  const [key, version] = [reader.int16(), reader.int16()]
  // Its number, and the name of the client.
  reader.skip(4)
  reader.skip(Math.max(0, reader.int16()))
  return { key, version, bytes, bodyAt: reader.at }
}
