import { expr } from '../../../src/functions.ts'
import type { DataFrame } from '../../../src/index.ts'
import { gives, type More, refuses, type Step, timed } from './cell.ts'
import type { Shape } from './shape.ts'

const inner = 'join of streams, inner'
const semi = 'join of streams, left semi'
const outer = 'join of streams, left, right or full outer'
const anti = 'join of streams, left anti (*ours: Spark refuses*)'

/** Rows of the right at most five seconds behind a row of the left of the same user. */
export const paired = (input: DataFrame, { other }: More, how: string): DataFrame =>
  timed(input)
    .alias('l')
    .join(
      timed(other).alias('r'),
      [expr('l.user = r.user'), expr('r.t BETWEEN l.t AND l.t + INTERVAL 5 SECONDS')],
      how,
    )

/** The watermark stays at 3 until the third step, where it reaches 50. */
export const pairs: readonly Step[] = [
  [
    ['ada 12 1', 'cid 13 8'],
    ['bob 14 2', 'dan 13 9'],
  ],
  [['bob 12 3'], ['ada 15 4', 'ada 30 5']],
  [['ada 60 6'], ['bob 61 7']],
]

const both = (frame: DataFrame): DataFrame =>
  frame.selectExpr('coalesce(l.user, r.user) AS user', 'l.v AS lv', 'r.v AS rv')
const addsOnly = (type: string) =>
  refuses(
    'OUTPUT_MODE_UNSUPPORTED',
    new RegExp(`a join of two streams \\(${type}\\) only ever adds rows`),
    /outputMode\('append'\)/,
  )

const outerShape = (how: string, type: string, unmatched: readonly string[]): Shape => ({
  row: outer,
  name: type,
  build: (input, more) => both(paired(input, more, how)),
  steps: pairs,
  append: gives([], ['ada 1 4', 'bob 3 2'], unmatched),
  update: addsOnly(type),
  complete: addsOnly(type),
})

/** Joins of two streams. */
export const joinShapes: readonly Shape[] = [
  {
    row: inner,
    name: 'within a time',
    build: (input, more) => both(paired(input, more, 'inner')),
    steps: pairs,
    append: gives([], ['ada 1 4', 'bob 3 2'], []),
    update: gives([], ['ada 1 4', 'bob 3 2'], []),
    complete: addsOnly('inner'),
  },
  {
    row: inner,
    name: 'a filter of all pairs',
    build: (input, { other }) =>
      timed(input)
        .alias('l')
        .crossJoin(timed(other).alias('r'))
        .selectExpr(
          'l.user AS u',
          'l.t AS lt',
          'l.v AS lv',
          'r.user AS ru',
          'r.t AS rt',
          'r.v AS rv',
        )
        .where('u = ru')
        .where('rt BETWEEN lt AND lt + INTERVAL 5 SECONDS')
        .select('u', 'lv', 'rv'),
    steps: pairs,
    append: gives([], ['ada 1 4', 'bob 3 2'], []),
    update: gives([], ['ada 1 4', 'bob 3 2'], []),
    complete: addsOnly('inner'),
  },
  {
    row: inner,
    name: 'without a bound',
    build: (input, { other }) =>
      both(input.alias('l').join(other.alias('r'), expr('l.user = r.user'))),
    steps: pairs,
    append: gives([], ['ada 1 4', 'ada 1 5', 'bob 3 2'], ['ada 6 4', 'ada 6 5', 'bob 3 7']),
    update: gives([], ['ada 1 4', 'ada 1 5', 'bob 3 2'], ['ada 6 4', 'ada 6 5', 'bob 3 7']),
    complete: addsOnly('inner'),
  },
  {
    row: semi,
    name: 'within a time',
    build: (input, more) => paired(input, more, 'leftsemi').select('user', 'v'),
    steps: pairs,
    append: gives([], ['ada 1', 'bob 3'], []),
    update: gives([], ['ada 1', 'bob 3'], []),
    complete: addsOnly('left semi'),
  },
  outerShape('left', 'left outer', ['cid 8 null']),
  outerShape('right', 'right outer', ['ada null 5', 'dan null 9']),
  outerShape('full', 'full outer', ['ada null 5', 'cid 8 null', 'dan null 9']),
  {
    row: anti,
    name: 'within a time',
    build: (input, more) => paired(input, more, 'leftanti').select('user', 'v'),
    steps: pairs,
    append: gives([], [], ['cid 8']),
    update: addsOnly('left anti'),
    complete: addsOnly('left anti'),
  },
]
