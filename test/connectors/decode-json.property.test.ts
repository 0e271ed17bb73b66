import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Column } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import type { LineDecoder } from '../../src/batch/line-decoder.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Schema } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { jsonDecoder } from '../../src/json/decoder.ts'
import { type JsonDecoderOptions, referenceJsonDecoder } from '../../src/json/reference.ts'

const encoder = new TextEncoder()

function decodeAll(
  decoder: LineDecoder,
  bytes: Uint8Array,
  rowLimit: number,
  counts = { leftOut: 0 },
): Value[][] {
  const rows: Value[][] = []
  decoder.begin('test', true)
  let at = 0
  while (at < bytes.length) {
    at = decoder.decode(bytes, at, bytes.length, rowLimit)
    const batch = decoder.finish()
    counts.leftOut += batch.leftOut ?? 0
    batch.schema.forEach(({ type }, index) => {
      const column = batch.columns[index]
      if (column !== undefined) checkColumn(type.kind, column)
    })
    rows.push(...rowsOf(batch))
  }
  return rows
}

/** What equal values do not show: texts are UTF-8, and whole numbers have no negative zero. */
function checkColumn(kind: string, column: Column): void {
  if (column.layout === 'bytes' && kind === 'string') expect(isUtf8(column.data)).toBe(true)
  if (column.layout === 'f64' && kind === 'long') {
    expect(column.values.some((value) => Object.is(value, -0))).toBe(false)
  }
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
    '"plain text \x1f and more"',
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

/** Mostly what the columns want, so that the scanner's own path is taken, with now and then a value it must refuse. */
const nearly = (fit: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 8, arbitrary: fit },
    { weight: 1, arbitrary: numbers },
    { weight: 1, arbitrary: strings },
  )
const times = fc
  .date({ min: new Date('1800-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => JSON.stringify(date))
const fits: Readonly<Record<string, fc.Arbitrary<string>>> = {
  a: nearly(fc.integer({ min: -128, max: 127 }).map(String)),
  b: nearly(fc.string({ maxLength: 20 }).map((text) => JSON.stringify(text))),
  c: nearly(
    fc.oneof(
      times,
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.constantFrom('1.', '-1.', '1.e5', '0.5E-3', '-', '00.5'),
    ),
  ),
  d: nearly(fc.constantFrom('true', 'false', 'null', 'tru', 'falsE')),
  e: nearly(fc.constantFrom('"2020-02-29"', '"2021-02-29"', '"2020"')),
  t: nearly(fc.oneof(times, clockTexts())),
  n: fc.constantFrom(
    '{"a":1,"b":"x"}',
    '{"b":"y","n":{"d":true,"c":"2020-01-01T00:00:00Z"}}',
    '{"l":[{"a":1},{"a":"no"}],"a":3}',
    '{"a":1,"a":2}',
    '{}',
    'null',
    '[]',
  ),
  l: fc.constantFrom('[1,2,3]', '[]', 'null', '[1,"a"]', '[9007199254740993]'),
  m: fc.constantFrom('{"k":1.5}', '{}', '{"k":1,"k":2}'),
  x: nearly(fc.constantFrom('[{"y":"]"}]', '"skip"', '-1.5e3', '{"a":{"b":[1, 2 ]}}')),
}

function clockTexts(): fc.Arbitrary<string> {
  const part = fc.constantFrom('01', '01', '00', '12', '13', '23', '24', '28', '59', '60', '0x')
  const tail = fc.constantFrom('', 'Z', '.5', '.123456Z', '.1234567Z', '.Z', '+01:00')
  return fc
    .tuple(part, part, part, part, part, tail)
    .map(([month, day, hour, minute, second, end]) => {
      return `"2020-${month}-${day}T${hour}:${minute}:${second}${end}"`
    })
}

/** Keys in any order, some twice, some written with an escape. */
const fitting = fc
  .array(
    fc
      .constantFrom(...Object.keys(fits))
      .chain((name) =>
        fc.tuple(
          fc.oneof(
            { weight: 12, arbitrary: fc.constant(name) },
            { weight: 1, arbitrary: fc.constant(`\\u00${name.charCodeAt(0).toString(16)}`) },
          ),
          fits[name] ?? fc.constant('0'),
        ),
      ),
    { maxLength: 6 },
  )
  .map((fields) => `{${fields.map(([name, text]) => `"${name}":${text}`).join(',')}}`)

/** Bytes at the edges of what a text may hold as it is. */
const edgeBytes = fc.constantFrom(0x0a, 0x1f, 0x20, 0x22, 0x5c, 0x7f, 0x80)

const mangled = fc
  .tuple(fitting, fc.nat(), fc.oneof(fc.integer({ min: 0, max: 255 }), edgeBytes))
  .map(([text, at, byte]) => {
    const bytes = Uint8Array.from(encoder.encode(text))
    bytes[at % bytes.length] = byte
    return bytes
  })

/** Two lines that would be one if line feeds were white space. */
const broken = fc.tuple(fitting, fc.nat()).map(([text, place]) => {
  const bytes = encoder.encode(text)
  const at = place % bytes.length
  return concat([bytes.subarray(0, at), Uint8Array.of(10), bytes.subarray(at)])
})

const line = fc.oneof(
  { weight: 4, arbitrary: fitting.map((text) => encoder.encode(text)) },
  { weight: 2, arbitrary: value.map((text) => encoder.encode(text)) },
  { weight: 2, arbitrary: mangled },
  { weight: 1, arbitrary: broken },
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
    { numRuns: 2500 },
  )
})

/** Lines of a few small values, so that rows are alike and every column leaves something to undo. */
const usual = fc
  .array(
    fc.record(
      {
        a: fc.constantFrom('0', '1'),
        b: fc.constantFrom('"x"', '"yy"'),
        d: fc.constantFrom('true', 'false'),
        l: fc.constantFrom('[1]', '[2,3]'),
      },
      { requiredKeys: [] },
    ),
    { maxLength: 12 },
  )
  .map((lines) =>
    encoder.encode(
      lines
        .map((fields) => Object.entries(fields).map(([name, text]) => `"${name}":${text}`))
        .map((fields) => `{${fields.join(',')}}\n`)
        .join(''),
    ),
  )

/** Columns whose values are compared as they are. */
const comparable = new Set(['byte', 'short', 'int', 'long', 'string', 'boolean'])

test('rows that nobody wants may be missing, and are counted', () => {
  let leftOut = 0
  let kept = 0
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(document, fc.constantFrom(...schemas)),
        fc.tuple(usual, fc.constant('a INT, b STRING, d BOOLEAN, l ARRAY<LONG>')),
      ),
      fc.constantFrom('PERMISSIVE' as const, 'DROPMALFORMED' as const),
      fc.integer({ min: 1, max: 5 }),
      // Columns by number, with the values of rows by number.
      fc.array(fc.tuple(fc.nat(), fc.array(fc.nat({ max: 12 }), { maxLength: 34 })), {
        minLength: 1,
        maxLength: 2,
      }),
      ([bytes, schema], mode, rowLimit, choices) => {
        const columns = parseSchema(schema)
        const options: JsonDecoderOptions = { columns, mode, corruptColumn: '_corrupt_record' }
        const all = decodeAll(referenceJsonDecoder(options), bytes, 1000)
        const plain = [...columns.keys()].filter((at) => comparable.has(typeAt(columns, at)))
        fc.pre(plain.length > 0)
        const wanted = choices.map(([choice, rows]) => {
          const at = plain[choice % plain.length] ?? 0
          const values = rows.map((row): Value => all[row % all.length]?.[at] ?? null)
          return {
            at,
            column: columns[at]?.name ?? '',
            values: values.filter((one) => one !== null),
          }
        })
        const isWanted = (row: readonly Value[]) =>
          wanted.every(({ at, values }) => values.some((one) => one === row[at]))
        const counts = { leftOut: 0 }
        const some = decodeAll(jsonDecoder({ ...options, wanted }), bytes, rowLimit, counts)
        expect(some.filter(isWanted)).toEqual(all.filter(isWanted))
        expect(some.length + counts.leftOut).toBe(all.length)
        leftOut += counts.leftOut
        kept += some.filter(isWanted).length
      },
    ),
    { numRuns: 2500 },
  )
  expect(leftOut).toBeGreaterThan(1000)
  expect(kept).toBeGreaterThan(500)
})

function typeAt(columns: Schema, at: number): string {
  return columns[at]?.type.kind ?? ''
}

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
