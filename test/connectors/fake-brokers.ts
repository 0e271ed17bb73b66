import { type Api, decodeRequest, encodeResponse } from '../../src/connectors/kafka/protocol/api.ts'
import {
  apiVersionsApi,
  findCoordinatorApi,
  type MetadataResponse,
  metadataApi,
} from '../../src/connectors/kafka/protocol/cluster-api.ts'
import type { HostPort, KafkaTransport } from '../../src/connectors/kafka/transport.ts'
import { StreamError } from '../../src/core/error.ts'

/** What a broker answers to one kind of request; bytes are sent as they are. */
export interface Answer {
  readonly api: Api<unknown, unknown>
  readonly answer: (request: unknown, port: number) => unknown
}

export function answering<Request, Response>(
  api: Api<Request, Response>,
  answer: (request: Request, port: number) => Response | Uint8Array,
): Answer {
  return { api, answer: (request, port) => answer(request as Request, port) }
}

/** A partition of `orders` on the broker behind a port; the number of a node is its port. */
export function ordersOn(port: number): MetadataResponse {
  return {
    throttleMs: 0,
    brokers: [{ node: port, host: 'fake', port }],
    cluster: 'fake',
    controller: port,
    topics: [
      {
        error: 0,
        name: 'orders',
        id: '0'.repeat(32),
        isInternal: false,
        partitions: [{ error: 0, partition: 0, leader: port, leaderEpoch: 1 }],
      },
    ],
  }
}

/** One broker on port 1 that coordinates everything, in the second kind of transactions. */
export const oneBroker: readonly Answer[] = [
  answering(metadataApi, () => ordersOn(1)),
  answering(apiVersionsApi, () => ({
    error: 0,
    apis: [],
    throttleMs: 0,
    finalizedFeatures: [{ name: 'transaction.version', newest: 2, oldest: 0 }],
  })),
  answering(findCoordinatorApi, () => ({
    throttleMs: 0,
    error: 0,
    message: undefined,
    node: 1,
    host: 'fake',
    port: 1,
  })),
]

/** Brokers that answer what a test says; of several answers to one request the first one counts. */
export function fakeTransport(
  answers: readonly Answer[],
  options: { readonly away?: (port: number) => boolean } = {},
): KafkaTransport & { readonly asked: string[] } {
  const asked: string[] = []
  const mustBeThere = ({ host, port }: HostPort): void => {
    if (options.away?.(port) !== true) return
    const address = `${host}:${port}`
    throw new StreamError('KAFKA_UNREACHABLE', { address, step: 'TCP', why: 'away' })
  }
  return {
    asked,
    link: (address) => ({
      address,
      async versions() {
        mustBeThere(address)
        return new Map(
          answers.map(({ api }) => [api.key, { oldest: 0, newest: api.versions[1] }] as const),
        )
      },
      async request({ name, key, version, body }) {
        mustBeThere(address)
        asked.push(`${name} v${version} to ${address.port}`)
        const found = answers.find(({ api }) => api.key === key)
        if (found === undefined) throw new TypeError(`nothing answers ${name}`)
        const answer = found.answer(decodeRequest(found.api, version, body), address.port)
        if (answer instanceof Uint8Array) return answer
        return encodeResponse(found.api, version, answer)
      },
      close: async () => undefined,
    }),
    close: async () => undefined,
  }
}
