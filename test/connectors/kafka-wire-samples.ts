import type { Api } from '../../src/connectors/kafka/protocol/api.ts'
import {
  apiVersionsApi,
  findCoordinatorApi,
  listOffsetsApi,
  metadataApi,
} from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { noUuid } from '../../src/connectors/kafka/protocol/codec.ts'
import { fetchApi, produceApi } from '../../src/connectors/kafka/protocol/data-api.ts'
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  endTxnApi,
  initProducerIdApi,
  offsetFetchApi,
  txnOffsetCommitApi,
} from '../../src/connectors/kafka/protocol/transaction-api.ts'

/** A request and its answer with something in every field. */
interface Sample<Request, Response> {
  readonly api: Api<Request, Response>
  readonly request: Request
  readonly response: Response
}

function sample<Request, Response>(
  api: Api<Request, Response>,
  request: Request,
  response: Response,
): Sample<unknown, unknown> {
  return { api, request, response }
}

const owner = { transactionalId: 'app/sink/0', producerId: 2 ** 40, producerEpoch: 5 }
const [topic, partition, error] = ['orders', 3, 16]
const partitionErrors = { throttleMs: 1, topics: [{ topic, partitions: [{ partition, error }] }] }

const samples: readonly Sample<unknown, unknown>[] = [
  sample(
    apiVersionsApi,
    { softwareName: 'millrace', softwareVersion: '1' },
    {
      error: 0,
      apis: [{ key: 18, oldest: 0, newest: 4 }],
      throttleMs: 0,
      finalizedFeatures: [{ name: 'transaction.version', newest: 2, oldest: 2 }],
    },
  ),
  sample(
    metadataApi,
    {
      topics: [{ id: noUuid, name: topic }],
      mayCreate: true,
      wantsClusterRights: false,
      wantsTopicRights: true,
    },
    {
      throttleMs: 1,
      brokers: [{ node: 1, host: 'localhost', port: 9092 }],
      cluster: undefined,
      controller: 1,
      topics: [
        {
          error: 0,
          name: topic,
          id: '0123456789abcdef0123456789abcdef',
          isInternal: false,
          partitions: [{ error, partition, leader: 1, leaderEpoch: 7 }],
        },
      ],
    },
  ),
  sample(
    findCoordinatorApi,
    { key: 'äö', type: 1 },
    { throttleMs: 0, error, message: 'not here', node: 2, host: '::1', port: 9093 },
  ),
  sample(
    listOffsetsApi,
    {
      isolation: 1,
      topics: [{ topic, partitions: [{ partition, leaderEpoch: 2, timestamp: -1 }] }],
    },
    {
      throttleMs: 0,
      topics: [
        {
          topic,
          partitions: [{ partition, error, timestamp: -1, offset: 2 ** 52, leaderEpoch: 2 }],
        },
      ],
    },
  ),
  sample(
    fetchApi,
    {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 4_000_000,
      isolation: 1,
      topics: [
        { topic, partitions: [{ partition, leaderEpoch: -1, offset: 12, maxBytes: 1_000_000 }] },
      ],
    },
    {
      throttleMs: 0,
      error: 0,
      topics: [
        {
          topic,
          partitions: [
            {
              partition,
              error: 0,
              highWatermark: 20,
              lastStableOffset: 18,
              logStart: 0,
              aborted: [{ producerId: 9, firstOffset: 14 }],
              records: Uint8Array.of(1, 2, 3),
            },
          ],
        },
      ],
    },
  ),
  sample(
    produceApi,
    {
      transactionalId: undefined,
      acks: -1,
      timeoutMs: 30_000,
      topics: [{ topic, partitions: [{ partition, records: Uint8Array.of(4, 5) }] }],
    },
    {
      topics: [{ topic, partitions: [{ partition, error: 47, offset: -1, message: 'fenced' }] }],
      throttleMs: 3,
    },
  ),
  sample(
    initProducerIdApi,
    { ...owner, timeoutMs: 60_000 },
    { throttleMs: 0, error: 51, producerId: -1, producerEpoch: -1 },
  ),
  sample(
    addPartitionsToTxnApi,
    { ...owner, topics: [{ topic, partitions: [0, partition] }] },
    partitionErrors,
  ),
  sample(addOffsetsToTxnApi, { ...owner, group: 'app.eos' }, { throttleMs: 0, error }),
  sample(
    txnOffsetCommitApi,
    {
      ...owner,
      group: 'app.eos',
      topics: [
        { topic, partitions: [{ partition, offset: 17, leaderEpoch: -1, metadata: '{"v":1}' }] },
      ],
    },
    partitionErrors,
  ),
  sample(
    endTxnApi,
    { ...owner, isCommit: true },
    { throttleMs: 0, error, producerId: 8, producerEpoch: 6 },
  ),
  sample(
    offsetFetchApi,
    { group: 'app.eos', topics: undefined, requireStable: true },
    {
      throttleMs: 0,
      topics: [
        {
          topic,
          partitions: [{ partition, offset: -1, leaderEpoch: -1, metadata: undefined, error: 88 }],
        },
      ],
      error: 0,
    },
  ),
]

/** Every request and answer in every version that is spoken. */
export const everyVersion = samples.flatMap((each) => {
  const [oldest, newest] = each.api.versions
  return Array.from({ length: newest - oldest + 1 }, (_, at) => ({
    ...each,
    name: each.api.name,
    version: oldest + at,
    isNewest: oldest + at === newest,
  }))
})
