import { describe, expect, test } from 'vitest'
import type { Schema } from '../../src/batch/schema.ts'
import { typeText } from '../../src/batch/schema.ts'
import { StreamError } from '../../src/core/error.ts'
import { defaultName } from '../../src/expr/names.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { expressionText } from '../../src/expr/print.ts'
import { resolvedSql, valueOfSql } from './sql.ts'

const noon = { processingTime: Date.UTC(2024, 4, 1, 12) * 1000, epoch: 0 }

/** Spellings of SQL beside plain calls; values by Spark's function reference or by hand. */
const facts: Readonly<Record<string, readonly (readonly [sql: string, value: string])[]>> = {
  'words may stand between arguments': [
    ["trim(BOTH FROM '  a ')", 'a'],
    ["trim(BOTH 'SL' FROM 'SSparkSQLS')", 'parkSQ'],
    ["trim(LEADING 'SL' FROM 'SSparkSQLS')", 'parkSQLS'],
    ["trim(TRAILING 'SL' FROM 'SSparkSQLS')", 'SSparkSQ'],
    ["substring('Spark SQL' FROM 5)", 'k SQL'],
    ["substring('Spark SQL' FROM 5 FOR 1)", 'k'],
    ["position('b' IN 'abc')", '2'],
    ["position('b', 'abcb', 3)", '4'],
    ["EXTRACT(YEAR FROM DATE '2019-08-12')", '2019'],
  ],
  'parts of times go by several names': [
    ["date_part('YEAR', TIMESTAMP '2019-08-12 01:00:00')", '2019'],
    ["date_part('week', TIMESTAMP '2019-08-12 01:00:00')", '33'],
    ["date_part('doy', DATE '2019-08-12')", '224'],
    ["date_part('minutes', TIMESTAMP '2019-08-12 01:02:03')", '2'],
  ],
  'a unit of time may be a bare word': [
    ["timestampdiff(MONTH, TIMESTAMP '2021-02-28 12:00:00', TIMESTAMP '2021-03-28 11:59:59')", '0'],
    ["timestampdiff(hour, TIMESTAMP '2024-01-01 00:00:00', TIMESTAMP '2024-01-02 01:00:00')", '25'],
    ["timestampadd(HOUR, 8, TIMESTAMP '2022-02-20 03:30:00')", '2022-02-20 11:30:00'],
    ["datediff(DAY, DATE '2024-01-01', DATE '2024-01-03')", '2'],
    ["dateadd(DAY, 2, DATE '2024-01-01')", '2024-01-03 00:00:00'],
    ["datediff('2009-07-31', '2009-07-30')", '1'],
  ],
  'days are added to dates': [
    ["DATE '2024-02-28' + 2", '2024-03-01'],
    ["2 + DATE '2024-02-28'", '2024-03-01'],
    ["DATE '2024-03-01' - 1", '2024-02-29'],
    ["DATE '2024-03-01' - 1 - 1", '2024-02-28'],
  ],
  'the time of the epoch needs no brackets': [
    ['current_timestamp', '2024-05-01 12:00:00'],
    ['CURRENT_DATE', '2024-05-01'],
    ['current_timestamp = now()', 'true'],
  ],
  'the name of a type is a cast': [
    ["int('7')", '7'],
    ["double('1e3')", '1000.0'],
    ["date('2024-05-01')", '2024-05-01'],
    ["string(1) || 'a'", '1a'],
    ['boolean(0)', 'false'],
  ],
  'literals have all spellings of Spark': [
    ["hex(X'1fa')", '01FA'],
    ["length(x'')", '0'],
    ['12e3BD', '12000'],
    ['1.5e-2BD', '0.015'],
  ],
  'between holds at both ends': [
    ['between(1, 1, 2)', 'true'],
    ['between(2, 1, 2)', 'true'],
    ['between(3, 1, 2)', 'false'],
    ['between(NULL, 1, 2)', 'null'],
  ],
}

for (const [claim, rows] of Object.entries(facts)) {
  describe(claim, () => {
    test.each(rows)('%s is %s', (sql, value) => {
      expect(valueOfSql(sql, noon)).toBe(value)
    })
  })
}

const types: readonly (readonly [sql: string, type: string])[] = [
  ['struct(1 AS a, true AS b)', 'struct<a:int,b:boolean>'],
  ["struct(1, 'x' AS b)", 'struct<1:int,b:string>'],
  ['12e3BD', 'decimal(5,0)'],
  ["DATE '2024-05-01' + 1", 'date'],
  // Beyond 38 digits a result gives up fraction, but keeps six digits of it.
  ['CAST(1 AS DECIMAL(38,10)) * CAST(1 AS DECIMAL(38,10))', 'decimal(38,6)'],
  ['CAST(1 AS DECIMAL(38,18)) / CAST(1 AS DECIMAL(38,18))', 'decimal(38,6)'],
  ['CAST(1 AS DECIMAL(38,18)) + CAST(1 AS DECIMAL(38,18))', 'decimal(38,17)'],
  ['CAST(1 AS DECIMAL(10,2)) * 100', 'decimal(14,2)'],
  ['CAST(1 AS DECIMAL(10,2)) + CAST(1 AS BIGINT)', 'decimal(23,2)'],
  ['CAST(1 AS DECIMAL(10,2)) * 1.5D', 'double'],
]

test.each(types)('%s has the type %s', (sql, type) => {
  expect(typeText(resolvedSql(sql).type)).toBe(type)
})

const names: readonly (readonly [sql: string, name: string])[] = [
  ['a + INTERVAL 5 MINUTES', "(a + INTERVAL '5' MINUTE)"],
  ["a - INTERVAL '90' SECOND", "(a - INTERVAL '90' SECOND)"],
  ['a + INTERVAL 48 HOURS', "(a + INTERVAL '2' DAY)"],
  ['a + INTERVAL 1 MONTH', "(a + INTERVAL '1' MONTH)"],
  ['a + INTERVAL 2 YEARS', "(a + INTERVAL '2' YEAR)"],
]

test.each(names)('%s is named %s', (sql, name) => {
  expect(defaultName(parseExpression(sql))).toBe(name)
})

test('a column goes before the word of the same name', () => {
  const schema: Schema = [{ name: 'current_date', type: { kind: 'int' }, nullable: true }]
  expect(resolvedSql('current_date', schema)).toMatchObject({ kind: 'column', index: 0 })
})

test('a long sum is resolved in one pass', () => {
  const sum = Array.from({ length: 200 }, () => '1').join(' + ')
  expect(expressionText(resolvedSql(sum)).length).toBeGreaterThan(200)
})

const refusals: readonly (readonly [sql: string, code: string])[] = [
  ["x'1g'", 'PARSE_ERROR'],
  ["trim(BOTH 'x' 'y')", 'PARSE_ERROR'],
  ['max(1 AS a)', 'PARSE_ERROR'],
  ['1e99BD', 'PARSE_ERROR'],
  ['slice(array(1, 2), 0, 1)', 'CAST_INVALID_INPUT'],
  ['slice(array(1, 2), 1, -1)', 'CAST_INVALID_INPUT'],
  ["DATE '2024-01-01' + DATE '2024-01-01'", 'DATATYPE_MISMATCH'],
  ["date_part('fortnight', DATE '2024-01-01')", 'FUNCTION_NOT_FOUND'],
  ["timestampdiff(FORTNIGHT, DATE '2024-01-01', DATE '2024-01-01')", 'CONFIG_INVALID'],
]

test.each(refusals)('%s is refused with %s', (sql, code) => {
  let thrown: unknown
  try {
    valueOfSql(sql)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(StreamError)
  expect(thrown instanceof StreamError ? thrown.code : undefined).toBe(code)
})
