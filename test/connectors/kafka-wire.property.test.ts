import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Api,
  commonVersion,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/connectors/kafka/protocol/api.ts'
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
import { WireFault } from '../../src/connectors/kafka/protocol/wire-fault.ts'
import { WireReader } from '../../src/connectors/kafka/protocol/wire-reader.ts'
import { WireWriter } from '../../src/connectors/kafka/protocol/wire-writer.ts'

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

const everyVersion = samples.flatMap((each) => {
  const [oldest, newest] = each.api.versions
  return Array.from({ length: newest - oldest + 1 }, (_, at) => ({
    ...each,
    name: each.api.name,
    version: oldest + at,
    isNewest: oldest + at === newest,
  }))
})

test.each(everyVersion)('$name in version $version is read as it was written', (each) => {
  const { api, version, isNewest, request, response } = each
  const asked = decodeRequest(api, version, encodeRequest(api, version, request))
  const answered = decodeResponse(api, version, encodeResponse(api, version, response))
  // Older versions have no room for some of it.
  if (!isNewest) return
  expect(asked).toMatchObject(request as object)
  expect(answered).toMatchObject(response as object)
})

test('bytes that are no answer are refused, whatever they say of their lengths', () => {
  let refused = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...everyVersion),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(),
      ({ api, version, response }, damages, place) => {
        const bytes = encodeResponse(api, version, response).slice()
        for (const [at, byte] of damages) bytes[at % bytes.length] = byte
        const cut = damages.length === 0 ? bytes.subarray(0, place % bytes.length) : bytes
        try {
          decodeResponse(api, version, cut)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(WireFault)
          refused += 1
        }
      },
    ),
    { numRuns: 5_000 },
  )
  expect(refused).toBeGreaterThan(1_000)
})

test('numbers of every size are read as they were written', () => {
  const safe = fc.maxSafeInteger()
  fc.assert(
    fc.property(safe, fc.nat(2 ** 31 - 1), fc.integer(), (long, size, int) => {
      const writer = new WireWriter(1)
      writer.int64(long)
      writer.uvarint(size)
      writer.int32(int)
      const reader = new WireReader(writer.finish())
      expect([reader.int64(), reader.uvarint(), reader.int32()]).toEqual([long, size, int])
      expect(() => reader.int8()).toThrow(WireFault)
    }),
  )
  const beyond = new Uint8Array(8).fill(0x7f)
  expect(() => new WireReader(beyond).int64()).toThrow(WireFault)
})

test('tagged fields that are known are read, and others are passed over', () => {
  const request = { softwareName: 'a', softwareVersion: '1' }
  const asked = encodeRequest(apiVersionsApi, 3, request)
  expect([...asked]).toEqual([2, 97, 2, 49, 0])
  const writer = new WireWriter()
  writer.int16(0)
  writer.uvarint(1)
  writer.int32(0)
  writer.uvarint(2)
  // One that nobody knows, and the features that the cluster has agreed upon.
  writer.uvarint(1)
  writer.uvarint(3)
  writer.raw(Uint8Array.of(9, 9, 9))
  writer.uvarint(2)
  const name = new TextEncoder().encode('transaction.version')
  writer.uvarint(name.length + 7)
  writer.uvarint(2)
  writer.uvarint(name.length + 1)
  writer.raw(name)
  writer.int16(2)
  writer.int16(0)
  writer.uvarint(0)
  expect(decodeResponse(apiVersionsApi, 3, writer.finish())).toMatchObject({
    apis: [],
    finalizedFeatures: [{ name: 'transaction.version', newest: 2, oldest: 0 }],
  })
})

test('the newest version that both have is spoken', () => {
  expect(commonVersion(metadataApi, { oldest: 0, newest: 9 })).toBe(9)
  expect(commonVersion(metadataApi, { oldest: 0, newest: 99 })).toBe(12)
  expect(commonVersion(metadataApi, { oldest: 13, newest: 14 })).toBeUndefined()
  expect(commonVersion(metadataApi, { oldest: 0, newest: 4 })).toBeUndefined()
  expect(commonVersion(metadataApi, undefined)).toBeUndefined()
})
