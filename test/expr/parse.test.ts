import { describe, expect, test } from 'vitest'
import { type Schema, typeText } from '../../src/batch/schema.ts'
import { StreamError } from '../../src/core/error.ts'
import { defaultName } from '../../src/expr/names.ts'
import { parseExpression, parseSelectItem } from '../../src/expr/parse.ts'
import { resolvedSql, valueOfSql } from './sql.ts'

describe('operators bind as in Spark', () => {
  test.each([
    ['1 + 2 * 3', '7'],
    ['(1 + 2) * 3', '9'],
    ['5 - 3 - 1', '1'],
    ['8 div 2 div 2', '2'],
    ['-2 + 3', '1'],
    ['- (2 + 3)', '-5'],
    ['1 + 1 = 2', 'true'],
    ['NOT true OR true', 'true'],
    ['NOT (true OR true)', 'false'],
    ['NOT 1 = 2', 'true'],
    ['true OR false AND false', 'true'],
    ['2 BETWEEN 1 AND 3 AND false', 'false'],
    ['2 NOT BETWEEN 1 AND 3', 'false'],
    ['1 + 2 | 4', '7'],
    ['1 | 2 = 3', 'true'],
    ["'a' || 'b' = 'ab'", 'true'],
    ['2 * 3 % 4', '2'],
    ['NULL IS NULL = true', 'true'],
  ])('%s is %s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })
})

describe('a literal has the smallest type that Spark gives it', () => {
  test.each([
    ['1', 'int'],
    ['2147483648', 'bigint'],
    ['-2147483648', 'int'],
    ['9223372036854775808', 'decimal(19,0)'],
    ['1L', 'bigint'],
    ['1S', 'smallint'],
    ['1Y', 'tinyint'],
    ['1.5', 'decimal(2,1)'],
    ['0.05', 'decimal(2,2)'],
    ['.5', 'decimal(1,1)'],
    ['1.5D', 'double'],
    ['1e3', 'double'],
    ['1.5F', 'float'],
    ['1BD', 'decimal(1,0)'],
    ["'text'", 'string'],
    ["DATE '2016-03-27'", 'date'],
    ["TIMESTAMP '2016-03-27 09:00:00'", 'timestamp'],
    ['NULL', 'void'],
    ['true', 'boolean'],
  ])('%s is %s', (sql, type) => {
    expect(typeText(resolvedSql(sql).type)).toBe(type)
  })
})

describe('text literals', () => {
  test.each([
    ["'it''s'", "it's"],
    [String.raw`'it\'s'`, "it's"],
    ['"double"', 'double'],
    [String.raw`'tab\tend'`, 'tab\tend'],
    [String.raw`'\u0041'`, 'A'],
    [String.raw`'back\\slash'`, 'back\\slash'],
    ["'a -- b'", 'a -- b'],
    ["'x' -- comment", 'x'],
    ["/* before */ 'x'", 'x'],
  ])('%s', (sql, value) => {
    expect(valueOfSql(sql)).toBe(value)
  })
})

describe('a syntax error says where', () => {
  test.each([
    ['1 +', 3],
    ['a b', 2],
    ['(1', 2],
    ['1 ? 2', 2],
    ["'open", 0],
    ['CASE WHEN a THEN 1', 18],
    ['CAST(a AS )', 10],
    ['a BETWEEN 1 OR 2', 12],
    ['f(a,)', 4],
    ['', 0],
  ])('%s at %i', (sql, position) => {
    const details = expect.objectContaining({ position, text: sql })
    expect(() => parseExpression(sql)).toThrow(
      expect.objectContaining({ code: 'PARSE_ERROR', details }),
    )
  })
})

const schema: Schema = [
  { name: 'amount', type: { kind: 'int' }, nullable: true },
  { name: 'name', type: { kind: 'string' }, nullable: true },
  { name: 'Twice', type: { kind: 'int' }, nullable: true },
  { name: 'twice', type: { kind: 'int' }, nullable: true },
  {
    name: 'list',
    type: { kind: 'array', element: { kind: 'int' }, containsNull: true },
    nullable: true,
  },
  {
    name: 'place',
    type: { kind: 'struct', fields: [{ name: 'city', type: { kind: 'string' }, nullable: true }] },
    nullable: true,
  },
]

function errorOf(sql: string): StreamError {
  try {
    resolvedSql(sql, schema)
  } catch (error) {
    if (error instanceof StreamError) return error
    throw error
  }
  throw new Error(`${sql} resolves`)
}

describe('what does not resolve is named, with the nearest that would', () => {
  test.each([
    ['amonut + 1', 'COLUMN_NOT_FOUND', 'amount'],
    ['place.citi', 'COLUMN_NOT_FOUND', 'city'],
    ['uper(name)', 'FUNCTION_NOT_FOUND', 'upper'],
    ['twice + 1', 'AMBIGUOUS_COLUMN', 'twice'],
    ['upper(name, name)', 'FUNCTION_ARGUMENTS', '1 arguments'],
    ['list + 1', 'DATATYPE_MISMATCH', 'ARRAY<INT>'],
    ['upper(list)', 'DATATYPE_MISMATCH', 'STRING'],
    ['size(name)', 'DATATYPE_MISMATCH', 'ARRAY or MAP'],
    ['window_time(place)', 'DATATYPE_MISMATCH', 'a window'],
    ['CAST(list AS INT)', 'DATATYPE_MISMATCH', 'INT'],
    ['CASE WHEN amount THEN 1 END', 'DATATYPE_MISMATCH', 'BOOLEAN'],
    ['sum(amount) + 1', 'AGGREGATE_MISPLACED', 'sum(amount)'],
  ])('%s: %s with %s', (sql, code, part) => {
    const error = errorOf(sql)
    expect(error.code).toBe(code)
    expect(error.message).toContain(part)
  })
})

test('names are found in any letter case and keep their own', () => {
  expect(resolvedSql('AMOUNT', schema)).toMatchObject({ kind: 'column', index: 0, name: 'amount' })
  expect(resolvedSql('Place.CITY', schema)).toMatchObject({ kind: 'field', name: 'city' })
})

describe('a column without an alias is named by its text', () => {
  test.each([
    ['amount', 'amount'],
    ['amount + 1', '(amount + 1)'],
    ['upper(name)', 'upper(name)'],
    ['amount = 1 AND name IS NULL', '((amount = 1) AND (name IS NULL))'],
    ['place.city', 'city'],
    ['count(amount)', 'count(amount)'],
    ['amount AS a', 'a'],
    ['amount a', 'a'],
  ])('%s is %s', (sql, name) => {
    expect(defaultName(parseSelectItem(sql))).toBe(name)
  })
})
