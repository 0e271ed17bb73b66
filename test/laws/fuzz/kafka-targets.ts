import { gzipSync } from 'node:zlib'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../src/connectors/kafka/protocol/api.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/connectors/kafka/protocol/group-api.ts'
import {
  batchHeader,
  type RecordCodec,
} from '../../../src/connectors/kafka/records/batch-header.ts'
import { unpacked } from '../../../src/connectors/kafka/records/codecs.ts'
import { RecordReader } from '../../../src/connectors/kafka/records/record-reader.ts'
import { RecordWriter } from '../../../src/connectors/kafka/records/record-writer.ts'
import { everyVersion } from '../../connectors/kafka-wire-samples.ts'
import { zstdPacked, zstdText } from '../../connectors/zstd-sample.ts'
import type { FuzzTarget } from './target.ts'

const encoder = new TextEncoder()
const refusals = ['WireFault']

const batches = [1, 3, 40].map((records) => {
  const writer = new RecordWriter(16)
  const part = (text: string) => ({ bytes: encoder.encode(text), start: 0, end: text.length })
  for (let at = 0; at < records; at++) {
    writer.append(
      1_700_000_000_000 - at,
      at % 3 === 0 ? undefined : part(`key ${at}`),
      part('{"n":1}'),
      [{ key: encoder.encode('trace'), value: at % 2 === 0 ? undefined : encoder.encode('x') }],
    )
  }
  return writer
    .take()
    .finish({ isTransactional: true, producerId: 7, producerEpoch: 3, baseSequence: 11 })
    .slice()
})

/** Every record of batches, as a source reads them. */
function readBatches(bytes: Uint8Array, mustCheck: boolean): void {
  const reader = new RecordReader()
  let at = 0
  for (;;) {
    const header = batchHeader(bytes, at, { end: bytes.length, mustCheck })
    if (header === undefined) return
    const body = unpacked(header.codec, bytes, header.recordsAt, header.end)
    reader.begin(header, body.bytes, body.start, body.end)
    while (reader.next()) reader.headers(() => {})
    at = header.end
  }
}

/** `abcd`, then eight bytes from four bytes back, and four more as they are. */
const snappyBlock = [16, 12, 97, 98, 99, 100, 17, 4, 12, 119, 120, 121, 122]
const packed: Readonly<Record<Exclude<RecordCodec, 'none'>, readonly Uint8Array[]>> = {
  gzip: [new Uint8Array(gzipSync(zstdText))],
  snappy: [
    Uint8Array.from(snappyBlock),
    Uint8Array.from([
      ...[0x82, ...encoder.encode('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1],
      ...[0, 0, 0, snappyBlock.length, ...snappyBlock],
      ...[0, 0, 0, snappyBlock.length, ...snappyBlock],
    ]),
  ],
  // A head, a block that is the same text, one that did not become smaller, and the end.
  lz4: [
    Uint8Array.from([
      ...[0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0],
      ...[12, 0, 0, 0, 0x44, 97, 98, 99, 100, 4, 0, 0x40, 119, 120, 121, 122],
      ...[2, 0, 0, 0x80, 33, 34, 0, 0, 0, 0],
    ]),
  ],
  zstd: [zstdPacked],
}

const words = { topics: ['orders', 'äö'], owned: [{ topic: 'orders', partitions: [0, 3] }] }

/** What brokers send, and what members of a group tell each other. */
export const kafkaTargets: readonly FuzzTarget[] = [
  ...[true, false].map(
    (mustCheck): FuzzTarget => ({
      name: `batches of records, ${mustCheck ? 'checked' : 'unchecked'}`,
      samples: batches,
      read: (bytes) => readBatches(bytes, mustCheck),
      refusals,
    }),
  ),
  ...Object.entries(packed).map(
    ([codec, samples]): FuzzTarget => ({
      name: `records packed with ${codec}`,
      samples,
      read: (bytes) => void unpacked(codec as RecordCodec, bytes, 0, bytes.length),
      refusals,
      // The window that its highest level asks for, and a little.
      ...(codec === 'zstd' ? { mostMiB: 160 } : {}),
    }),
  ),
  ...everyVersion.flatMap(({ name, api, version, isNewest, request, response }) =>
    isNewest
      ? [
          {
            name: `requests ${name}`,
            samples: [encodeRequest(api, version, request)],
            read: (bytes: Uint8Array) => void decodeRequest(api, version, bytes),
            refusals,
          },
          {
            name: `answers to ${name}`,
            samples: [encodeResponse(api, version, response)],
            read: (bytes: Uint8Array) => void decodeResponse(api, version, bytes),
            refusals,
          },
        ]
      : [],
  ),
  {
    name: 'subscriptions of members',
    samples: [encodeSubscription(words)],
    read: (bytes) => void decodeSubscription(bytes),
    refusals,
  },
  {
    name: 'assignments of members',
    samples: [encodeAssignment(words.owned)],
    read: (bytes) => void decodeAssignment(bytes),
    refusals,
  },
]
