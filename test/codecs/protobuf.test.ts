import { expect, test } from 'vitest'
import { parseType } from '../../src/batch/ddl.ts'
import { typeDdl } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { Malformed } from '../../src/codecs/malformed.ts'
import { protoDecoder, protoEncoder } from '../../src/codecs/protobuf/codec.ts'
import { findMessage, type ProtoSource } from '../../src/codecs/protobuf/definitions.ts'
import {
  indexesOf,
  messageAt,
  messageIndexBytes,
  readMessageIndexes,
} from '../../src/codecs/protobuf/message-indexes.ts'
import { parseProtoText } from '../../src/codecs/protobuf/proto-text.ts'
import type { ProtoMessage } from '../../src/codecs/protobuf/schema.ts'
import {
  commonText,
  editionSet,
  editionText,
  legacySet,
  legacyText,
  orderMessage,
  orderSet,
  orderText,
} from './protoc-files.ts'

const plain = { enumsAsNumbers: false, emitsDefaults: false }

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function read(
  source: ProtoSource,
  name: string,
  hex: string,
  options: Partial<Parameters<typeof protoDecoder>[2]> = {},
): Value {
  return protoDecoder(source, name, { ...plain, ...options }).read(bytesOf(hex))
}

function ddlOf(source: ProtoSource, name: string, depthMax?: number): string {
  const decoding = depthMax === undefined ? plain : { ...plain, depthMax }
  return typeDdl(protoDecoder(source, name, decoding).type)
}

test('a message of another library is read, by a descriptor set of protoc', () => {
  expect(ddlOf(orderSet, 'acme.Order')).toBe(
    'STRUCT<id: BIGINT, status: STRING, priority: INT, ' +
      'lines: ARRAY<STRUCT<sku: STRING, amount: INT, discounts: ARRAY<DOUBLE>>>, ' +
      'prices: MAP<STRING, STRUCT<units: BIGINT, currency: STRING>>, history: MAP<INT, STRING>, ' +
      'at: TIMESTAMP, email: STRING, customer: STRUCT<name: STRING>, marks: ARRAY<INT>, raw: BINARY, ' +
      'paid: BOOLEAN, weight: FLOAT, count: INT, big: BIGINT, note: STRING>',
  )
  expect(read(orderSet, 'Order', orderMessage)).toEqual([
    -77n,
    'SHIPPED',
    // It is set to its default, which this field tells.
    0,
    [
      ['a', -2, [0.5, 2]],
      [null, null, []],
    ],
    {
      entries: [
        ['x', [9007199254740993n, null]],
        ['y', [null, 'EUR']],
      ],
    },
    {
      entries: [
        [-1, 'UNKNOWN'],
        [3, 'OPEN'],
      ],
    },
    Date.parse('2024-05-06T07:08:09.123Z') * 1000 + 456,
    null,
    ['Ada'],
    [1, -1],
    Uint8Array.of(0, 255),
    true,
    1.5,
    -1,
    -1n,
    null,
  ])
})

/** The same with a time in whole microseconds, which is as exact as TIMESTAMP is. */
const orderInMicros = orderMessage.replace('10959aef3a', '108094ef3a')

test('what was read is written as the other library wrote it', () => {
  const { type, read: decode } = protoDecoder(orderSet, 'Order', plain)
  const write = protoEncoder(type, orderSet, 'Order', new Map())
  const value = write(decode(bytesOf(orderInMicros)))
  expect(Buffer.from(value as Uint8Array).toString('hex')).toBe(orderInMicros)
})

/** A message without what only one of two ways to read it knows. */
function outlineOf(message: ProtoMessage, seen: readonly string[] = []): unknown {
  if (seen.includes(message.name)) return message.name
  const inside = [...seen, message.name]
  return {
    name: message.name,
    messages: message.messages.map((inner) => outlineOf(inner, inside)),
    fields: message.fields.map(({ type, oneof, defaultText: _, ...field }) => ({
      ...field,
      hasOneof: oneof !== undefined,
      type: JSON.parse(
        JSON.stringify(type, (key, value) => (key === 'message' ? value.name : value)),
      ),
    })),
  }
}

test.each([
  ['order', orderSet, orderText, 'acme.Order'],
  ['legacy', legacySet, legacyText, 'acme.legacy.Event'],
  ['edition', editionSet, editionText, 'acme.edition.Note'],
])('%s.proto means the same as text and as a descriptor set', (_, set, text, name) => {
  const references = text.includes('common.proto')
    ? [{ name: 'common.proto', text: commonText }]
    : []
  const file = parseProtoText(text, references).at(-1)
  const found = file?.messages.find((message) => message.name === name)
  const { message, file: setFile } = findMessage(set, name)
  expect(found && outlineOf(found)).toEqual(outlineOf(message))
  expect(file?.imports).toEqual(setFile.imports)
})

test.each([
  ['set', legacySet],
  ['text', legacyText],
])('the older syntax has groups, defaults, and lists of either form (%s)', (_, source) => {
  const first = '0a026531200120ffffffffffffffffff012a03ac0202333a02686934'
  expect(read(source, 'Event', first)).toEqual([
    'e1',
    -3,
    'CLICK',
    [1, -1],
    [300, 2],
    ['hi'],
    Number.POSITIVE_INFINITY,
    Uint8Array.of(1, 97, 10),
  ])
  const set = '0a00100718004100000000000000004a00'
  expect(read(source, 'Event', set)).toEqual(['', 7, 'NONE', [], [], null, 0, new Uint8Array()])
})

test('what must be there and is not makes a message bad', () => {
  expect(() => read(legacySet, 'Event', '1007')).toThrow('the required field id is not there')
})

test('a number that a closed enum does not have is not set, an open one gives it out', () => {
  expect(read(legacySet, 'Event', '0a001801')).toMatchObject({ 2: 'CLICK' })
  expect(read(orderSet, 'Order', '1005')).toMatchObject({ 1: 'UNKNOWN_ENUM_VALUE_Status_5' })
  expect(read(orderSet, 'Order', '1005', { enumsAsNumbers: true })).toMatchObject({ 1: 5 })
})

test('editions say field by field what tells whether it is set', () => {
  expect(read(editionSet, 'Note', '0a001801180223080524')).toEqual(['', null, [1, 2], [5]])
  expect(read(editionSet, 'Note', '')).toEqual([null, null, [], null])
})

test('fields that do not tell whether they were set have their defaults if that is asked for', () => {
  expect(read(orderSet, 'Order', '', { emitsDefaults: true })).toEqual([
    0n,
    'UNKNOWN',
    null,
    [],
    { entries: [] },
    { entries: [] },
    null,
    null,
    null,
    [],
    new Uint8Array(),
    false,
    0,
    0,
    0n,
    '',
  ])
})

test('the last field of a oneof counts', () => {
  const [email, customer] = ['42016d', '4a030a0161']
  const of = (hex: string): unknown =>
    (read(orderSet, 'Order', hex) as readonly Value[]).slice(7, 9)
  expect(of(email + customer)).toEqual([null, ['a']])
  expect(of(customer + email)).toEqual(['m', null])
})

test('parts of one message are one message, and lists go on', () => {
  const definitions = `
    syntax = "proto3";
    message Outer { Inner inner = 1; }
    message Inner { int32 a = 1; int32 b = 2; repeated int32 list = 3; Inner2 deeper = 4; }
    message Inner2 { string x = 1; string y = 2; }
  `
  const parts = ['0a0c 0801 1002 1803 2204 0a0178 0a', '0a0a 1005 1804 2204 12017a 12']
  const [first, second] = ['0a0b08011002180322030a0178', '0a09100518042203120179']
  expect(parts).toHaveLength(2)
  expect(read(definitions, 'Outer', `${first}${second}`)).toEqual([[1, 5, [3, 4], ['x', 'y']]])
})

const node =
  'syntax = "proto3"; message Node { int32 n = 1; Node next = 2; repeated Node all = 3; }'

test('a message inside of itself is read as deep as was asked for', () => {
  expect(() => ddlOf(node, 'Node')).toThrow('the message contains itself')
  expect(ddlOf(node, 'Node', 1)).toBe('STRUCT<n: INT>')
  expect(ddlOf(node, 'Node', 2)).toBe(
    'STRUCT<n: INT, next: STRUCT<n: INT>, all: ARRAY<STRUCT<n: INT>>>',
  )
  expect(read(node, 'Node', '0801120408021200', { depthMax: 2 })).toEqual([1, [2], []])
})

test.each([
  ['ff', 'it ends in the middle'],
  ['0a', 'it ends in the middle'],
  ['82ffffffff0f', 'there is no field'],
  ['00', 'there is no field 0'],
  ['8201ffffffff7f', 'should follow'],
  ['520501', 'should follow'],
  ['0b', 'it ends in the middle'],
  ['0c', 'a group ends that has not begun'],
  ['f3070c', 'a group ends that has not begun'],
  ['0f', 'there is no wire type 7'],
  ['3a0908ffffffffffffff7f', 'is not within the years'],
  ['08ffffffffffffffffffff01', 'over 64 bits'],
])('%s is malformed', (hex, why) => {
  const found = () => read(orderSet, 'Order', hex)
  expect(found).toThrow(Malformed)
  expect(found).toThrow(why)
})

test('groups that nobody reads may not go deeper than others have it', () => {
  const deep = (levels: number): string => `${'f307'.repeat(levels)}${'f407'.repeat(levels)}`
  expect(read(orderSet, 'Order', deep(100))).toBeDefined()
  expect(() => read(orderSet, 'Order', deep(101))).toThrow('groups are 100 deep')
})

test('messages go by their names, with the package or without', () => {
  expect(findMessage(orderSet, 'acme.common.Money').message.name).toBe('acme.common.Money')
  expect(findMessage(orderSet, 'Order.Line').message.name).toBe('acme.Order.Line')
  expect(() => findMessage(orderSet, 'Ordr')).toThrow('the nearest is acme.Order')
  const twice = `
    syntax = "proto3";
    message A { message Same { int32 x = 1; } }
    message B { message Same { int32 x = 1; } }
  `
  expect(() => findMessage(twice, 'Same')).toThrow('it may be A.Same or B.Same')
})

test.each<[ProtoSource, string]>([
  [Uint8Array.of(255, 255), 'it ends in the middle'],
  [new Uint8Array(), 'it has no files'],
  [Uint8Array.of(8, 1), 'it has no files'],
  ['message {', 'SCHEMA_TEXT_INVALID'],
  ['syntax = "proto3"; message A { Missing m = 1; }', 'Missing'],
])('%j are no definitions', (source, why) => {
  expect(() => findMessage(source, 'A')).toThrow('SCHEMA_TEXT_INVALID')
  expect(() => findMessage(source, 'A')).toThrow(why)
})

test('a set without the files that it imports says how to write it', () => {
  // The first file of the set, which the last one imports, is left out.
  const [length = 0, more = 0] = orderSet.subarray(1, 3)
  const without = orderSet.subarray(3 + ((length & 127) | (more << 7)))
  expect(() => findMessage(without, 'acme.Order')).toThrow('--include_imports')
})

test('message indexes are as Confluent writes them', () => {
  // Its guide: the first message is one zero byte, others their number and then each index, in zigzag.
  expect([...messageIndexBytes([0])]).toEqual([0])
  expect([...messageIndexBytes([1, 0])]).toEqual([4, 2, 0])
  expect(readMessageIndexes(Uint8Array.of(9, 0, 7), 1)).toEqual({ indexes: [0], at: 2 })
  expect(readMessageIndexes(Uint8Array.of(4, 2, 0, 7), 0)).toEqual({ indexes: [1, 0], at: 3 })
  expect(() => readMessageIndexes(Uint8Array.of(3), 0)).toThrow(Malformed)
  expect(() => readMessageIndexes(Uint8Array.of(254, 254, 3), 0)).toThrow(Malformed)
  expect(() => readMessageIndexes(Uint8Array.of(4, 2), 0)).toThrow(Malformed)
})

test('indexes name messages, as far as all writers count alike', () => {
  const { file } = findMessage(orderSet, 'acme.Order')
  expect(indexesOf(file.messages, 'acme.Order')).toEqual([1])
  expect(indexesOf(file.messages, 'acme.Order.Line')).toEqual([1, 0])
  expect(indexesOf(file.messages, 'acme.Nothing')).toBeUndefined()
  expect(messageAt(file.messages, [0])?.name).toBe('acme.Customer')
  expect(messageAt(file.messages, [7])).toBeUndefined()
  // The message has maps, whose entries some count.
  expect(messageAt(file.messages, [1, 0])).toBeUndefined()
})

test.each([
  ['struct<id: string>', 'STRING cannot become Protobuf sint64'],
  ['struct<nothing: int>', 'acme.Order has no field nothing'],
  ['struct<lines: int>', 'INT cannot become Protobuf message'],
  ['struct<prices: array<int>>', 'ARRAY<INT> cannot become Protobuf map'],
  ['struct<count: bigint>', 'BIGINT cannot become Protobuf uint32'],
  ['struct<raw: string>', 'STRING cannot become Protobuf bytes'],
  ['struct<status: double>', 'DOUBLE cannot become Protobuf enum'],
])('%s cannot be written', (ddl, why) => {
  const write = () => protoEncoder(parseType(ddl), orderSet, 'Order', new Map())
  expect(write).toThrow('SCHEMAS_INCOMPATIBLE')
  expect(write).toThrow(why)
})

test('a field that must be there has to be a column', () => {
  const write = () => protoEncoder(parseType('struct<retries: int>'), legacySet, 'Event', new Map())
  expect(write).toThrow('acme.legacy.Event needs the field id')
})

test.each<[string, Value]>([
  ['struct<status: string>', ['LOST']],
  ['struct<status: int>', [9]],
  ['struct<marks: array<int>>', [[1, null]]],
  ['struct<prices: map<string, struct<units: bigint>>>', [{ entries: [['x', null]] }]],
])('%s does not hold %j', (ddl, value) => {
  const write = protoEncoder(parseType(ddl), orderSet, 'Order', new Map())
  expect(() => write(value)).toThrow('ENCODE_FAILED')
})

test('a required field that is NULL cannot be written', () => {
  const write = protoEncoder(parseType('struct<id: string>'), legacySet, 'Event', new Map())
  expect(() => write([null])).toThrow('the required field id is NULL')
})

test('a set whose file imports others is not registered', () => {
  const options = new Map([
    ['schema.registry.url', 'http://a'],
    ['subject', 's'],
  ])
  const type = parseType('struct<id: bigint>')
  expect(() => protoEncoder(type, orderSet, 'Order', options)).toThrow('it imports common.proto')
  expect(() =>
    protoEncoder(parseType('struct<id: string>'), legacySet, 'Event', options),
  ).not.toThrow()
})
