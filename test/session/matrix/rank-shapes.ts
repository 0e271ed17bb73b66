import { col, desc, row_number, sum, Window, window } from '../../../src/functions.ts'
import type { DataFrame } from '../../../src/index.ts'
import { gives, refuses, timed } from './cell.ts'
import { rows, type Shape } from './shape.ts'

const inTime = '`row_number() <= n` with the event time in `partitionBy` (*ours: Spark refuses*)'
const unmarked = '`row_number() <= n` without (*ours*)'
const ofGroups = '`row_number() <= n` of an aggregation, by its keys (*ours*)'
const ofSome =
  '`row_number() <= n` of an aggregation, by other columns or behind a filter of its results (*ours*)'
const unbounded = '`row_number()` of a stream without a bound'

const best = (frame: DataFrame, ...partition: readonly string[]): DataFrame =>
  frame
    .withColumn('place', row_number().over(Window.partitionBy(...partition).orderBy(desc('v'))))
    .filter('place <= 1')
const windowed = (frame: DataFrame): DataFrame =>
  timed(frame).withColumn('w', window('t', '10 seconds'))
const shown = (frame: DataFrame): DataFrame =>
  frame.selectExpr('user', 'CAST(w.start AS LONG) AS start', 'v')
const sums = (frame: DataFrame): DataFrame =>
  timed(frame).groupBy(window('t', '10 seconds').alias('w'), 'user').agg(sum('v').alias('v'))

const noWatermark = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /append.*row_number\(\) has no watermark below it.*no partition is ever finished/,
  /withWatermark.*partitionBy.*outputMode\('update'\)/,
)
const noBound = refuses(
  'STREAMING_UNSUPPORTED',
  /window function row_number\(\) over all rows/,
  /Filter the number right after it.*place <= 10/,
)

/** Rankings, which Spark has for batches only. */
export const rankShapes: readonly Shape[] = [
  {
    row: inTime,
    name: 'by window',
    build: (input) => shown(best(windowed(input), 'w')),
    steps: rows,
    append: gives([], ['ada 10 3'], ['ada 40 4']),
    update: gives(['bob 10 2'], ['ada 10 3', 'ada 40 4'], ['bob 60 6']),
    // Nobody is late: bob at 11 is the best of the first window.
    complete: gives(['bob 10 2'], ['ada 10 3', 'ada 40 4'], ['ada 40 4', 'bob 10 5', 'bob 60 6']),
  },
  {
    row: unmarked,
    name: 'no watermark',
    build: (input) => best(input, 'user').select('user', 'v'),
    steps: rows,
    append: noWatermark,
    update: gives(['ada 1', 'bob 2'], ['ada 4'], ['bob 6']),
    complete: gives(['ada 1', 'bob 2'], ['ada 4', 'bob 2'], ['ada 4', 'bob 6']),
  },
  {
    row: unmarked,
    name: 'a watermark on another column',
    build: (input) => best(timed(input), 'user').select('user', 'v'),
    steps: rows,
    append: refuses(
      'OUTPUT_MODE_UNSUPPORTED',
      /append.*the watermark is on t, which is not among the columns of partitionBy \[user\]/,
      /window\(t, …\).*outputMode\('update'\)/,
    ),
    update: gives(['ada 1', 'bob 2'], ['ada 4'], ['bob 6']),
    complete: gives(['ada 1', 'bob 2'], ['ada 4', 'bob 2'], ['ada 4', 'bob 6']),
  },
  {
    row: ofGroups,
    name: 'the best of each window',
    build: (input) => shown(best(sums(input), 'w')),
    steps: rows,
    append: gives([], ['ada 10 4'], ['ada 40 4']),
    update: gives(['bob 10 2'], ['ada 10 4', 'ada 40 4'], ['bob 60 6']),
    complete: gives(['bob 10 2'], ['ada 10 4', 'ada 40 4'], ['ada 40 4', 'bob 10 7', 'bob 60 6']),
  },
  {
    row: ofSome,
    name: 'a filter of sums',
    build: (input) => shown(best(sums(input).filter('v > 1'), 'w')),
    steps: rows,
    append: gives([], ['ada 10 4'], ['ada 40 4']),
    update: refuses(
      'OUTPUT_MODE_UNSUPPORTED',
      /update.*no longer passes the filter.*taken out of the ranking/,
      /filter after row_number\(\).*outputMode\('complete'\)/,
    ),
    complete: gives(['bob 10 2'], ['ada 10 4', 'ada 40 4'], ['ada 40 4', 'bob 10 7', 'bob 60 6']),
  },
  {
    row: ofSome,
    name: 'by whether a sum is large',
    build: (input) =>
      shown(best(sums(input).withColumn('isLarge', col('v').gt(2)), 'w', 'isLarge')),
    steps: rows,
    append: gives([], ['ada 10 4', 'bob 10 2'], ['ada 40 4']),
    update: refuses(
      'OUTPUT_MODE_UNSUPPORTED',
      /update.*isLarge.*is not a key of the aggregation/,
      /keys of groupBy/,
    ),
    complete: gives(
      ['bob 10 2'],
      ['ada 10 4', 'ada 40 4', 'bob 10 2'],
      ['ada 40 4', 'bob 10 7', 'bob 60 6'],
    ),
  },
  {
    row: unbounded,
    name: 'every number',
    build: (input) =>
      input.withColumn('place', row_number().over(Window.partitionBy('user').orderBy('v'))),
    steps: [],
    append: noBound,
    update: noBound,
    complete: noBound,
  },
]
