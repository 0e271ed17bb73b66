import { col, count, expr, sum, window } from '../../../src/functions.ts'
import type { DataFrame } from '../../../src/index.ts'
import { gives, refuses, timed } from './cell.ts'
import { paired, pairs } from './join-shapes.ts'
import { flatMapGroups } from './program-shapes.ts'
import { keepsEverything, rows, type Shape } from './shape.ts'
import { perWindow } from './simple-shapes.ts'

const behindAggregation = 'anything with state behind an aggregation or an outer join'
const behindDuplicates = 'an aggregation behind `dropDuplicates`'
const behindInner = 'an aggregation behind an inner join of streams'
const behindAppend = 'an aggregation without a watermark behind `flatMapGroupsWithState` in append'
const united = 'union of aggregations'

/** How many groups and rows there were in twenty seconds of windows of ten. */
const perTwenty = (frame: DataFrame): DataFrame =>
  frame
    .groupBy(window('t', '10 seconds'), 'user')
    .count()
    .groupBy(window(expr('window_time(window)'), '20 seconds'))
    .agg(count('*').alias('groups'), sum('count').alias('rows'))
    .selectExpr('CAST(window.start AS LONG) AS start', 'groups', 'rows')

const perPairWindow = (frame: DataFrame): DataFrame =>
  frame
    .select(col('l.t').alias('t'))
    .groupBy(window('t', '10 seconds'))
    .count()
    .selectExpr('CAST(window.start AS LONG) AS start', 'count')

const again = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /an aggregation follows an aggregation/,
  /outputMode\('append'\)/,
)
const outerOnlyAppend = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /a join of two streams \(left outer\) only ever adds rows/,
  /outputMode\('append'\)/,
)
const duplicatesBehind = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /dropDuplicates follows an aggregation/,
  /outputMode\('append'\)/,
)

const chained: readonly Shape[] = [
  {
    row: behindAggregation,
    name: 'an aggregation behind an aggregation',
    build: (input) => perTwenty(timed(input)),
    steps: [...rows, [['ada 90 7']]],
    // Step 4 takes the watermark to 80: [40, 60) had been waiting for it since [40, 50) was closed.
    append: gives([], ['0 2 3'], [], ['40 1 1', '60 1 1']),
    update: again,
    complete: again,
  },
  {
    row: behindAggregation,
    name: 'dropDuplicates behind an aggregation',
    build: (input) =>
      timed(input)
        .groupBy(window('t', '10 seconds'), 'user')
        .count()
        .dropDuplicates('window')
        .selectExpr('CAST(window.start AS LONG) AS start'),
    steps: rows,
    append: gives([], ['10'], ['40']),
    update: duplicatesBehind,
    complete: duplicatesBehind,
  },
  {
    row: behindAggregation,
    name: 'an aggregation behind a left outer join',
    build: (input, more) => perPairWindow(paired(input, more, 'left')),
    steps: pairs,
    append: gives([], [], ['10 3']),
    update: outerOnlyAppend,
    complete: outerOnlyAppend,
  },
]

const perWindowOnly = (frame: DataFrame): DataFrame =>
  frame
    .groupBy(window('t', '10 seconds'))
    .count()
    .selectExpr('CAST(window.start AS LONG) AS start', 'count')

const allowed: readonly Shape[] = [
  {
    row: behindDuplicates,
    name: 'by a window',
    build: (input) => perWindowOnly(timed(input).dropDuplicates('user', 't')),
    steps: [[['ada 12 1', 'ada 12 2']], [['ada 12 3', 'bob 45 4']], [['ada 12 5', 'bob 45 6']]],
    append: gives([], ['10 1'], []),
    update: gives(['10 1'], ['40 1'], []),
    complete: gives(['10 1'], ['10 1', '40 1'], ['10 1', '40 1']),
  },
  {
    row: behindInner,
    name: 'by a window',
    build: (input, more) => perPairWindow(paired(input, more, 'inner')),
    steps: pairs,
    append: gives([], [], ['10 2']),
    update: gives([], ['10 2'], []),
    complete: refuses(
      'OUTPUT_MODE_UNSUPPORTED',
      /a join of two streams \(inner\) only ever adds rows/,
      /outputMode\('append'\) or 'update'/,
    ),
  },
  {
    row: behindAppend,
    name: 'by user',
    build: (input) => flatMapGroups(timed(input), 'append').toDF().groupBy('user').count(),
    steps: rows,
    append: refuses('OUTPUT_MODE_UNSUPPORTED', /no watermark below it/, /withWatermark/),
    update: gives(['ada 1', 'bob 1'], ['ada 2'], ['bob 2']),
    complete: gives(['ada 1', 'bob 1'], ['ada 2', 'bob 1'], ['ada 2', 'bob 2']),
  },
]

const sortedOnlyWhole = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /a sorted result has to be given out whole/,
  /outputMode\('complete'\), or sort each epoch in foreachBatch/,
)
const sortOfEndless = refuses(
  'STREAMING_UNSUPPORTED',
  /Sorting rows that never end/,
  /Sort after an aggregation, with outputMode\('complete'\)/,
)
const limitInUpdate = refuses(
  'STREAMING_UNSUPPORTED',
  /limit in update mode/,
  /cannot be taken back: use outputMode\('append'\)/,
)

const others: readonly Shape[] = [
  {
    row: united,
    name: 'by windows of ten and of forty',
    build: (input) =>
      perWindow(timed(input)).union(
        timed(input)
          .groupBy(window('t', '40 seconds'), 'user')
          .count()
          .selectExpr('user', 'CAST(window.start AS LONG) AS start', 'count * 100 AS count'),
      ),
    steps: rows,
    append: gives([], ['ada 10 2', 'bob 10 1'], ['ada 0 200', 'ada 40 1', 'bob 0 200']),
    update: gives(
      ['ada 0 100', 'ada 10 1', 'bob 0 100', 'bob 10 1'],
      ['ada 0 200', 'ada 10 2', 'ada 40 1', 'ada 40 100'],
      // At 35 the windows up to 40 are still open: bob at 11 is late for one of the two only.
      ['bob 0 200', 'bob 40 100', 'bob 60 1'],
    ),
    complete: gives(
      ['ada 0 100', 'ada 10 1', 'bob 0 100', 'bob 10 1'],
      ['ada 0 200', 'ada 10 2', 'ada 40 1', 'ada 40 100', 'bob 0 100', 'bob 10 1'],
      [
        ...['ada 0 200', 'ada 10 2', 'ada 40 1', 'ada 40 100'],
        ...['bob 0 200', 'bob 10 2', 'bob 40 100', 'bob 60 1'],
      ],
    ),
  },
  {
    row: '`orderBy` behind an aggregation',
    name: 'by count',
    build: (input) => input.groupBy('user').count().orderBy(col('count').desc(), col('user')),
    isSorted: true,
    steps: rows.slice(0, 2),
    append: sortedOnlyWhole,
    update: sortedOnlyWhole,
    complete: gives(['ada 1', 'bob 1'], ['ada 3', 'bob 1']),
  },
  {
    row: '`orderBy` of anything else',
    name: 'by value',
    build: (input) => input.orderBy('v'),
    steps: [],
    append: sortOfEndless,
    update: sortOfEndless,
    complete: sortOfEndless,
  },
  {
    row: '`limit` behind an aggregation',
    name: 'the first windows',
    build: (input) => perWindow(timed(input)).selectExpr("'w' AS w").limit(2),
    // Two windows use the limit up for ever; of a whole answer it takes two rows each time.
    steps: [[['ada 12 1']], [['ada 45 4']], [['bob 60 6']], [['ada 90 7']]],
    append: gives([], ['w'], ['w'], []),
    update: limitInUpdate,
    complete: gives(['w'], ['w', 'w'], ['w', 'w'], ['w', 'w']),
  },
  {
    row: '`limit` of anything else',
    name: 'of rows',
    build: (input) => input.select('user', 'v').limit(3),
    steps: rows,
    append: gives(['ada 1', 'bob 2'], ['ada 3'], []),
    update: limitInUpdate,
    complete: keepsEverything,
  },
]

/** Stateful operators behind each other, and what is done with the rows of an aggregation. */
export const chainedShapes: readonly Shape[] = [...chained, ...allowed, ...others]
