import { expect, test } from 'vitest'
import { StreamError } from '../../src/core/error.ts'
import {
  avg,
  col,
  count,
  explode,
  expr,
  lit,
  sum,
  upper,
  when,
  window,
} from '../../src/functions.ts'
import type { OwnOperator } from '../../src/streaming.ts'
import { DecimalType, StructType } from '../../src/types.ts'
import { oracleLaunch } from './oracle-launch.ts'

const launch = oracleLaunch()
const schema = 'customer STRING, price INT, at TIMESTAMP, tags ARRAY<STRING>, m MAP<STRING, INT>'
const rows = launch.frame(schema)
const stream = launch.frame(schema, [], { streaming: true })
const marked = stream.withWatermark('at', '1 minute')

type Refusal = readonly [code: string, what: string, act: () => unknown, says: string]

/** Everything that compares keys, of a key that cannot be compared. */
function keyed(key: string): readonly Refusal[] {
  const frame = rows.selectExpr(`${key} AS k`, 'price')
  const output = 'price INT'
  const own: OwnOperator = {
    name: 'own',
    version: 1,
    make: () => {
      throw new Error('is never made')
    },
  }
  const acts: Readonly<Record<string, () => unknown>> = {
    groupBy: () => frame.groupBy('k').count(),
    dropDuplicates: () => frame.dropDuplicates('k'),
    distinct: () => frame.distinct(),
    groupByKey: () =>
      frame
        .as()
        .groupByKey('k')
        .flatMapGroupsWithState(() => [], { output, outputMode: 'append' }),
    operator: () => frame.operator(own, { keys: ['k'], output }),
    join: () => frame.join(frame.withColumnRenamed('price', 'other'), 'k'),
    'join on': () => frame.alias('l').join(frame.alias('r'), expr('l.k <=> r.k')),
    orderBy: () => frame.orderBy('k'),
  }
  return Object.entries(acts).map(
    ([what, act]): Refusal => ['DATATYPE_MISMATCH', `${what} of ${key}`, act, 'MAP<STRING,INT>'],
  )
}

const refusals: readonly Refusal[] = [
  [
    'COLUMN_NOT_FOUND',
    'a misspelled column',
    () => rows.select('custmer'),
    'Did you mean customer',
  ],
  ['COLUMN_NOT_FOUND', 'an unknown column in a filter', () => rows.where('prize > 1'), 'price'],
  [
    'COLUMN_NOT_FOUND',
    'a watermark on an unknown column',
    () => stream.withWatermark('time', '1 minute'),
    'time',
  ],
  [
    'COLUMN_NOT_FOUND',
    'unionByName of other names',
    () => rows.unionByName(rows.drop('price')),
    'price',
  ],
  [
    'COLUMN_NOT_FOUND',
    'partitionBy of an unknown column',
    () => stream.writeStream.format('json').partitionBy('day').start('/x'),
    'day',
  ],
  [
    'AMBIGUOUS_COLUMN',
    'a name that two columns have',
    () => rows.select('price', col('at').alias('PRICE')).select('price'),
    'price',
  ],
  [
    'AMBIGUOUS_COLUMN',
    'two columns of one name in a file',
    () => stream.select('price', 'price').writeStream.format('json').start('/x'),
    'price',
  ],
  ['FUNCTION_NOT_FOUND', 'an unknown function', () => rows.select(expr('uper(customer)')), 'upper'],
  ['DATATYPE_MISMATCH', 'a filter that is no condition', () => rows.where(col('price')), 'BOOLEAN'],
  ['DATATYPE_MISMATCH', 'explode of a number', () => rows.select(explode('price')), 'ARRAY or MAP'],
  [
    'DATATYPE_MISMATCH',
    'a window over a number',
    () => rows.select(window('price', '1 minute')),
    'TIMESTAMP',
  ],
  ['DATATYPE_MISMATCH', 'the star of a number', () => rows.select('price.*'), 'STRUCT'],
  ...keyed('m'),
  ...keyed('struct(price, array(m))'),
  [
    'WATERMARK_INVALID',
    'a watermark on text',
    () => stream.withWatermark('customer', '1 minute'),
    'STRING',
  ],
  [
    'WATERMARK_INVALID',
    'a watermark on a number',
    () => stream.withWatermark('price', '1 minute'),
    'price is not allowed: it is of type INT',
  ],
  [
    'WATERMARK_INVALID',
    'a watermark on text of a batch',
    () => rows.withWatermark('customer', '1 minute'),
    'STRING',
  ],
  [
    'WATERMARK_INVALID',
    'a negative delay',
    () => stream.withWatermark('at', '-10 seconds'),
    'negative',
  ],
  [
    'WATERMARK_INVALID',
    'a delay of less than no months',
    () => stream.withWatermark('at', '1 year -13 months'),
    'negative',
  ],
  [
    'WATERMARK_INVALID',
    'a delay of a month less forty days',
    () => stream.withWatermark('at', '1 month -40 days'),
    'negative',
  ],
  [
    'WATERMARK_INVALID',
    'a second watermark',
    () => marked.withColumn('b', col('at')).withWatermark('b', '1 minute'),
    'on at already',
  ],
  [
    'WATERMARK_INVALID',
    'a second watermark behind a function of rows',
    () =>
      marked
        .select('at')
        .as()
        .map((row) => row, 'at TIMESTAMP')
        .toDF()
        .withWatermark('at', '1 minute'),
    'behind map, which gives out rows without an event time',
  ],
  [
    'WATERMARK_INVALID',
    'a watermark over a union with one',
    () => marked.union(stream).withWatermark('at', '1 minute'),
    'already',
  ],
  ['DURATION_INVALID', 'a delay without a unit', () => stream.withWatermark('at', '10'), '10'],
  ['DURATION_INVALID', 'a window of months', () => rows.select(window('at', '1 month')), 'month'],
  [
    'CONFIG_INVALID',
    'an empty window',
    () => rows.select(window('at', '0 seconds')),
    'longer than zero',
  ],
  [
    'CONFIG_INVALID',
    'windows with gaps',
    () => rows.select(window('at', '1 minute', '2 minutes')),
    'slideDuration',
  ],
  [
    'CONFIG_INVALID',
    'a start beyond the slide',
    () => rows.select(window('at', '1 minute', '1 minute', '1 minute')),
    'startTime',
  ],
  ['CONFIG_INVALID', 'a limit below zero', () => rows.limit(-1), 'limit'],
  [
    'CONFIG_INVALID',
    'an unknown output mode',
    () => stream.writeStream.outputMode('apend'),
    'append',
  ],
  [
    'CONFIG_INVALID',
    'two triggers at once',
    () =>
      stream.writeStream.trigger(Object.assign({ once: true as const }, { availableNow: true })),
    'trigger',
  ],
  [
    'CONFIG_INVALID',
    'a continuous trigger of nothing',
    () => stream.writeStream.trigger({ continuous: 0 }),
    'trigger',
  ],
  ['CONFIG_INVALID', 'a sink without a format', () => stream.writeStream.start(), '.format'],
  [
    'CONFIG_INVALID',
    'two sources of one name',
    () =>
      launch
        .frame(schema, [], { streaming: true, name: 'x' })
        .union(launch.frame(schema, [], { streaming: true, name: 'x' }))
        .writeStream.format('noop')
        .start(),
    'name of its own',
  ],
  [
    'EXPRESSION_MISPLACED',
    'two generators',
    () => rows.select(explode('tags'), explode('m')),
    'one generator',
  ],
  [
    'EXPRESSION_MISPLACED',
    'a generator inside of an expression',
    () => rows.select(upper(explode('tags'))),
    'explode',
  ],
  [
    'EXPRESSION_MISPLACED',
    'a generator in a filter',
    () => rows.where(explode('tags').eq('a')),
    'explode',
  ],
  [
    'EXPRESSION_MISPLACED',
    'a window in a filter',
    () => rows.where(window('at', '1 minute').isNotNull()),
    'window',
  ],
  [
    'EXPRESSION_MISPLACED',
    'two windows',
    () => rows.groupBy(window('at', '1 minute'), window('at', '2 minutes')).count(),
    'two different windows',
  ],
  ['EXPRESSION_MISPLACED', 'a star in an expression', () => rows.select(upper('*')), '*'],
  [
    'EXPRESSION_MISPLACED',
    'one name for two columns',
    () => rows.select(explode('m').alias('entry')),
    'key, value',
  ],
  [
    'EXPRESSION_MISPLACED',
    'two names for one column',
    () => rows.select(col('price').alias('a', 'b')),
    'one column',
  ],
  [
    'EXPRESSION_MISPLACED',
    'otherwise after otherwise',
    () => when(col('price').gt(1), 1).otherwise(2).otherwise(3),
    'otherwise',
  ],
  [
    'EXPRESSION_MISPLACED',
    'when on a plain column',
    () => col('price').when(col('price').gt(1), 1),
    'when',
  ],
  [
    'AGGREGATE_MISPLACED',
    'an aggregate in a filter',
    () => rows.where(sum('price').gt(1)),
    'filter',
  ],
  [
    'AGGREGATE_MISPLACED',
    'an aggregate in withColumn',
    () => rows.withColumn('s', sum('price')),
    'withColumn',
  ],
  [
    'AGGREGATE_MISPLACED',
    'an aggregate as a key',
    () => rows.groupBy(sum('price')).count(),
    'grouping key',
  ],
  ['AGGREGATE_MISPLACED', 'an aggregate of an aggregate', () => rows.agg(sum(avg('price'))), 'avg'],
  ['AGGREGATE_MISPLACED', 'a sort by an aggregate', () => rows.orderBy(sum('price')), 'orderBy'],
  [
    'COLUMN_NOT_GROUPED',
    'a column beside aggregates',
    () => rows.groupBy('customer').agg(col('price').plus(count('*'))),
    'price',
  ],
  [
    'COLUMN_NOT_GROUPED',
    'a column beside aggregates of everything',
    () => rows.select('customer', count('*')),
    'customer',
  ],
  ['UNION_MISMATCH', 'a union of other widths', () => rows.union(rows.drop('price')), 'columns'],
  [
    'UNION_MISMATCH',
    'a union of other types',
    () => rows.select('tags').union(rows.select('price')),
    'ARRAY<STRING>',
  ],
  ['LITERAL_INVALID', 'a number beyond LONG', () => lit(2n ** 63n), '9223372036854775808'],
  ['LITERAL_INVALID', 'a date that is none', () => lit(new Date('never')), 'Invalid Date'],
  ['SCHEMA_INVALID', 'a decimal of too many digits', () => DecimalType(39, 0), 'decimal(39,0)'],
  ['SCHEMA_INVALID', 'a type that does not exist', () => StructType().add('a', 'strng'), 'strng'],
  ['PARSE_ERROR', 'a name with an open backquote', () => col('`a'), '`a'],
  ['PARSE_ERROR', 'SQL text with an open bracket', () => expr('(1 + 2'), '(1 + 2'],
  [
    'OUTPUT_MODE_UNSUPPORTED',
    'an aggregate in append mode',
    () => stream.groupBy('customer').count().writeStream.format('noop').start(),
    'withWatermark',
  ],
  [
    'STREAMING_UNSUPPORTED',
    'a batch frame started as a stream',
    () => rows.writeStream.format('noop').start(),
    'readStream',
  ],
  [
    'STREAMING_UNSUPPORTED',
    'a stream united with a batch',
    () => stream.union(rows).writeStream.format('noop').start(),
    'union',
  ],
  ['TABLE_NOT_FOUND', 'a view that does not exist', () => launch.view('nope'), 'nope'],
]

test.each(refusals)('%s refuses %s', (code, _what, act, text) => {
  expect(act).toThrow(StreamError)
  expect(act).toThrow(new RegExp(`^${code}: `))
  expect(act).toThrow(text)
})

test.each([
  ['collect()', () => stream.collect()],
  ['take(1)', () => stream.take(1)],
  ['first()', () => stream.first()],
  ['head()', () => stream.head()],
  ['count()', () => stream.count()],
  ['show()', () => stream.show()],
  ['isEmpty()', () => stream.isEmpty()],
  ['foreach()', () => stream.foreach(() => {})],
  ['toLocalIterator()', () => stream.toLocalIterator()[Symbol.asyncIterator]().next()],
  ['write', () => stream.write.json('/x')],
])('STREAMING_ACTION refuses %s on a stream', async (action, act) => {
  await expect(act()).rejects.toMatchObject({ code: 'STREAMING_ACTION', details: { action } })
})
