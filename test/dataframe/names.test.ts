import { expect, test } from 'vitest'
import { parseSchema } from '../../src/batch/ddl.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import {
  avg,
  col,
  count,
  explode,
  expr,
  lit,
  max,
  mean,
  min,
  posexplode,
  sum,
  upper,
  when,
  window,
} from '../../src/functions.ts'
import { oracleLaunch } from './oracle-launch.ts'

const launch = oracleLaunch()
const rows = launch.frame(
  'a INT, b STRING, at TIMESTAMP, data STRUCT<x: INT, y: STRING>, list ARRAY<INT>, map MAP<STRING, INT>',
)

const named: readonly (readonly [string, DataFrame, readonly string[]])[] = [
  ['a column', rows.select('a', col('B')), ['a', 'B']],
  ['a field', rows.select('data.x', col('data').getField('y')), ['x', 'data.y']],
  ['a star', rows.select('*'), rows.columns],
  ['the star of a struct', rows.select('data.*', 'a'), ['x', 'y', 'a']],
  ['arithmetic', rows.select(col('a').plus(1), col('a').negate()), ['(a + 1)', '(- a)']],
  ['a function', rows.select(upper('b')), ['upper(b)']],
  ['a cast', rows.select(col('a').cast('string')), ['a']],
  ['a constant', rows.select(lit('x'), lit(1)), ['x', '1']],
  ['an alias', rows.select(col('a').plus(1).alias('more'), col('a').as('b2')), ['more', 'b2']],
  [
    'CASE',
    rows.select(when(col('a').gt(1), 2).otherwise(3)),
    ['CASE WHEN (a > 1) THEN 2 ELSE 3 END'],
  ],
  ['SQL text', rows.selectExpr('a + 1 AS more', 'b'), ['more', 'b']],
  ['explode of a list', rows.select(explode('list')), ['col']],
  ['explode of a map', rows.select(explode('map')), ['key', 'value']],
  ['explode of a map with names', rows.select(explode('map').alias('k', 'v')), ['k', 'v']],
  ['posexplode', rows.select(posexplode('list'), 'a'), ['pos', 'col', 'a']],
  ['window', rows.select(window('at', '1 minute')), ['window']],
  [
    'a field of a window',
    rows.select(window('at', '1 minute').getField('start')),
    ['window.start'],
  ],
  ['count', rows.groupBy('b').count(), ['b', 'count']],
  [
    'count of a column',
    rows.groupBy('b').agg(count('a'), count('*')),
    ['b', 'count(a)', 'count(1)'],
  ],
  ['sum', rows.groupBy('b').sum('a'), ['b', 'sum(a)']],
  ['every numeric column', rows.groupBy('b').avg(), ['b', 'avg(a)']],
  ['mean is avg', rows.groupBy('b').agg(mean('a')), ['b', 'avg(a)']],
  ['min and max', rows.agg(min('a'), max('b')), ['min(a)', 'max(b)']],
  [
    'aggregates by record',
    rows.groupBy('b').agg({ a: 'max', '*': 'count' }),
    ['b', 'max(a)', 'count(1)'],
  ],
  [
    'a window key',
    rows.groupBy(window('at', '1 minute'), 'b').agg(sum('a').alias('s')),
    ['window', 'b', 's'],
  ],
  [
    'a window key with a name',
    rows.groupBy(window('at', '1 minute').alias('w')).count(),
    ['w', 'count'],
  ],
  ['a computed key', rows.groupBy(upper('b')).count(), ['upper(b)', 'count']],
  [
    'aggregates of everything in a select',
    rows.select(count('*').alias('n'), avg('a')),
    ['n', 'avg(a)'],
  ],
  ['an expression over aggregates', rows.agg(sum('a').divide(count('a'))), ['(sum(a) / count(a))']],
  [
    'withColumn',
    rows.select('a', 'b').withColumn('c', lit(1)).withColumn('A', lit(2)),
    ['A', 'b', 'c'],
  ],
  [
    'rename',
    rows.select('a', 'b').withColumnRenamed('A', 'z').withColumnRenamed('nope', 'y'),
    ['z', 'b'],
  ],
  ['drop', rows.drop('DATA', 'list', col('map'), 'nope'), ['a', 'b', 'at']],
  [
    'alias of the frame',
    rows.alias('r').select('r.a', col('r.data.x'), expr('r.b')),
    ['a', 'x', 'b'],
  ],
  ['the star of a frame', rows.alias('r').select('r.*'), rows.columns],
  ['union', rows.select('a').union(rows.select('data.x')), ['a']],
  ['unionByName', rows.select('a', 'b').unionByName(rows.select('b', 'a')), ['a', 'b']],
  [
    'unionByName with missing columns',
    rows.select('a', 'b').unionByName(rows.select('b', 'at'), { allowMissingColumns: true }),
    ['a', 'b', 'at'],
  ],
]

test.each(named)('the columns of %s', (_what, frame, names) => {
  expect(frame.columns).toEqual(names)
})

test('a schema has names, types and nullability', () => {
  expect(launch.frame('id LONG NOT NULL, tags ARRAY<STRING>').schema.fields).toEqual(
    parseSchema('id LONG NOT NULL, tags ARRAY<STRING>'),
  )
  expect(rows.groupBy('b').count().schema.fields).toEqual(
    parseSchema('b STRING, count LONG NOT NULL'),
  )
  expect(rows.select('a').dtypes).toEqual([['a', 'int']])
})

test('an event time may be written with the name of the frame, or in backquotes', () => {
  for (const name of ['at', 'AT', 'r.at', '`at`']) {
    expect(rows.alias('r').withWatermark(name, '1 minute').columns).toEqual(rows.columns)
  }
})

test('a union widens types', () => {
  const wide = rows.select('a').union(launch.frame('v BIGINT'))
  expect(wide.dtypes).toEqual([['a', 'bigint']])
})
