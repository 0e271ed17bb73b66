import { describe, expect, test } from 'vitest'
import { valueOfSql } from './sql.ts'

describe('from_json reads by its schema; what does not fit is NULL', () => {
  test.each([
    [`from_json('{"a":1, "b":0.8}', 'a INT, b DOUBLE')`, '{1, 0.8}'],
    [
      `from_json('{"time":"26/08/2015"}', 'time TIMESTAMP', map('timestampFormat', 'dd/MM/yyyy'))`,
      '{2015-08-26 00:00:00}',
    ],
    [`from_json('{"a":9007199254740993}', 'a LONG').a`, '9007199254740993'],
    [`from_json('{"a":12345678901234567890.12}', 'a DECIMAL(22,2)').a`, '12345678901234567890.12'],
    [`from_json('{"a":9223372036854775808}', 'a LONG').a`, 'null'],
    [`from_json('{"a":1}', 'a INT, b STRING')`, '{1, null}'],
    [`from_json('{"a":"x","b":"y"}', 'a INT, b STRING')`, '{null, y}'],
    [`from_json('{"a":', 'a INT, b STRING')`, '{null, null}'],
    [`from_json('[1]', 'a INT')`, '{null}'],
    [`from_json('', 'a INT')`, 'null'],
    [`from_json(NULL, 'a INT')`, 'null'],
    [`from_json('[1, 2, null]', 'array<int>')`, '[1, 2, null]'],
    [`from_json('{"x":1}', 'array<struct<x:int>>')`, '[{1}]'],
    [`from_json('[1,', 'array<int>')`, 'null'],
    [`from_json('{"k":1,"l":2}', 'map<string,int>')`, '{k -> 1, l -> 2}'],
    [
      `from_json('{"s":{"t":[{"u":true}]}}', 's STRUCT<t: ARRAY<STRUCT<u: BOOLEAN>>>').s.t[0].u`,
      'true',
    ],
    [`from_json('{"a":{"x": [1, 2]}}', 'a STRING').a`, '{"x":[1,2]}'],
    [`from_json('{"a":1,"a":2}', 'a INT').a`, '2'],
    [`from_json('{"a":"NaN"}', 'a DOUBLE').a`, 'NaN'],
    [`from_json('{"a":"toString"}', 'a DOUBLE').a`, 'null'],
    [
      `from_json('{"d":"2016-03-27","t":"2016-03-27T09:00:05.5+02:00"}', 'd DATE, t TIMESTAMP')`,
      '{2016-03-27, 2016-03-27 07:00:05.5}',
    ],
    [`from_json('{"a":"x"}', 'a INT, _corrupt_record STRING')._corrupt_record`, '{"a":"x"}'],
    [`from_json('{"a":1}', 'a INT, _corrupt_record STRING')._corrupt_record`, 'null'],
    [String.raw`from_json('{"a":"\\u00e9\\n\\ud834\\udd1e"}', 'a STRING').a`, 'é\n𝄞'],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })
})

describe('to_json writes what Spark writes', () => {
  test.each([
    ["to_json(named_struct('a', 1, 'b', 2))", '{"a":1,"b":2}'],
    [
      "to_json(named_struct('time', to_timestamp('2015-08-26', 'yyyy-MM-dd')), map('timestampFormat', 'dd/MM/yyyy'))",
      '{"time":"26/08/2015"}',
    ],
    ["to_json(array(named_struct('a', 1, 'b', 2)))", '[{"a":1,"b":2}]'],
    ["to_json(map('a', named_struct('b', 1)))", '{"a":{"b":1}}'],
    [
      "to_json(named_struct('t', TIMESTAMP '2016-03-27 09:00:05'))",
      '{"t":"2016-03-27T09:00:05.000Z"}',
    ],
    [
      "to_json(named_struct('t', TIMESTAMP '2016-03-27 09:00:05.123456'))",
      '{"t":"2016-03-27T09:00:05.123456Z"}',
    ],
    ["to_json(named_struct('a', CAST(NULL AS INT), 'b', 2))", '{"b":2}'],
    ['to_json(array(1, NULL))', '[1,null]'],
    [
      "to_json(named_struct('a', 9007199254740993L, 'b', 1.50, 'c', 1D))",
      '{"a":9007199254740993,"b":1.50,"c":1.0}',
    ],
    [String.raw`to_json(named_struct('a', 'x"y\\z'))`, String.raw`{"a":"x\"y\\z"}`],
    ['to_json(CAST(NULL AS STRUCT<a: INT>))', 'null'],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })
})

describe('get_json_object follows a path', () => {
  test.each([
    [`get_json_object('{"a":"b"}', '$.a')`, 'b'],
    [`get_json_object('{"a":{"b":[1,{"c":2}]}}', '$.a.b[0]')`, '1'],
    [`get_json_object('{"a":{"b":[1,{"c": 2}]}}', '$.a.b[1]')`, '{"c":2}'],
    [`get_json_object('{"a b":1}', '$[\\'a b\\']')`, '1'],
    [`get_json_object('[{"a":"b"},{"a":"c"}]', '$[*].a')`, '["b","c"]'],
    [`get_json_object('{"a":12345678901234567890}', '$.a')`, '12345678901234567890'],
    [`get_json_object('{"a":null}', '$.a')`, 'null'],
    [`get_json_object('{"a":1}', '$.b')`, 'null'],
    [`get_json_object('{"a":1', '$.a')`, 'null'],
    [`get_json_object('{"a":1}', 'a')`, 'null'],
    [`get_json_object('{"a":1}', '$')`, '{"a":1}'],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })
})

describe('from_csv and to_csv', () => {
  test.each([
    ["from_csv('1, 0.8', 'a INT, b DOUBLE')", '{1, 0.8}'],
    [
      "from_csv('26/08/2015', 'time TIMESTAMP', map('timestampFormat', 'dd/MM/yyyy'))",
      '{2015-08-26 00:00:00}',
    ],
    [`from_csv('"a,b",,""', 'x STRING, y STRING, z STRING')`, '{a,b, null, }'],
    ["from_csv('x;1', 'a STRING, b LONG', map('sep', ';'))", '{x, 1}'],
    ["from_csv('x', 'a INT, b STRING')", '{null, null}'],
    ["from_csv('9007199254740993', 'a LONG').a", '9007199254740993'],
    ["to_csv(named_struct('a', 1, 'b', 2))", '1,2'],
    ["to_csv(named_struct('a', 'x,y', 'b', CAST(NULL AS INT), 'c', ''))", '"x,y",,""'],
    [
      "to_csv(named_struct('time', to_timestamp('2015-08-26', 'yyyy-MM-dd')), map('timestampFormat', 'dd/MM/yyyy'))",
      '26/08/2015',
    ],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })
})

describe('what cannot be read at all is an error', () => {
  test.each([
    [`from_json('{"a":"x"}', 'a INT', map('mode', 'FAILFAST'))`, 'DECODE_FAILED'],
    [`from_json('{', 'array<int>', map('mode', 'FAILFAST'))`, 'DECODE_FAILED'],
    ["from_csv('x', 'a INT', map('mode', 'FAILFAST'))", 'DECODE_FAILED'],
    ["from_json('{}', 'a INT', map('mode', 'DROPMALFORMED'))", 'CONFIG_INVALID'],
    ["from_json('{}', concat('a', ' INT'))", 'DATATYPE_MISMATCH'],
    ["from_json('{}', 'a WRONGTYPE')", 'SCHEMA_INVALID'],
    ["from_json('{}', 'int')", 'DATATYPE_MISMATCH'],
    ["from_csv('1', 'array<int>')", 'DATATYPE_MISMATCH'],
    ['to_json(1)', 'DATATYPE_MISMATCH'],
  ])('%s raises %s', (sql, code) => {
    expect(() => valueOfSql(sql)).toThrow(expect.objectContaining({ code }))
  })
})
