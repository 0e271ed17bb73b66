import avsc from 'avsc'
import { avroReader } from '../../../src/codecs/avro/decode.ts'
import { parseAvroSchema } from '../../../src/codecs/avro/parse.ts'
import { ByteInput } from '../../../src/codecs/byte-input.ts'
import { protoDecoder } from '../../../src/codecs/protobuf/codec.ts'
import { readDescriptorSet } from '../../../src/codecs/protobuf/descriptor.ts'
import { readMessageIndexes } from '../../../src/codecs/protobuf/message-indexes.ts'
import { framedId } from '../../../src/codecs/registry/frame.ts'
import { editionSet, legacySet, orderMessage, orderSet } from '../../codecs/protoc-files.ts'
import type { FuzzTarget } from './target.ts'

/** A schema with some of everything. */
export const fuzzedAvro = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'acme',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'paid', type: 'boolean', default: false },
    { name: 'ratio', type: ['null', 'double'], default: null },
    { name: 'weight', type: 'float' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'raw', type: 'bytes' },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Line',
          aliases: ['Item'],
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'amount', type: 'int' },
          ],
        },
      },
    },
    { name: 'tags', type: { type: 'map', values: ['null', 'string', 'Line'] } },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'SHIPPED'] } },
    { name: 'digest', type: { type: 'fixed', name: 'Digest', size: 4 } },
  ],
})

const line = { sku: 'a-1', amount: -300 }
const avroOrder = {
  id: 123_456_789,
  paid: true,
  ratio: { double: 0.5 },
  weight: 1.5,
  at: 1_700_000_000_000_000,
  raw: Buffer.from([1, 2, 3]),
  lines: [line, { sku: 'ü', amount: 2 }],
  tags: { none: null, text: { string: 'x' }, line: { 'acme.Line': line } },
  status: 'SHIPPED',
  digest: Buffer.from([9, 8, 7, 6]),
}
const avroLibrary = avsc.Type.forSchema(JSON.parse(fuzzedAvro), { wrapUnions: 'always' })
const avroSchema = parseAvroSchema(fuzzedAvro)
const readAvro = avroReader(avroSchema, avroSchema)
const messages = protoDecoder(orderSet, 'Order', { enumsAsNumbers: false, emitsDefaults: true })

/** Values and schemas of other formats. */
export const codecTargets: readonly FuzzTarget[] = [
  {
    name: 'values of Avro',
    samples: [new Uint8Array(avroLibrary.toBuffer(avroOrder))],
    read: (bytes) => void readAvro(new ByteInput().begin(bytes)),
    refusals: ['Malformed'],
  },
  {
    name: 'messages of Protobuf',
    samples: [new Uint8Array(Buffer.from(orderMessage, 'hex'))],
    read: (bytes) => void messages.read(bytes),
    refusals: ['Malformed'],
  },
  {
    name: 'descriptor sets of Protobuf',
    samples: [orderSet, legacySet, editionSet],
    read: (bytes) => void readDescriptorSet(bytes),
    refusals: ['SCHEMA_TEXT_INVALID'],
  },
  {
    name: 'frames of a schema registry',
    samples: [Uint8Array.of(0, 0, 0, 1, 44, 0, 7), Uint8Array.of(0, 0, 0, 0, 9, 4, 2, 6, 1)],
    read(bytes) {
      framedId(bytes)
      readMessageIndexes(bytes, 5)
    },
    refusals: ['Malformed'],
  },
]
