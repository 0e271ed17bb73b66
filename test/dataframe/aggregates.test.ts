import { afterAll, expect, test } from 'vitest'
import { StreamError } from '../../src/core/error.ts'
import {
  coalesce,
  col,
  count,
  count_distinct,
  expr,
  first,
  lit,
  max,
  min,
  percentile_approx,
  stddev,
  sum_distinct,
  window,
} from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { oracleLaunch } from './oracle-launch.ts'

const spark = Session.builder.getOrCreate()
afterAll(() => spark.stop())

/** The examples of Spark's own reference: rows, call, answer. */
const examples: readonly (readonly [string, readonly (readonly unknown[])[], string, unknown])[] = [
  ['a INT', [[10], [5], [20]], 'any_value(a)', 10],
  ['a INT', [[null], [5], [20]], 'any_value(a)', null],
  ['a INT', [[null], [5], [20]], 'any_value(a, true)', 5],
  ['a INT', [[1], [1], [2], [2], [3]], 'approx_count_distinct(a)', 3n],
  ['a INT', [[0], [1], [2], [10]], 'approx_percentile(a, array(0.5, 0.4, 0.1), 100)', [1, 1, 0]],
  ['a INT', [[0], [6], [7], [9], [10]], 'approx_percentile(a, 0.5, 100)', 7],
  ['a INT', [[1], [2], [1]], 'array_agg(a)', [1, 2, 1]],
  ['a INT', [[1], [2], [3]], 'avg(a)', 2],
  ['a INT', [[1], [2], [null]], 'mean(a)', 1.5],
  ['a INT', [[3], [5]], 'bit_and(a)', 1],
  ['a INT', [[3], [5]], 'bit_or(a)', 7],
  ['a INT', [[3], [5]], 'bit_xor(a)', 6],
  ['b BOOLEAN', [[null], [true], [true]], 'bool_and(b)', true],
  ['b BOOLEAN', [[true], [false], [true]], 'every(b)', false],
  ['b BOOLEAN', [[null], [true], [false]], 'some(b)', true],
  ['b BOOLEAN', [[false], [false], [null]], 'any(b)', false],
  ['a INT', [[1], [2], [1]], 'collect_set(a)', [1, 2]],
  [
    'a INT, c INT',
    [
      [3, 2],
      [3, 3],
      [6, 4],
    ],
    'corr(a, c)',
    0.8660254037844387,
  ],
  ['a INT', [[null], [5], [5], [20]], 'count(*)', 4n],
  ['a INT', [[null], [5], [5], [20]], 'count(a)', 3n],
  ['a INT', [[null], [5], [5], [10]], 'count(DISTINCT a)', 2n],
  ['a INT', [[null], [0], [1], [2], [3]], 'count_if(a % 2 = 0)', 2n],
  ['a INT', [[null], [0], [1], [2], [3]], 'count_if(a IS NULL)', 1n],
  [
    'a INT, c INT',
    [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
    'covar_pop(a, c)',
    0.6666666666666666,
  ],
  [
    'a INT, c INT',
    [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
    'covar_samp(a, c)',
    1,
  ],
  ['a INT', [[10], [5], [20]], 'first(a)', 10],
  ['a INT', [[null], [5], [20]], 'first(a)', null],
  ['a INT', [[null], [5], [20]], 'first_value(a) IGNORE NULLS', 5],
  ['a INT', [[10], [5], [20]], 'last(a)', 20],
  ['a INT', [[10], [5], [null]], 'last(a)', null],
  ['a INT', [[10], [5], [null]], 'last_value(a, true)', 5],
  ['a INT', [[-10], [-20], [100], [1000]], 'kurtosis(a)', -0.7014368047529627],
  ['a INT', [[1], [10], [100], [10], [1]], 'kurtosis(a)', 0.19432323191699075],
  [
    's STRING, a INT',
    [
      ['a', 10],
      ['b', 50],
      ['c', 20],
    ],
    'max_by(s, a)',
    'b',
  ],
  [
    's STRING, a INT',
    [
      ['a', 10],
      ['b', 50],
      ['c', 20],
    ],
    'min_by(s, a)',
    'a',
  ],
  ['a INT', [[0], [10]], 'median(a)', 5],
  ['a INT', [[0], [10], [10]], 'mode(a)', 10],
  ['a INT', [[0], [10], [10], [null], [null], [null]], 'mode(a)', 10],
  ['a INT', [[0], [10]], 'percentile(a, 0.3)', 3],
  ['a INT', [[0], [10]], 'percentile(a, array(0.25, 0.75))', [2.5, 7.5]],
  ['a INT', [[-10], [-20], [100], [1000]], 'skewness(a)', 1.1135657469022011],
  ['a INT', [[-1000], [-100], [10], [20]], 'skewness(a)', -1.1135657469022011],
  ['a INT', [[1], [2], [3]], 'std(a)', 1],
  ['a INT', [[5], [10], [15]], 'try_sum(a)', 30n],
  ['a BIGINT', [[9_223_372_036_854_775_807n], [1n]], 'try_sum(a)', null],
  [
    'a BIGINT',
    [[9_223_372_036_854_775_807n], [1n], [-1n]],
    'try_sum(a)',
    9_223_372_036_854_775_807n,
  ],
  ['a INT', [[1], [2], [3]], 'try_avg(a)', 2],
  [
    'a INT, c INT',
    [
      [1, 1],
      [1, 1],
      [1, 2],
      [1, null],
    ],
    'count(DISTINCT *)',
    2n,
  ],
  ['a INT', [[1], [2], [3]], 'stddev_pop(a)', 0.816496580927726],
  ['a INT', [[1], [2], [3]], 'var_pop(a)', 0.6666666666666666],
  ['a INT', [[1], [2], [3]], 'variance(a)', 1],
]

test.each(examples)('over %s, rows %o, %s is as in Spark', async (schema, rows, call, expected) => {
  const result = await spark.createDataFrame(rows, schema).agg(expr(call).alias('v')).collect()
  const [{ v } = { v: undefined }] = result
  if (typeof expected === 'number' && !Number.isInteger(expected))
    expect(v).toBeCloseTo(expected, 12)
  else expect(v).toEqual(expected)
})

const statistics = [
  ...['stddev_pop(x)', 'var_pop(x)', 'stddev(x)', 'var_samp(x)', 'skewness(x)', 'kurtosis(x)'],
  ...['covar_pop(x, x)', 'covar_samp(x, x)', 'corr(x, x)', 'product(x)', 'median(x)'],
]

test.each([
  ['no row', [], [null, null, null, null, null, null, null, null, null, null, null]],
  ['only NULL', [null], [null, null, null, null, null, null, null, null, null, null, null]],
  ['one row', [4], [0, 0, null, null, null, null, 0, null, null, 4, 4]],
  ['equal rows', [4, 4], [0, 0, 0, 0, null, null, 0, 0, null, 16, 4]],
] as const)('statistics of %s are those of Spark', async (_, values, expected) => {
  const rows = values.map((x) => [x])
  const columns = statistics.map((call, at) => expr(call).alias(`c${at}`))
  const [row = {}] = await spark
    .createDataFrame(rows, 'x DOUBLE')
    .agg(...columns)
    .collect()
  expect(statistics.map((_call, at) => row[`c${at}`])).toEqual(expected)
})

test('NaN spreads through statistics and sorts last', async () => {
  const rows = [[1], [Number.NaN], [3]]
  const calls = ['stddev(x)', 'avg(x)', 'max(x)', 'percentile_approx(x, 1.0)', 'count(DISTINCT x)']
  const columns = calls.map((call, at) => expr(call).alias(`c${at}`))
  const [row = {}] = await spark
    .createDataFrame(rows, 'x DOUBLE')
    .agg(...columns)
    .collect()
  const nan = Number.NaN
  expect(calls.map((_call, at) => row[`c${at}`])).toEqual([nan, nan, nan, nan, 3n])
})

const frame = oracleLaunch().frame(
  'i INT, l BIGINT, f FLOAT, d DECIMAL(10,2), s STRING, b BOOLEAN, at TIMESTAMP, m MAP<STRING, INT>',
)

/** Names and types as Spark gives them. */
const shapes: readonly (readonly [string, string, string])[] = [
  ['stddev(i)', 'stddev(i)', 'double'],
  ['STD(d)', 'std(d)', 'double'],
  ['mean(i)', 'mean(i)', 'double'],
  ['avg(d)', 'avg(d)', 'decimal(14,6)'],
  ['sum(DISTINCT d)', 'sum(DISTINCT d)', 'decimal(20,2)'],
  ['try_sum(i)', 'try_sum(i)', 'bigint'],
  ['count(DISTINCT i, s)', 'count(DISTINCT i, s)', 'bigint'],
  ['first(s, true)', 'first(s)', 'string'],
  ['last(at) IGNORE NULLS', 'last(at)', 'timestamp'],
  ['any_value(f)', 'any_value(f)', 'float'],
  ['array_agg(i)', 'collect_list(i)', 'array<int>'],
  ['collect_set(s)', 'collect_set(s)', 'array<string>'],
  ['max_by(m, i)', 'max_by(m, i)', 'map<string,int>'],
  ['bool_and(b)', 'bool_and(b)', 'boolean'],
  ['some(b)', 'some(b)', 'boolean'],
  ['count_if(i > 1)', 'count_if((i > 1))', 'bigint'],
  ['bit_xor(l)', 'bit_xor(l)', 'bigint'],
  ['approx_count_distinct(s, 0.1)', 'approx_count_distinct(s)', 'bigint'],
  ['percentile_approx(d, 0.5)', 'percentile_approx(d, 0.5, 10000)', 'decimal(10,2)'],
  [
    'approx_percentile(at, array(0.5))',
    'approx_percentile(at, array(0.5), 10000)',
    'array<timestamp>',
  ],
  ['percentile(i, 0.3)', 'percentile(i, 0.3, 1)', 'double'],
  ['median(d)', 'median(d)', 'double'],
  ['mode(s)', 'mode(s)', 'string'],
  ['corr(i, f)', 'corr(i, f)', 'double'],
  ['sum(i) FILTER (WHERE b)', 'sum(i) FILTER (WHERE b)', 'bigint'],
]

test.each(shapes)('%s is a column %s of %s', (call, name, type) => {
  const { fields } = frame.agg(expr(call)).schema
  expect(fields.map((field) => field.name)).toEqual([name])
  expect(frame.agg(expr(call)).schema.simpleString()).toBe(`struct<${name}:${type}>`)
})

test('the functions make the same names', () => {
  const result = frame.agg(
    count_distinct('i', 's'),
    sum_distinct('l'),
    first('s', true),
    stddev(col('i')),
    percentile_approx('i', [0.5, 1]),
  )
  expect(result.columns).toEqual([
    'count(DISTINCT i, s)',
    'sum(DISTINCT l)',
    'first(s)',
    'stddev(i)',
    'percentile_approx(i, array(0.5, 1), 10000)',
  ])
  expect(frame.groupBy('s').agg({ i: 'std', l: 'mean' }).columns).toEqual([
    's',
    'stddev(i)',
    'avg(l)',
  ])
})

test('explain says what an aggregate is asked for', () => {
  const plan = frame
    .groupBy('s')
    .agg(
      expr('count(DISTINCT i)'),
      expr('first(l) IGNORE NULLS'),
      expr('percentile_approx(i, 0.5, 20)').alias('p'),
    )
    .explain()
  expect(plan).toContain('count(DISTINCT i)')
  expect(plan).toContain('first(l) IGNORE NULLS AS first(l)')
  expect(plan).toContain('percentile_approx(i, 0.5, 20) AS p')
})

const refusals: readonly (readonly [string, string, string])[] = [
  ['stddev(b)', 'DATATYPE_MISMATCH', 'a number'],
  ['bit_and(f)', 'DATATYPE_MISMATCH', 'a whole number'],
  ['bool_or(i)', 'DATATYPE_MISMATCH', 'a BOOLEAN'],
  ['count_if(s)', 'DATATYPE_MISMATCH', 'a BOOLEAN'],
  ['max_by(i, m)', 'DATATYPE_MISMATCH', 'an order'],
  ['min(array(m))', 'DATATYPE_MISMATCH', 'an order'],
  ['count(DISTINCT m)', 'DATATYPE_MISMATCH', 'no MAP'],
  ['collect_set(m)', 'DATATYPE_MISMATCH', 'no MAP'],
  ['percentile(b, 0.5)', 'DATATYPE_MISMATCH', 'a number'],
  ['percentile(i, 1.5)', 'FUNCTION_ARGUMENTS', 'between 0 and 1'],
  ['percentile_approx(i, i)', 'FUNCTION_ARGUMENTS', 'a constant'],
  ['percentile_approx(i, 0.5, 0)', 'FUNCTION_ARGUMENTS', 'accuracy'],
  ['percentile_approx(i, NULL)', 'FUNCTION_ARGUMENTS', 'between 0 and 1'],
  ['approx_count_distinct(i, 0.5)', 'FUNCTION_ARGUMENTS', '0.39'],
  ['approx_count_distinct(i, 0.0001)', 'FUNCTION_ARGUMENTS', '0.005'],
  ['first(i, 3)', 'FUNCTION_ARGUMENTS', 'TRUE or FALSE'],
  ['corr(i)', 'FUNCTION_ARGUMENTS', '2 arguments'],
  ['sum(i, i)', 'FUNCTION_ARGUMENTS', '1 arguments'],
  ['count()', 'FUNCTION_ARGUMENTS', '1 or more arguments'],
]

test.each(refusals.filter(([, code]) => code !== ''))('%s is refused: %s', (call, code, what) => {
  let raised: unknown
  try {
    frame.agg(expr(call))
  } catch (error) {
    raised = error
  }
  expect(raised).toBeInstanceOf(StreamError)
  expect(raised).toMatchObject({ code, message: expect.stringContaining(what) })
})

test('arguments that differ in a number that JSON has no word for are two arguments', async () => {
  const frame = spark.createDataFrame([{ x: 1 }, { x: null }], 'x DOUBLE')
  const [row] = await frame
    .groupBy()
    .agg(
      min(coalesce(col('x'), lit(Number.POSITIVE_INFINITY))).alias('low'),
      max(coalesce(col('x'), lit(Number.NEGATIVE_INFINITY))).alias('high'),
    )
    .collect()
  expect(row).toEqual({ low: 1, high: 1 })
})

test('a window that ends where microseconds are not exact is an error, not a missing row', async () => {
  const late = spark.createDataFrame([{ at: '2255-06-05 23:45:00' }], 'at TIMESTAMP')
  const counts = late.groupBy(window('at', '10 minutes')).agg(count('*').alias('n'))
  await expect(counts.collect()).rejects.toMatchObject({ code: 'TIMESTAMP_OUT_OF_RANGE' })
  const sliding = late.select(window('at', '10 minutes', '5 minutes').alias('w'))
  await expect(sliding.collect()).rejects.toMatchObject({ code: 'TIMESTAMP_OUT_OF_RANGE' })
})
