import { expect, test } from 'vitest'
import { parseSchema, parseType } from '../../src/batch/ddl.ts'
import { schemaText, typeText } from '../../src/batch/schema.ts'

test('DDL text with nested types and NOT NULL is read and printed', () => {
  const schema = parseSchema(
    'id LONG NOT NULL, `odd name` string, at STRUCT<x: INT, tags: ARRAY<STRING>>, m map<string,decimal(10,2)>',
  )
  expect(schemaText(schema)).toBe(
    'id BIGINT NOT NULL, odd name STRING, at STRUCT<x: INT, tags: ARRAY<STRING>>, m MAP<STRING, DECIMAL(10,2)>',
  )
  expect(schema[0]).toEqual({ name: 'id', type: { kind: 'long' }, nullable: false })
})

test('comments stand between quotes of either kind', () => {
  const schema = parseSchema(`a INT COMMENT "it's, x INT", b INT COMMENT 'y "z"'`)
  expect(schemaText(schema)).toBe('a INT, b INT')
})

test('every type prints as text that reads back', () => {
  const texts = ['array<map<string,struct<a:int,b:double>>>', 'decimal(38,18)', 'tinyint', 'bigint']
  expect(texts.map((text) => typeText(parseType(text)))).toEqual(texts)
})

test.each([
  ['', 'it has no columns'],
  ['a INT,', 'a column is missing'],
  ['a INTT', 'there is no type "intt"'],
  ['a INT, A STRING', 'column A stands twice'],
  ['a DECIMAL(39,2)', 'is not 1 to 38 digits'],
  ['a ARRAY<INT', '">" is expected'],
  ["'a' INT", 'a column name is expected, not "\'a\'"'],
  ['"a" INT', 'a column name is expected'],
])('%j is refused with the reason', (text, reason) => {
  expect(() => parseSchema(text)).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }))
  expect(() => parseSchema(text)).toThrow(reason)
})
