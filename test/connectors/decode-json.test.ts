import { expect, test } from 'vitest'
import { parseSchema } from '../../src/batch/ddl.ts'
import type { DecodeMode } from '../../src/batch/line-decoder.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { StreamError } from '../../src/core/error.ts'
import { jsonDecoder } from '../../src/json/decoder.ts'

function decode(schema: string, lines: readonly string[], mode: DecodeMode = 'PERMISSIVE') {
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
  const decoder = jsonDecoder({
    columns: parseSchema(schema),
    mode,
    corruptColumn: '_corrupt_record',
  })
  decoder.begin('in/one.json', true)
  expect(decoder.decode(bytes, 0, bytes.length, 1000)).toBe(bytes.length)
  return decoder.finish()
}

function rows(schema: string, lines: readonly string[], mode?: DecodeMode): Value[][] {
  return rowsOf(decode(schema, lines, mode))
}

test('whole numbers keep every digit, beyond 2^53 too', () => {
  const lines = ['{"a":9007199254740993}', '{"a":-9223372036854775808}', '{"a":7}']
  expect(rows('a LONG', lines)).toEqual([[9007199254740993n], [-9223372036854775808n], [7n]])
  expect(decode('a LONG', lines).columns[0]?.layout).toBe('i64')
  expect(decode('a LONG', ['{"a":7}']).columns[0]?.layout).toBe('f64')
})

test('a number outside of its type, a fraction or a text in its place is NULL and makes the row a bad one', () => {
  const lines = ['{"a":300,"b":1}', '{"a":1.5,"b":2}', '{"a":"1","b":3}', '{"a":-128,"b":4}']
  expect(rows('a BYTE, b INT, _corrupt_record STRING', lines)).toEqual([
    [null, 1, '{"a":300,"b":1}'],
    [null, 2, '{"a":1.5,"b":2}'],
    [null, 3, '{"a":"1","b":3}'],
    [-128, 4, null],
  ])
})

test('text that is no JSON nulls the row and is kept in the column for bad rows', () => {
  const lines = ['{"a":1,"b":', '', '{"a":2}', '12']
  expect(rows('a INT, _corrupt_record STRING', lines)).toEqual([
    [null, '{"a":1,"b":'],
    [2, null],
    [null, '12'],
  ])
})

test('a value never goes on in the next line', () => {
  const halves = (type: string, first: string, second: string): Value[][] =>
    rows(`a ${type}, b INT`, [`{"a":${first}`, `${second},"b":1}`, '{"b":2}'])
  const expected = [
    [null, null],
    [null, null],
    [null, 2],
  ]
  for (const type of ['TIMESTAMP', 'DATE', 'DECIMAL(10,2)', 'INT', 'DOUBLE', 'STRING']) {
    expect(halves(type, '', '0')).toEqual(expected)
    expect(halves(type, '', '"1970-01-01"')).toEqual(expected)
  }
  expect(halves('ARRAY<INT>', '[1,', '2]')).toEqual(expected)
  expect(halves('MAP<STRING, INT>', '{"k":1', '}')).toEqual(expected)
  expect(halves('STRUCT<c: INT>', '{"c":1', '}')).toEqual(expected)
})

test('mode DROPMALFORMED leaves bad rows out', () => {
  expect(rows('a INT', ['{"a":"x"}', '{"a":2}', '{'], 'DROPMALFORMED')).toEqual([[2]])
})

test('mode FAILFAST names the file, the column and the row', () => {
  const attempt = () => rows('a INT', ['{"a":1}', '{"a":"x"}'], 'FAILFAST')
  expect(attempt).toThrow(StreamError)
  expect(attempt).toThrow(/DECODE_FAILED.*in\/one\.json.*a is not int: "x"/)
})

test('times are ISO text or whole seconds', () => {
  const lines = [
    '{"t":"2016-03-27T09:00:05.000Z"}',
    '{"t":"2016-03-27 09:00:05.123456"}',
    '{"t":"2016-03-27T11:00:05+02:00"}',
    '{"t":"2016-03-27"}',
    '{"t":1459069205}',
    '{"t":"2016-03-27T24:00:00Z"}',
    '{"t":"2016-02-30T00:00:00Z"}',
    '{"t":"never, and long enough to be read as a time"}',
  ]
  const nineOClock = Date.UTC(2016, 2, 27, 9, 0, 5) * 1000
  expect(rows('t TIMESTAMP', lines)).toEqual([
    [nineOClock],
    [nineOClock + 123_456],
    [nineOClock],
    [Date.UTC(2016, 2, 27) * 1000],
    [nineOClock],
    [null],
    [null],
    [null],
  ])
})

test('only the parts of a struct that are asked for are read, in any order of keys', () => {
  const lines = [
    '{"n":{"skip":[1,{"b":2}],"b":"x","a":1},"z":null}',
    '{ "z" : 5 , "n" : { "a" : 2 , "b" : "y" } }',
    '{"n":null}',
    '{"n":{}}',
  ]
  expect(rows('n STRUCT<a: INT, b: STRING>', lines)).toEqual([
    [[1, 'x']],
    [[2, 'y']],
    [null],
    [[null, null]],
  ])
})

test('escapes, surrogate pairs and long texts arrive as written', () => {
  const long = 'é'.repeat(5000)
  const lines = ['{"s":"\\u00e9\\n\\"\\/\\ud83d\\ude00"}', `{"s":"${long}"}`, '{"s":"\\ud800!"}']
  expect(rows('s STRING', lines)).toEqual([['é\n"/😀'], [long], ['\ufffd!']])
})

test('of a repeated key the last value counts', () => {
  expect(rows('a INT, b INT', ['{"a":1,"b":2,"a":3}'])).toEqual([[3, 2]])
})

test('a root array is one row per element', () => {
  expect(rows('a INT', ['{"a":0}', '[{"a":1},{"a":2}]', '[]'])).toEqual([[0], [1], [2]])
})

test('a text column takes any other value as its JSON text', () => {
  const lines = ['{"s":{"a" : [1, "x"]}}', '{"s":1.50}', '{"s":true}']
  expect(rows('s STRING', lines)).toEqual([['{"a":[1,"x"]}'], ['1.50'], ['true']])
})

test('nested arrays and maps, decimals and binary are read by their types', () => {
  const line = '{"l":[[1],[],null],"m":{"k":1.25},"d":"2.345","x":"aGk="}'
  expect(
    rows('l ARRAY<ARRAY<LONG>>, m MAP<STRING, DOUBLE>, d DECIMAL(5,2), x BINARY', [line]),
  ).toEqual([[[[1n], [], null], { entries: [['k', 1.25]] }, 235n, Uint8Array.of(104, 105)]])
})

test('an order of keys that changes is learned anew and changes no row', () => {
  const first = Array.from({ length: 300 }, (_, n) => `{"a":${n},"b":"x${n}","c":${n}.5}`)
  const then = Array.from(
    { length: 300 },
    (_, n) => `{"c":${n}.5,"new":[${n}],"b":"x${n}","a":${n}}`,
  )
  const expected = [...first, ...then].map((_, n) => [
    BigInt(n % 300),
    `x${n % 300}`,
    (n % 300) + 0.5,
  ])
  expect(rows('a LONG, b STRING, c DOUBLE', [...first, ...then])).toEqual(expected)
})
