import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { jsonDecoder } from '../../src/connectors/decode-json.ts'
import {
  type JsonDecoderOptions,
  referenceJsonDecoder,
} from '../../src/connectors/decode-json-reference.ts'
import type { LineDecoder } from '../../src/connectors/line-decoder.ts'

const encoder = new TextEncoder()

function decodeAll(decoder: LineDecoder, bytes: Uint8Array, rowLimit: number): Value[][] {
  const rows: Value[][] = []
  decoder.begin('test', true)
  let at = 0
  while (at < bytes.length) {
    at = decoder.decode(bytes, at, bytes.length, rowLimit)
    rows.push(...rowsOf(decoder.finish()))
  }
  return rows
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

const schemas = [
  'a LONG, b STRING, c DOUBLE',
  'b STRING, n STRUCT<a: LONG, b: STRING, n: STRUCT<c: TIMESTAMP, d: BOOLEAN>>, _corrupt_record STRING',
  'a INT, c FLOAT, d BOOLEAN, t TIMESTAMP, e DATE, f DECIMAL(10,2), g BINARY',
  'l ARRAY<LONG>, m MAP<STRING, DOUBLE>, n STRUCT<l: ARRAY<STRUCT<a: INT>>, a: SHORT>',
  'a BYTE, b STRING, _corrupt_record STRING',
  'b LONG',
]

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'l', 'm', 'n', 't', 'x', 'ab', 'é', 'q"']

const numbers = fc.oneof(
  fc.integer().map(String),
  fc.integer({ min: -200, max: 200 }).map(String),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom(
    '0',
    '-0',
    '00',
    '01',
    '1.',
    '.5',
    '1e5',
    '1E+2',
    '-',
    '1e',
    '123456789012345',
    '1234567890123456',
    '9007199254740993',
    '0.1234567890123456789',
    '1.5e300',
    '1e999',
  ),
)

const strings = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"2016-03-27T09:00:05.000Z"',
    '"2016-03-27 09:00:05"',
    '"2016-02-30T00:00:00Z"',
    '"2016-03-27T09:00:05.1234567Z"',
    '"2016-03-27T09:00:05+02:00"',
    '"2016-03-27"',
    '"1.25"',
    '"NaN"',
    '"-Infinity"',
    '"aGVsbG8="',
    '""',
    '"\\u0041\\ud83d\\ude00"',
    '"\\ud800"',
    '"\\ud800\\u0041"',
    '"\\u00zz"',
    '"\\x"',
    '"a\tb"',
    '"\\/\\n\\""',
    '"unfinished',
    `"${'long '.repeat(40)}"`,
  ),
)

const space = fc.constantFrom('', '', '', ' ', '\t', ' \r ')

/** JSON texts of every kind, some of them broken. */
const { value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  object: fc
    .array(fc.tuple(fc.constantFrom(...names), tie('value'), space), { maxLength: 6 })
    .chain((entries) =>
      space.map((gap) => {
        const inner = entries.map(
          ([name, item, pad]) => `${pad}${JSON.stringify(name)}${gap}:${gap}${item}${pad}`,
        )
        return `{${gap}${inner.join(',')}${gap}}`
      }),
    ),
  array: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' ,')}]`),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    numbers,
    strings,
    fc.constantFrom('null', 'true', 'false', 'nul', 'True', 'falsey', ''),
    tie('object'),
    tie('array'),
  ),
}))

/** Objects whose values fit their columns often, so that the scanner's own path is taken. */
const fitting = fc
  .record(
    {
      a: fc.integer({ min: -128, max: 127 }).map(String),
      b: fc.string({ maxLength: 20 }).map((text) => JSON.stringify(text)),
      c: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      d: fc.constantFrom('true', 'false'),
      t: fc
        .date({ min: new Date('1800-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
        .map((date) => JSON.stringify(date)),
      n: fc.constantFrom(
        '{"a":1,"b":"x"}',
        '{"b":"y","n":{"d":true,"c":"2020-01-01T00:00:00Z"}}',
        '{}',
        'null',
      ),
      l: fc.constantFrom('[1,2,3]', '[]', 'null'),
      m: fc.constantFrom('{"k":1.5}', '{}'),
      x: fc.constantFrom('[{"y":"]"}]', '"skip"', '-1.5e3'),
    },
    { requiredKeys: [] },
  )
  .map(
    (fields) =>
      `{${Object.entries(fields)
        .map(([name, text]) => `"${name}":${text}`)
        .join(',')}}`,
  )

const mangled = fc
  .tuple(fitting, fc.nat(), fc.integer({ min: 0, max: 255 }))
  .map(([text, at, byte]) => {
    const bytes = Uint8Array.from(encoder.encode(text))
    bytes[at % bytes.length] = byte
    return bytes
  })

const line = fc.oneof(
  { weight: 4, arbitrary: fitting.map((text) => encoder.encode(text)) },
  { weight: 2, arbitrary: value.map((text) => encoder.encode(text)) },
  { weight: 2, arbitrary: mangled },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }) },
)

const document = fc
  .array(line, { maxLength: 12 })
  .map((lines) => concat(lines.flatMap((bytes) => [bytes, Uint8Array.of(10)])))

test('the scanner gives the rows of the reference for any bytes, split anywhere', () => {
  fc.assert(
    fc.property(
      document,
      fc.constantFrom(...schemas),
      fc.constantFrom('PERMISSIVE' as const, 'DROPMALFORMED' as const),
      fc.integer({ min: 1, max: 5 }),
      (bytes, schema, mode, rowLimit) => {
        const options: JsonDecoderOptions = {
          columns: parseSchema(schema),
          mode,
          corruptColumn: '_corrupt_record',
        }
        const fast = decodeAll(jsonDecoder(options), bytes, rowLimit)
        const slow = decodeAll(referenceJsonDecoder(options), bytes, 1000)
        expect(fast).toEqual(slow)
      },
    ),
    { numRuns: 1500 },
  )
})

test('a line is malformed exactly if JSON.parse refuses it or its root is no object', () => {
  fc.assert(
    fc.property(line, (bytes) => {
      fc.pre(!bytes.includes(10))
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
      const decoder = jsonDecoder({
        columns: parseSchema('zz STRING'),
        mode: 'DROPMALFORMED',
        corruptColumn: '_corrupt_record',
      })
      const rows = decodeAll(decoder, concat([bytes, Uint8Array.of(10)]), 100).length
      expect(rows).toBe(rowsByJsonParse(text))
    }),
    { numRuns: 1500 },
  )
})

function rowsByJsonParse(text: string): number {
  try {
    const root: unknown = JSON.parse(text)
    const roots = Array.isArray(root) ? root : [root]
    return roots.filter((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
      .length
  } catch {
    return 0
  }
}
