import { session_window, window } from '../../../src/functions.ts'
import type { DataFrame } from '../../../src/index.ts'
import { gives, refuses, timed } from './cell.ts'
import { keepsEverything, rows, type Shape } from './shape.ts'

const stateless = 'select, filter, explode, union, join with a table'
const byEventTime = 'aggregation with the event time of a watermark among its keys'
const unmarked = 'aggregation without a watermark'
const otherColumn = 'aggregation with the watermark on another column, or declared behind it'
const sessions = 'session windows with another key'
const lonelySessions = 'session windows without another key'
const inTime = '`dropDuplicates` with the event time among its columns'
const forEver = '`dropDuplicates`, `distinct` without, under `allowUnbounded`'
const within = '`dropDuplicatesWithinWatermark`'

export const perWindow = (frame: DataFrame): DataFrame =>
  frame
    .groupBy(window('t', '10 seconds'), 'user')
    .count()
    .selectExpr('user', 'CAST(window.start AS LONG) AS start', 'count')
const perTime = (frame: DataFrame): DataFrame => frame.groupBy('t', 'user').count()
const seconds = (frame: DataFrame): DataFrame =>
  frame.selectExpr('CAST(t AS LONG) AS s', 'user', 'count')
const perUser = (frame: DataFrame): DataFrame => frame.groupBy('user').count()
const perSession = (frame: DataFrame): DataFrame =>
  frame
    .groupBy('user', session_window('t', '5 seconds'))
    .count()
    .selectExpr(
      'user',
      'CAST(session_window.start AS LONG) AS start',
      'CAST(session_window.end AS LONG) AS until',
      'count',
    )

const withoutWatermark = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /append.*no watermark below it.*no group is ever finished/,
  /withWatermark.*window.*outputMode\('update'\)/,
)
/** Nobody is late and nobody forgotten: bob at 11 counts. */
const changedUsers = gives(['ada 1', 'bob 1'], ['ada 3'], ['bob 3'])
const allUsers = gives(['ada 1', 'bob 1'], ['ada 3', 'bob 1'], ['ada 3', 'bob 3'])

const statelessShapes: readonly Shape[] = [
  {
    row: stateless,
    name: 'select and filter',
    build: (input) => timed(input).filter('v > 1').selectExpr('user', 'v * 10 AS ten'),
    steps: rows,
    append: gives(['bob 20'], ['ada 30', 'ada 40'], ['bob 50', 'bob 60']),
    update: gives(['bob 20'], ['ada 30', 'ada 40'], ['bob 50', 'bob 60']),
    complete: keepsEverything,
  },
  {
    row: stateless,
    name: 'explode',
    build: (input) => input.selectExpr('user', 'explode(array(v, v * 10)) AS n').filter('n > 9'),
    steps: rows,
    append: gives(['ada 10', 'bob 20'], ['ada 30', 'ada 40'], ['bob 50', 'bob 60']),
    update: gives(['ada 10', 'bob 20'], ['ada 30', 'ada 40'], ['bob 50', 'bob 60']),
    complete: keepsEverything,
  },
  {
    row: stateless,
    name: 'union of streams',
    build: (input, { other }) =>
      input.filter('v = 1').union(other.filter('v = 7')).select('user', 'v'),
    steps: [[['ada 12 1', 'bob 14 2'], ['cid 1 7']], [['ada 13 1']], [[], ['bob 9 7']]],
    append: gives(['ada 1', 'cid 7'], ['ada 1'], ['bob 7']),
    update: gives(['ada 1', 'cid 7'], ['ada 1'], ['bob 7']),
    complete: keepsEverything,
  },
  {
    row: stateless,
    name: 'join with a table',
    build: (input, { table }) => timed(input).join(table, 'user').select('user', 'v', 'city'),
    steps: rows,
    append: gives(['ada 1 Rome'], ['ada 3 Rome', 'ada 4 Rome'], []),
    update: gives(['ada 1 Rome'], ['ada 3 Rome', 'ada 4 Rome'], []),
    complete: keepsEverything,
  },
]

const aggregations: readonly Shape[] = [
  {
    row: byEventTime,
    name: 'by a window',
    build: (input) => perWindow(timed(input)),
    steps: rows,
    append: gives([], ['ada 10 2', 'bob 10 1'], ['ada 40 1']),
    update: gives(['ada 10 1', 'bob 10 1'], ['ada 10 2', 'ada 40 1'], ['bob 60 1']),
    complete: gives(
      ['ada 10 1', 'bob 10 1'],
      ['ada 10 2', 'ada 40 1', 'bob 10 1'],
      ['ada 10 2', 'ada 40 1', 'bob 10 2', 'bob 60 1'],
    ),
  },
  {
    row: byEventTime,
    name: 'by the time itself',
    build: (input) => seconds(perTime(timed(input))),
    steps: rows,
    append: gives([], ['12 ada 1', '13 ada 1', '14 bob 1'], ['45 ada 1']),
    update: gives(['12 ada 1', '14 bob 1'], ['13 ada 1', '45 ada 1'], ['60 bob 1']),
    complete: gives(
      ['12 ada 1', '14 bob 1'],
      ['12 ada 1', '13 ada 1', '14 bob 1', '45 ada 1'],
      ['11 bob 1', '12 ada 1', '13 ada 1', '14 bob 1', '45 ada 1', '60 bob 1'],
    ),
  },
  {
    row: unmarked,
    name: 'by a column',
    build: perUser,
    steps: rows,
    append: withoutWatermark,
    update: changedUsers,
    complete: allUsers,
  },
  {
    row: unmarked,
    name: 'of everything',
    build: (input) => input.groupBy().count(),
    steps: rows,
    append: withoutWatermark,
    update: gives(['2'], ['4'], ['6']),
    complete: gives(['2'], ['4'], ['6']),
  },
  {
    row: unmarked,
    name: 'by a window',
    build: perWindow,
    steps: rows,
    append: withoutWatermark,
    update: gives(['ada 10 1', 'bob 10 1'], ['ada 10 2', 'ada 40 1'], ['bob 10 2', 'bob 60 1']),
    complete: gives(
      ['ada 10 1', 'bob 10 1'],
      ['ada 10 2', 'ada 40 1', 'bob 10 1'],
      ['ada 10 2', 'ada 40 1', 'bob 10 2', 'bob 60 1'],
    ),
  },
  {
    row: otherColumn,
    name: 'on another column',
    build: (input) => perUser(timed(input)),
    steps: rows,
    append: refuses(
      'OUTPUT_MODE_UNSUPPORTED',
      /watermark is on t, which is not among the grouping keys \[user\]/,
      /Group by window\(t, …\) or by t, or use outputMode\('update'\)/,
    ),
    update: changedUsers,
    complete: allUsers,
  },
  {
    row: otherColumn,
    name: 'declared behind the aggregation',
    build: (input) => seconds(timed(perTime(input))),
    steps: rows,
    append: withoutWatermark,
    update: gives(['12 ada 1', '14 bob 1'], ['13 ada 1', '45 ada 1'], ['11 bob 1', '60 bob 1']),
    complete: gives(
      ['12 ada 1', '14 bob 1'],
      ['12 ada 1', '13 ada 1', '14 bob 1', '45 ada 1'],
      ['11 bob 1', '12 ada 1', '13 ada 1', '14 bob 1', '45 ada 1', '60 bob 1'],
    ),
  },
]

const noOtherKey = refuses(
  'STREAMING_UNSUPPORTED',
  /session window session_window without another key/,
  /groupBy\('user', session_window/,
)

const notUpdated = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /update.*sessions \(session_window\) merge.*could not be taken back/,
  /outputMode\('append'\).*outputMode\('complete'\)/,
)

const sessionShapes: readonly Shape[] = [
  {
    row: sessions,
    name: 'by user',
    build: (input) => perSession(timed(input)),
    steps: rows,
    append: gives([], ['ada 12 18 2', 'bob 14 19 1'], ['ada 45 50 1']),
    update: notUpdated,
    complete: gives(
      ['ada 12 17 1', 'bob 14 19 1'],
      ['ada 12 18 2', 'ada 45 50 1', 'bob 14 19 1'],
      // Nobody is late in complete mode: the row at 11 is put in front.
      ['ada 12 18 2', 'ada 45 50 1', 'bob 11 19 2', 'bob 60 65 1'],
    ),
  },
  {
    row: lonelySessions,
    name: 'alone',
    build: (input) => timed(input).groupBy(session_window('t', '5 seconds')).count(),
    steps: [],
    append: noOtherKey,
    update: notUpdated,
    complete: noOtherKey,
  },
]

const unbounded = refuses(
  'STATE_UNBOUNDED',
  /dropDuplicates\(user\) would remember every key for ever: the event time t is not among/,
  /Add the event time to its columns, or use dropDuplicatesWithinWatermark.*allowUnbounded/,
)
const noWatermark = refuses('WATERMARK_INVALID', /no watermark/, /withWatermark/)

const duplicates: readonly Shape[] = [
  {
    row: inTime,
    name: 'of user and time',
    build: (input) =>
      timed(input).dropDuplicates('user', 't').selectExpr('user', 'CAST(t AS LONG) AS s', 'v'),
    // The key at 12 is forgotten at 35, so that the third ada would be new, if she were not late.
    steps: [[['ada 12 1', 'ada 12 2']], [['ada 12 3', 'bob 45 4']], [['ada 12 5', 'bob 45 6']]],
    append: gives(['ada 12 1'], ['bob 45 4'], []),
    update: gives(['ada 12 1'], ['bob 45 4'], []),
    complete: keepsEverything,
  },
  {
    row: forEver,
    name: 'dropDuplicates',
    build: (input) => input.dropDuplicates('user').select('user', 'v'),
    options: { allowUnbounded: 'true' },
    steps: rows,
    append: gives(['ada 1', 'bob 2'], [], []),
    update: gives(['ada 1', 'bob 2'], [], []),
    complete: keepsEverything,
  },
  {
    row: forEver,
    name: 'distinct',
    build: (input) => input.select('user').distinct(),
    options: { allowUnbounded: 'true' },
    steps: rows,
    append: gives(['ada', 'bob'], [], []),
    update: gives(['ada', 'bob'], [], []),
    complete: keepsEverything,
  },
  {
    row: "`dropDuplicates`, `distinct` without (*ours: refused; Spark's state grows*)",
    name: 'dropDuplicates',
    build: (input) => timed(input).dropDuplicates('user'),
    steps: [],
    append: unbounded,
    update: unbounded,
    complete: keepsEverything,
  },
  {
    row: within,
    name: 'of user',
    build: (input) => timed(input).dropDuplicatesWithinWatermark('user').select('user', 'v'),
    // Both are remembered until 22 and 24, so through the second step, and not into the third.
    steps: rows,
    append: gives(['ada 1', 'bob 2'], [], ['bob 6']),
    update: gives(['ada 1', 'bob 2'], [], ['bob 6']),
    complete: keepsEverything,
  },
  {
    row: `${within} without a watermark`,
    name: 'of user',
    build: (input) => input.dropDuplicatesWithinWatermark('user'),
    steps: [],
    append: noWatermark,
    update: noWatermark,
    complete: noWatermark,
  },
]

/** Queries of one operator over one stream, and those without any state. */
export const simpleShapes: readonly Shape[] = [
  ...statelessShapes,
  ...aggregations,
  ...sessionShapes,
  ...duplicates,
]
