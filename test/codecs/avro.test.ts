import { expect, test } from 'vitest'
import { parseType } from '../../src/batch/ddl.ts'
import { typeDdl } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { avroReader } from '../../src/codecs/avro/decode.ts'
import { avroSchemaOf } from '../../src/codecs/avro/derived-schema.ts'
import { avroWriter } from '../../src/codecs/avro/encode.ts'
import { parseAvroSchema } from '../../src/codecs/avro/parse.ts'
import { sqlTypeOfAvro } from '../../src/codecs/avro/sql-type.ts'
import { ByteInput } from '../../src/codecs/byte-input.ts'
import { Malformed } from '../../src/codecs/malformed.ts'

function record(fields: readonly object[], more: object = {}): object {
  return { type: 'record', name: 'R', fields, ...more }
}

function read(writer: unknown, bytes: readonly number[], reader: unknown = writer): Value {
  const schemas = [writer, reader].map((json) => parseAvroSchema(JSON.stringify(json)))
  const [from = schemas[0], to = from] = schemas
  if (from === undefined || to === undefined) throw new Error('no schema')
  return avroReader(from, to)(new ByteInput().begin(Uint8Array.from(bytes)))
}

function ddlOf(json: unknown): string {
  const { type, nullable } = sqlTypeOfAvro(parseAvroSchema(JSON.stringify(json)))
  return `${typeDdl(type)}${nullable ? '' : ' NOT NULL'}`
}

// The bytes are those of Avro's specification.
test.each([
  ['long', [0x00], 0n],
  ['long', [0x01], -1n],
  ['long', [0x02], 1n],
  ['long', [0x7f], -64n],
  ['long', [0x80, 0x01], 64n],
  ['int', [0x7f], -64],
  ['string', [0x06, 0x66, 0x6f, 0x6f], 'foo'],
  [['null', 'string'], [0x00], null],
  [['null', 'string'], [0x02, 0x02, 0x61], 'a'],
  [{ type: 'array', items: 'long' }, [0x04, 0x06, 0x36, 0x00], [3n, 27n]],
  [
    record([
      { name: 'a', type: 'long' },
      { name: 'b', type: 'string' },
    ]),
    [0x36, 0x06, 0x66, 0x6f, 0x6f],
    [27n, 'foo'],
  ],
])('%j reads %j', (schema, bytes, value) => {
  expect(read(schema, bytes)).toEqual(value)
})

test('blocks of a list may have their size in front', () => {
  // Two items of one byte each, then one without a size.
  const bytes = [0x03, 0x04, 0x06, 0x36, 0x02, 0x08, 0x00]
  expect(read({ type: 'array', items: 'long' }, bytes)).toEqual([3n, 27n, 4n])
})

test('the largest numbers are exact', () => {
  const most = [0xfe, ...Array.from({ length: 8 }, () => 0xff), 0x01]
  const least = [...Array.from({ length: 9 }, () => 0xff), 0x01]
  expect(read('long', most)).toBe(2n ** 63n - 1n)
  expect(read('long', least)).toBe(-(2n ** 63n))
})

// The types are those of Spark's guide to from_avro.
test.each([
  ['boolean', 'BOOLEAN NOT NULL'],
  ['int', 'INT NOT NULL'],
  ['long', 'BIGINT NOT NULL'],
  ['float', 'FLOAT NOT NULL'],
  ['double', 'DOUBLE NOT NULL'],
  ['string', 'STRING NOT NULL'],
  ['bytes', 'BINARY NOT NULL'],
  ['null', 'VOID'],
  [{ type: 'enum', name: 'E', symbols: ['A'] }, 'STRING NOT NULL'],
  [{ type: 'fixed', name: 'F', size: 4 }, 'BINARY NOT NULL'],
  [{ type: 'array', items: ['null', 'int'] }, 'ARRAY<INT> NOT NULL'],
  [{ type: 'map', values: 'int' }, 'MAP<STRING, INT> NOT NULL'],
  [record([{ name: 'a', type: ['int', 'null'] }]), 'STRUCT<a: INT> NOT NULL'],
  [['string', 'null'], 'STRING'],
  [['int', 'long'], 'BIGINT NOT NULL'],
  [['null', 'double', 'float'], 'DOUBLE'],
  [['int', 'string', 'null'], 'STRUCT<member0: INT, member1: STRING>'],
  [{ type: 'int', logicalType: 'date' }, 'DATE NOT NULL'],
  [{ type: 'long', logicalType: 'timestamp-millis' }, 'TIMESTAMP NOT NULL'],
  [{ type: 'long', logicalType: 'timestamp-micros' }, 'TIMESTAMP NOT NULL'],
  [{ type: 'long', logicalType: 'local-timestamp-micros' }, 'TIMESTAMP NOT NULL'],
  [{ type: 'int', logicalType: 'time-millis' }, 'INT NOT NULL'],
  [{ type: 'string', logicalType: 'uuid' }, 'STRING NOT NULL'],
  [{ type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }, 'DECIMAL(10,2) NOT NULL'],
  [
    { type: 'fixed', name: 'D', size: 8, logicalType: 'decimal', precision: 5 },
    'DECIMAL(5,0) NOT NULL',
  ],
  // What a type means that makes no sense is passed over.
  [{ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 }, 'BINARY NOT NULL'],
  [{ type: 'string', logicalType: 'date' }, 'STRING NOT NULL'],
])('%j is %s', (schema, ddl) => {
  expect(ddlOf(schema)).toBe(ddl)
})

test('names are found in their namespaces', () => {
  const point = { type: 'record', name: 'Point', fields: [{ name: 'x', type: 'int' }] }
  const schema = record(
    [
      { name: 'from', type: point },
      { name: 'to', type: 'Point' },
      { name: 'via', type: { type: 'array', items: 'com.acme.Point' } },
    ],
    { namespace: 'com.acme' },
  )
  expect(ddlOf(schema)).toBe(
    'STRUCT<from: STRUCT<x: INT>, to: STRUCT<x: INT>, via: ARRAY<STRUCT<x: INT>>> NOT NULL',
  )
})

test('schemas may name others that come with them', () => {
  const other = { type: 'enum', name: 'com.acme.Color', symbols: ['RED', 'BLUE'] }
  const schema = record([{ name: 'color', type: 'com.acme.Color' }])
  const references = [{ name: 'com.acme.Color', text: JSON.stringify(other) }]
  const parsed = parseAvroSchema(JSON.stringify(schema), references)
  expect(avroReader(parsed, parsed)(new ByteInput().begin(Uint8Array.of(2)))).toEqual(['BLUE'])
  expect(() => parseAvroSchema(JSON.stringify(schema))).toThrow('there is no type com.acme.Color')
})

test.each([
  ['nonsense', 'JSON'],
  ['"integer"', 'there is no type integer'],
  ['[]', 'a union has no types'],
  ['["int",["null","string"]]', 'a union is in a union'],
  ['["int","int"]', 'a union has int twice'],
  ['{"type":"record","name":"R"}', 'the record R has no list of fields'],
  ['{"type":"record","name":"R","fields":[{"name":"a"}]}', 'undefined is no type'],
  [
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
    'the record R has the field a twice',
  ],
  ['{"type":"fixed","name":"F","size":-1}', 'the fixed F has the size -1'],
  ['{"type":"enum","name":"E","symbols":[]}', 'the enum E has no symbols'],
  ['{"type":"array"}', 'undefined is no type'],
])('the schema %s is refused', (text, why) => {
  expect(() => parseAvroSchema(text)).toThrow('SCHEMA_TEXT_INVALID')
  expect(() => parseAvroSchema(text)).toThrow(why)
})

test('a record that contains itself is no column, and may be passed over', () => {
  const node = {
    type: 'record',
    name: 'Node',
    fields: [{ name: 'next', type: ['null', 'Node'] }],
  }
  expect(() => ddlOf(node)).toThrow('the record contains itself')
  const writer = record([
    { name: 'list', type: node },
    { name: 'n', type: 'int' },
  ])
  const reader = record([{ name: 'n', type: 'int' }])
  expect(read(writer, [2, 2, 0, 10], reader)).toEqual([5])
})

test('bytes that go deeper than the stack end', () => {
  const node = {
    type: 'record',
    name: 'Node',
    fields: [{ name: 'next', type: ['Node', 'null'] }],
  }
  const writer = record([{ name: 'list', type: node }])
  const bytes = Array.from({ length: 200_000 }, () => 0)
  // The function that calls it takes it for malformed, see test/expr/codec-functions.test.ts.
  expect(() => read(writer, bytes, record([]))).toThrow(RangeError)
})

test.each([
  [{ type: 'array', items: 'int' }, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 2]],
  [{ type: 'array', items: 'null' }, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  [{ type: 'map', values: 'null' }, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]],
  [
    { type: 'array', items: { type: 'array', items: 'null' } },
    Array.from({ length: 400 }, (_, at) => [0x80, 0x80, 0x01, 0][at % 4] ?? 0),
  ],
  ['string', [0xfe, 0xff, 0xff, 0xff, 0x0f, 65]],
  ['string', [0x01]],
  ['bytes', [0x04, 1]],
  ['int', [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
  ['long', Array.from({ length: 11 }, () => 0x80)],
  ['boolean', [2]],
  ['double', [1, 2, 3]],
  [['null', 'int'], [4]],
  [['null', 'int'], [1]],
  [{ type: 'enum', name: 'E', symbols: ['A'] }, [2]],
  [
    { type: 'long', logicalType: 'timestamp-millis' },
    [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f],
  ],
  [{ type: 'bytes', logicalType: 'decimal', precision: 2 }, [0x04, 0x7f, 0xff]],
])('%j does not believe %j', (schema, bytes) => {
  expect(() => read(schema, bytes)).toThrow(Malformed)
})

test('10,000 items without bytes are a list, and more are an attack', () => {
  const schema = { type: 'array', items: 'null' }
  const [low, high] = [(20_000 & 127) | 128, (20_000 >> 7) | 128]
  expect(read(schema, [low, high & 255, 1, 0])).toHaveLength(10_000)
})

// JavaScript reads the largest LONG as 2 ** 63.
test('fields of one version are found in another by name, alias or default', () => {
  const writer = record([
    { name: 'gone', type: { type: 'map', values: 'string' } },
    { name: 'old', type: 'int' },
    { name: 'same', type: 'string' },
  ])
  const reader = record([
    { name: 'same', type: ['null', 'string'], default: null },
    { name: 'fresh', type: ['null', 'int'], default: null },
    { name: 'renamed', aliases: ['old'], type: 'double' },
    { name: 'most', type: 'long', default: 2 ** 63 },
  ])
  const bytes = [2, 2, 0x61, 2, 0x62, 0, 10, 2, 0x63]
  expect(read(writer, bytes, reader)).toEqual(['c', null, 5, 2n ** 63n - 1n])
})

test('a name of a record alone keeps nobody from reading it, as in Java', () => {
  const fields = [{ name: 'a', type: 'int' }]
  expect(read(record(fields, { name: 'com.acme.Order' }), [10], record(fields))).toEqual([5])
})

test('an int becomes a float as precise as that is', () => {
  expect(read('int', [0x82, 0x80, 0x80, 0x10], 'float')).toBe(Math.fround(16777217))
})

const colors = (symbols: readonly string[], more: object = {}): object => ({
  type: 'enum',
  name: 'Color',
  symbols,
  ...more,
})

test('a symbol that the reader lacks is its default, or none', () => {
  const writer = colors(['RED', 'BLUE'])
  expect(read(writer, [2], colors(['RED', 'OTHER'], { default: 'OTHER' }))).toBe('OTHER')
  expect(() => read(writer, [2], colors(['RED']))).toThrow('the enum Color has no symbol BLUE')
})

test('the branch that a value is of need not be one that the reader has', () => {
  expect(read(['null', 'int', 'string'], [2, 10], ['null', 'int'])).toBe(5)
  expect(() => read(['null', 'int', 'string'], [4, 2, 0x61], ['null', 'int'])).toThrow(Malformed)
})

test('unions of several types are structs of which one member is set', () => {
  const schema = ['int', 'string', 'null']
  expect(read(schema, [0, 10])).toEqual([5, null])
  expect(read(schema, [2, 2, 0x61])).toEqual([null, 'a'])
  expect(read(schema, [4])).toBeNull()
  expect(read(['int', 'long'], [0, 10])).toBe(5n)
  expect(read(['float', 'double'], [0, 0, 0, 0x20, 0x41])).toBe(10)
})

const fixed = (name: string, size: number): object => ({ type: 'fixed', name, size })
const decimal = (scale: number): object => {
  return { type: 'bytes', logicalType: 'decimal', precision: 10, scale }
}

test.each([
  ['string', 'int'],
  ['double', 'float'],
  [['null', 'string'], 'int'],
  [fixed('F', 2), fixed('F', 3)],
  [fixed('F', 2), fixed('G', 2)],
  [decimal(1), decimal(2)],
  [record([]), record([{ name: 'a', type: 'int' }])],
  [record([]), record([{ name: 'a', type: 'int', default: 'text' }])],
  [
    { type: 'array', items: 'int' },
    { type: 'map', values: 'int' },
  ],
])('%j cannot be read as %j', (writer, reader) => {
  expect(() => read(writer, [], reader)).toThrow('SCHEMAS_INCOMPATIBLE')
})

test('a type is written with the schema that Spark makes of it', () => {
  const type = parseType(
    'struct<a: int, b: array<string>, c: decimal(9,2), d: struct<e: timestamp>>',
  )
  expect(JSON.parse(avroSchemaOf(type, false))).toEqual({
    type: 'record',
    name: 'topLevelRecord',
    fields: [
      { name: 'a', type: ['int', 'null'] },
      { name: 'b', type: [{ type: 'array', items: ['string', 'null'] }, 'null'] },
      {
        name: 'c',
        type: [
          {
            type: 'fixed',
            name: 'topLevelRecord.c.fixed',
            size: 4,
            logicalType: 'decimal',
            precision: 9,
            scale: 2,
          },
          'null',
        ],
      },
      {
        name: 'd',
        type: [
          {
            type: 'record',
            name: 'd',
            namespace: 'topLevelRecord',
            fields: [
              { name: 'e', type: [{ type: 'long', logicalType: 'timestamp-micros' }, 'null'] },
            ],
          },
          'null',
        ],
      },
    ],
  })
})

function write(ddl: string, schema: unknown, value: Value): readonly number[] {
  return [...avroWriter(parseType(ddl), parseAvroSchema(JSON.stringify(schema)))(value)]
}

test('fields are written by name, and those that are missing as their defaults', () => {
  const schema = record([
    { name: 'ID', type: 'long' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'kind', type: 'string', default: 'x' },
  ])
  expect(write('struct<id: int>', schema, [64])).toEqual([0x80, 0x01, 0, 2, 0x78])
})

test('a time without a word on its unit is written in milliseconds, as in Spark', () => {
  expect(write('timestamp', 'long', 64_999)).toEqual([0x80, 0x01])
  expect(write('timestamp', { type: 'long', logicalType: 'timestamp-micros' }, 64)).toEqual([
    0x80, 0x01,
  ])
  expect(write('timestamp', { type: 'long', logicalType: 'timestamp-millis' }, -1)).toEqual([1])
})

test('members of a struct are written as the union that they came from', () => {
  const schema = ['int', 'null', 'string']
  expect(write('struct<member0: int, member1: string>', schema, [null, 'a'])).toEqual([4, 2, 0x61])
  expect(write('struct<member0: int, member1: string>', schema, null)).toEqual([2])
})

test.each([
  ['string', 'int'],
  ['struct<a: int, b: int>', record([{ name: 'a', type: 'int' }])],
  [
    'struct<a: int>',
    record([
      { name: 'a', type: 'int' },
      { name: 'b', type: 'int' },
    ]),
  ],
  ['map<int, string>', { type: 'map', values: 'string' }],
  ['decimal(10,1)', decimal(2)],
  ['double', 'float'],
  ['int', ['null', 'string']],
])('%s cannot be written as %j', (ddl, schema) => {
  expect(() => write(ddl, schema, null)).toThrow('SCHEMAS_INCOMPATIBLE')
})

test.each<[string, unknown, Value]>([
  ['string', colors(['RED']), 'GREEN'],
  ['binary', fixed('F', 2), Uint8Array.of(1)],
  ['struct<a: int>', record([{ name: 'a', type: 'int' }]), [null]],
  ['struct<member0: int, member1: string>', ['int', 'string'], [null, null]],
  ['struct<member0: int, member1: string>', ['int', 'string'], null],
])('%s as %j does not hold %j', (ddl, schema, value) => {
  expect(() => write(ddl, schema, value)).toThrow('ENCODE_FAILED')
})

test('names that Avro does not have are not made up', () => {
  expect(() => avroSchemaOf(parseType('struct<`a b`: int>'), false)).toThrow('SCHEMA_TEXT_INVALID')
  expect(() => avroSchemaOf(parseType('map<int, int>'), false)).toThrow('DATATYPE_MISMATCH')
})
