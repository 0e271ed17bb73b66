import { expect, test } from 'vitest'
import { expr } from '../../src/functions.ts'
import { analyze } from '../../src/plan/analyze.ts'
import type { AsofJoin, LogicalPlan, SaveMode } from '../../src/plan/logical.ts'
import { optimize } from '../../src/plan/optimize.ts'
import { growingState } from '../../src/plan/state-growth.ts'
import { checkStreaming } from '../../src/plan/streaming-rules.ts'
import type { UnresolvedPlan } from '../../src/plan/unresolved-plan.ts'
import { clicks, column, counted, limited, scan, sessions, watermark, windowed } from './plans.ts'

const rows = scan('clicks')
const marked = watermark(rows, 'at')
const still = scan('still', clicks, false)
const perWindow = counted(windowed(marked, 'at'), 'window', 'user')

function join(left: LogicalPlan, right: LogicalPlan, ...names: readonly string[]): LogicalPlan {
  const keys = names.map((name) => ({
    left: column(left, name),
    right: column(right, name),
    nullSafe: false,
  }))
  return { kind: 'join', left, right, type: 'inner', keys }
}

function best(input: LogicalPlan, ...names: readonly string[]): LogicalPlan {
  const partition = names.map((name) => column(input, name))
  const order = [{ expression: column(input, 'price'), descending: true, nullsFirst: false }]
  return { kind: 'topN', input, partition, order, limit: 3, name: 'place' }
}

/** One row for the whole stream, of which the aggregate keeps what it keeps. */
function overAll(written: string): LogicalPlan {
  const scanned = { kind: 'scan', scan: rows } as const
  return analyze({
    kind: 'aggregate',
    input: scanned,
    keys: [],
    aggregates: [expr(written).expression],
  })
}

function newest(within: Partial<AsofJoin>, ...names: readonly string[]): LogicalPlan {
  const other = watermark(scan('others'), 'at')
  const keys = names.map((name) => ({
    left: column(marked, name),
    right: column(other, name),
    nullSafe: false,
  }))
  const [leftTime, rightTime] = [1, 1]
  return {
    kind: 'asofJoin',
    left: marked,
    right: other,
    type: 'inner',
    keys,
    leftTime,
    rightTime,
    ...within,
  }
}

const ranking = 'row_number() over (partition by user)'
const groups = 'groupBy(window, user)'
const sides = ['The left side of the join', 'The right side of the join']

test.each<[string, LogicalPlan, SaveMode, readonly string[]]>([
  ['rows', rows, 'append', []],
  ['groups that close', perWindow, 'append', []],
  ['groups that are forgotten', perWindow, 'update', []],
  ['groups that complete mode keeps', perWindow, 'complete', [groups]],
  ['groups without a watermark', counted(rows, 'user'), 'update', ['groupBy(user)']],
  ['groups without the time', counted(marked, 'user'), 'update', ['groupBy(user)']],
  [
    'sessions that complete mode keeps',
    counted(sessions(marked, 'at'), 'user', 'session'),
    'complete',
    ['groupBy(user, session)'],
  ],
  ['one group', counted(rows), 'complete', []],
  ['groups of a batch', counted(still, 'user'), 'complete', []],
  [
    'groups over groups',
    counted(counted(rows, 'user'), 'user'),
    'update',
    ['groupBy(user)', 'groupBy(user)'],
  ],
  ['a join of streams without bounds', join(rows, scan('others'), 'user'), 'append', sides],
  ['a join of streams by their times', join(marked, marked, 'at'), 'append', []],
  ['a join with a batch', join(rows, still, 'user'), 'append', []],
  ['a limit', limited(rows), 'append', []],
  ['the best of each partition', best(rows, 'user'), 'update', [ranking]],
  [
    'the best that complete mode keeps',
    best(marked, 'at'),
    'complete',
    ['row_number() over (partition by at)'],
  ],
  ['the best of each time', best(marked, 'at'), 'update', []],
  ['the best of all', best(rows), 'update', []],
  [
    'the newest row of each key',
    newest({}, 'user'),
    'append',
    ['The right side of the as-of join'],
  ],
  ['the newest row of each key for a time', newest({ toleranceMicros: 1 }, 'user'), 'append', []],
  ['the newest row of all', newest({}), 'append', []],
])('%s: what grows', (_what, plan, mode, operators) => {
  expect(growingState(plan, mode).map(({ operator }) => operator)).toEqual(operators)
})

// What docs/aggregates.md marks with **grows**, and what it does not.
const growing = [
  'collect_list(price)',
  'array_agg(price)',
  'collect_set(price)',
  'count(DISTINCT price)',
  'sum(DISTINCT price)',
  'avg(DISTINCT price)',
  'mode(price)',
  'median(price)',
  'percentile(price, 0.5)',
]
const bounded = [
  'count(price)',
  'sum(price)',
  'max(DISTINCT price)',
  'first(price)',
  'max_by(user, price)',
  'stddev(price)',
  'approx_count_distinct(price)',
  'percentile_approx(price, 0.5)',
]

test.each(['update', 'complete'] as const)(
  'without keys an aggregate that grows is named in %s mode',
  (mode) => {
    for (const each of growing) expect(growingState(overAll(each), mode)).toHaveLength(1)
    for (const each of bounded) expect(growingState(overAll(each), mode)).toEqual([])
    const [state] = growingState(overAll('mode(price)'), mode)
    expect(state?.operator).toBe('mode(price)')
    expect(state?.fix).toContain('withWatermark')
  },
)

test('what a filter says of the pairs of a join bounds its state, too', () => {
  const side = (name: string): UnresolvedPlan => ({
    kind: 'alias',
    input: { kind: 'resolved', plan: watermark(scan(name), 'at') },
    name,
  })
  const plan = (where: string) =>
    optimize(
      analyze({
        kind: 'filter',
        input: { kind: 'join', left: side('a'), right: side('b'), type: 'inner' },
        predicate: expr(where).expression,
      }),
    )
  const grows = (where: string) =>
    growingState(plan(where), 'append').map(({ operator }) => operator)
  expect(grows('a.at = b.at')).toEqual([])
  expect(grows('a.user = b.user AND a.at BETWEEN b.at AND b.at + INTERVAL 1 HOUR')).toEqual([])
  expect(grows('a.user = b.user')).toEqual(sides)
  expect(() => checkStreaming(plan('a.price < b.price'), 'append')).toThrow('without an equality')
})

test('what is said of it names the reason and a way out', () => {
  const [state] = growingState(counted(rows, 'user'), 'update')
  expect(state?.why).toContain('no event time of a watermark')
  expect(state?.fix).toContain('withWatermark')
})
