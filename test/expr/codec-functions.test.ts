import { describe, expect, test } from 'vitest'
import { parseSchema } from '../../src/batch/ddl.ts'
import { typeDdl } from '../../src/batch/schema.ts'
import { isNullable } from '../../src/expr/expression.ts'
import { fold } from '../../src/expr/fold.ts'
import { expressionText } from '../../src/expr/print.ts'
import { resolvedSql, valueOfSql } from './sql.ts'

const columns = parseSchema('b BINARY, s STRING, n INT, o STRUCT<id: BIGINT>')
const order =
  '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":["null","string"],"default":null}]}'
const later =
  '{"type":"record","name":"Order","fields":[{"name":"note","type":["null","string"],"default":null},{"name":"kind","type":"string","default":"x"}]}'

describe('from_avro', () => {
  test.each([
    [`from_avro(unhex('8001'), '"long"')`, '64'],
    [`from_avro(unhex('800102026F'), '${order}')`, '{64, o}'],
    [`from_avro(NULL, '"long"')`, 'null'],
    // Spark passes over what stands behind a value, too.
    [`from_avro(unhex('0203'), '"int"')`, '1'],
    [`from_avro(unhex('800102026F'), '${order}', map('avroSchema', '${later}'))`, '{o, x}'],
    [`from_avro(unhex('80'), '"long"', map('mode', 'PERMISSIVE'))`, 'null'],
    [`from_avro(unhex('80'), '"long"', 'mode', 'permissive')`, 'null'],
    [`from_avro(unhex('0000000001'), '"int"', map('MODE', 'PERMISSIVE'))`, '0'],
    [`hex(to_avro(named_struct('id', 64L, 'note', 'o'), '${order}'))`, '800102026F'],
    [`hex(to_avro(64, '["null","int"]'))`, '028001'],
    [`hex(to_avro('a'))`, '0261'],
    [`to_avro(NULL, '"int"')`, 'null'],
    [`schema_of_avro('${order}')`, 'STRUCT<id: BIGINT, note: STRING>'],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })

  test('FAILFAST, which it is by itself, keeps what cannot be NULL; PERMISSIVE does not', () => {
    const strict = resolvedSql(`from_avro(b, '${order}')`, columns)
    expect(strict.type).toMatchObject({ fields: [{ nullable: false }, { nullable: true }] })
    const loose = resolvedSql(`from_avro(b, '${order}', map('mode', 'PERMISSIVE'))`, columns)
    expect(loose.type).toMatchObject({ fields: [{ nullable: true }, { nullable: true }] })
    expect(isNullable(loose)).toBe(true)
  })

  test.each([
    [`from_avro(unhex('80'), '"long"')`, 'DECODE_FAILED', 'it ends in the middle, after 1 bytes'],
    [`from_avro(unhex('80'), '"long"')`, 'DECODE_FAILED', `The row begins: X'80'`],
    [`from_avro(s, '"long"')`, 'DATATYPE_MISMATCH', 'BINARY'],
    ['from_avro(b, s)', 'DATATYPE_MISMATCH', 'a schema of Avro as JSON in a literal'],
    [`from_avro(b, '"long"', map('mode', s))`, 'DATATYPE_MISMATCH', 'options as constants'],
    [`from_avro(b, '"long"', 1)`, 'DATATYPE_MISMATCH', 'options as MAP<STRING,STRING>'],
    [`from_avro(b, '"long"', map('mode', 'DROPMALFORMED'))`, 'CONFIG_INVALID', 'mode'],
    [`from_avro(b, '"long"', map('modus', 'x'))`, 'OPTION_UNKNOWN', 'Did you mean mode?'],
    ['from_avro(b)', 'FUNCTION_ARGUMENTS', 'at least 2'],
    [`from_avro(b, 'long')`, 'SCHEMA_TEXT_INVALID', 'long'],
    [`from_avro(b, '"int"', map('avroSchema', '"string"'))`, 'SCHEMAS_INCOMPATIBLE', 'int'],
    [`to_avro(n, '"string"')`, 'SCHEMAS_INCOMPATIBLE', 'INT cannot become Avro string'],
    [`to_avro(n, '"int"', map('schema.registry.url', 'http://a'))`, 'CONFIG_INVALID', 'subject'],
    ['to_avro(n, s)', 'DATATYPE_MISMATCH', 'a schema of Avro as JSON in a literal'],
  ])('%s raises %s', mustRaise)

  test('bytes that go deeper than the stack are malformed, not the end of the process', () => {
    const node =
      '{"type":"record","name":"R","fields":[{"name":"n","type":{"type":"record","name":"N","fields":[{"name":"next","type":["N","null"]}]}}]}'
    const none = '{"type":"record","name":"R","fields":[]}'
    const deep = `unhex(repeat('00', 200000))`
    const call = (mode: string) =>
      `from_avro(${deep}, '${node}', map('avroSchema', '${none}', 'mode', '${mode}'))`
    expect(valueOfSql(call('PERMISSIVE'))).toBe('null')
    expect(() => valueOfSql(call('FAILFAST'))).toThrow('DECODE_FAILED')
  })
})

const proto = `syntax = "proto3"; message Order { int64 id = 1; string note = 2; }`

describe('from_protobuf', () => {
  test.each([
    [`from_protobuf(unhex('0840'), 'Order', '${proto}')`, '{64, null}'],
    [`from_protobuf(unhex('084012016F'), 'Order', '${proto}')`, '{64, o}'],
    [
      `from_protobuf(unhex('0840'), 'Order', '${proto}', map('emit.default.values', 'true'))`,
      '{64, }',
    ],
    [`from_protobuf(unhex('08'), 'Order', '${proto}', map('mode', 'PERMISSIVE'))`, 'null'],
    [`from_protobuf(NULL, 'Order', '${proto}')`, 'null'],
    [`hex(to_protobuf(named_struct('NOTE', 'o', 'id', 64), 'Order', '${proto}'))`, '084012016F'],
    [`hex(to_protobuf(named_struct('note', NULL, 'id', 0), 'Order', '${proto}'))`, ''],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })

  test.each([
    [`from_protobuf(unhex('08'), 'Order', '${proto}')`, 'DECODE_FAILED', 'it ends in the middle'],
    [`from_protobuf(s, 'Order', '${proto}')`, 'DATATYPE_MISMATCH', 'BINARY'],
    [`from_protobuf(b, s, '${proto}')`, 'DATATYPE_MISMATCH', 'the name of a message in a literal'],
    [`from_protobuf(b, 'Order', b)`, 'DATATYPE_MISMATCH', 'a descriptor set or a .proto text'],
    [`from_protobuf(b, 'Order', 1)`, 'DATATYPE_MISMATCH', 'a descriptor set or a .proto text'],
    [`from_protobuf(b, 'Ordr', '${proto}')`, 'SCHEMA_TEXT_INVALID', 'the nearest is Order'],
    [`from_protobuf(b, 'Order', 'message {')`, 'SCHEMA_TEXT_INVALID', 'Protobuf'],
    [
      `from_protobuf(b, 'Order', '${proto}', map('recursive.fields.max.depth', '11'))`,
      'CONFIG_INVALID',
      'a whole number from 1 to 10',
    ],
    [
      `from_protobuf(b, 'Order', '${proto}', map('enums.as.ints', 'maybe'))`,
      'CONFIG_INVALID',
      'true or false',
    ],
    [`from_protobuf(b, 'Order', '${proto}', map('x', 'y'))`, 'OPTION_UNKNOWN', 'from_protobuf'],
    [`to_protobuf(n, 'Order', '${proto}')`, 'DATATYPE_MISMATCH', 'STRUCT'],
    [
      `to_protobuf(named_struct('x', 1), 'Order', '${proto}')`,
      'SCHEMAS_INCOMPATIBLE',
      'Order has no field x',
    ],
  ])('%s raises %s', mustRaise)
})

const at = `'schema.registry.url', 'http://a'`

describe('JSON in the frame of a registry', () => {
  test.each([
    [`from_json(unhex('00000000077B2261223A317D'), 'a INT', map(${at}))`, '{1}'],
    [`from_json(unhex('7B2261223A317D'), 'a INT', map(${at}))`, '{null}'],
    [
      `from_json(unhex('7B2261223A317D'), 'a INT, _corrupt_record STRING', map(${at}))`,
      '{null, {"a":1}}',
    ],
    [`from_json(unhex('0000000007'), 'a INT', map(${at}))`, 'null'],
    [`from_json(unhex('00'), 'array<int>', map(${at}))`, 'null'],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })

  test('what is not framed fails where it should', () => {
    const strict = `from_json(unhex('7B7D'), 'a INT', map(${at}, 'mode', 'FAILFAST'))`
    expect(() => valueOfSql(strict)).toThrow('DECODE_FAILED')
    expect(() => resolvedSql(`from_json(s, 'a INT', map(${at}))`, columns)).toThrow('BINARY')
  })

  test('to_json makes BINARY of it, and asks for the schema that it registers', () => {
    const call = `to_json(o, map(${at}, 'subject', 's', 'jsonSchema', '{}'))`
    expect(typeDdl(resolvedSql(call, columns).type)).toBe('BINARY')
    const without = `to_json(named_struct('a', 1), map(${at}, 'subject', 's'))`
    expect(() => valueOfSql(without)).toThrow('jsonSchema')
    // Nobody waits here.
    const full = `to_json(named_struct('a', 1), map(${at}, 'subject', 's', 'jsonSchema', '{}'))`
    expect(() => valueOfSql(full)).toThrow('EXPRESSION_MISPLACED')
  })
})

describe('plans and names of columns', () => {
  const secret = `'schema.registry.basic.auth.user.info', 'ada:pa55'`

  test.each([
    `from_avro(b, '"int"', map(${secret}, ${at}))`,
    `from_avro(b, '"int"', ${at}, ${secret})`,
    `from_json(b, 'a INT', map(${at}, ${secret}))`,
    `from_json(b, 'a INT', map('SCHEMA.REGISTRY.BASIC.AUTH.USER.INFO', 'ada:pa55', ${at}))`,
  ])('%s does not show its secret', (sql) => {
    const expression = resolvedSql(sql, columns)
    const option = /schema\.registry\.basic\.auth\.user\.info/i
    expect(expressionText(expression)).toMatch(option)
    expect(expressionText(expression)).not.toContain('pa55')
    // As plans have it, in which options are one constant.
    expect(expressionText(fold(expression))).toMatch(option)
    expect(expressionText(fold(expression))).not.toContain('pa55')
  })

  test('long schemas end after their beginning, and still tell each other apart', () => {
    const [one, other] = [order, later].map((schema) =>
      expressionText(resolvedSql(`from_avro(b, '${schema}')`, columns)),
    )
    expect(one).toMatch(
      /^from_avro\(b, '\{"type":"record","name":"Order","fields".{0,10}… #[0-9a-f]{8}\)$/,
    )
    expect(one?.slice(0, 40)).toBe(other?.slice(0, 40))
    expect(one).not.toBe(other)
  })
})

function mustRaise(sql: string, code: string, why: string): void {
  const value = () => {
    const expression = resolvedSql(sql, columns)
    return expression.kind === 'call' && valueOfSql(sql)
  }
  expect(value).toThrow(code)
  expect(value).toThrow(why)
}
