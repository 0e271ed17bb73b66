import { expect, test } from 'vitest'
import { col, expr, window } from '../../src/functions.ts'
import { oracleLaunch } from './oracle-launch.ts'

const launch = oracleLaunch()
const people = launch.frame('id INT, name STRING', [
  { id: 1, name: 'Ann' },
  { id: 2, name: 'Bob' },
  { id: null, name: 'Eve' },
])
const orders = launch.frame('id BIGINT, price INT', [
  { id: 2n, price: 10 },
  { id: 2n, price: 20 },
  { id: 3n, price: 30 },
])

const byName: readonly (readonly [string, readonly string[], readonly (readonly unknown[])[]])[] = [
  [
    'inner',
    ['id', 'name', 'price'],
    [
      [2, 'Bob', 10],
      [2, 'Bob', 20],
    ],
  ],
  [
    'left_outer',
    ['id', 'name', 'price'],
    [
      [1, 'Ann', null],
      [2, 'Bob', 10],
      [2, 'Bob', 20],
      [null, 'Eve', null],
    ],
  ],
  [
    'RIGHT',
    ['id', 'name', 'price'],
    [
      [2n, 'Bob', 10],
      [2n, 'Bob', 20],
      [3n, null, 30],
    ],
  ],
  [
    'outer',
    ['id', 'name', 'price'],
    [
      [1n, 'Ann', null],
      [2n, 'Bob', 10],
      [2n, 'Bob', 20],
      [3n, null, 30],
      [null, 'Eve', null],
    ],
  ],
  ['leftSemi', ['id', 'name'], [[2, 'Bob']]],
  [
    'anti',
    ['id', 'name'],
    [
      [1, 'Ann'],
      [null, 'Eve'],
    ],
  ],
]

test.each(byName)('a %s join by a name has that column once, first', async (how, columns, rows) => {
  const joined = people.join(orders, ['id'], how)
  expect(joined.columns).toEqual(columns)
  const found = (await joined.collect()).map((row) => columns.map((name) => row[name]))
  expect(new Set(found.map(textOf))).toEqual(new Set(rows.map(textOf)))
  expect(found).toHaveLength(rows.length)
})

const textOf = (row: readonly unknown[]): string => row.map(String).join('|')

test('columns of both sides are told apart by the names of their frames, in every later step', async () => {
  const a = people.alias('a')
  const b = people.alias('b')
  const pairs = a.join(b, col('a.id').eqNullSafe(col('b.id')))
  expect(pairs.select('b.*').columns).toEqual(['id', 'name'])
  expect(pairs.drop('b.id', 'a.name').columns).toEqual(['id', 'name'])
  const counted = pairs
    .filter("a.name <> 'Ann' OR b.id IS NULL")
    .withColumn('both', expr('concat(a.name, b.name)'))
    .groupBy('a.id')
    .count()
  expect(counted.columns).toEqual(['id', 'count'])
  expect(await pairs.filter('b.id = 2').select(col('a.name')).collect()).toEqual([{ name: 'Bob' }])
  expect(() => pairs.select('id')).toThrow(
    expect.objectContaining({ code: 'AMBIGUOUS_COLUMN', message: expect.stringContaining('a.id') }),
  )
  expect(() => pairs.select('b.nam')).toThrow(
    expect.objectContaining({ code: 'COLUMN_NOT_FOUND', hint: expect.stringContaining('b.name') }),
  )
  expect(() => people.join(people, col('id').eq(col('id')))).toThrow(
    expect.objectContaining({ code: 'AMBIGUOUS_COLUMN' }),
  )
})

test('what is joined on and how is checked at once', () => {
  const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' })
  expect(() => people.join(orders, 'id', 'lefty')).toThrow(invalid)
  expect(() => people.join(orders, ['id', col('price').gt(1)])).toThrow(invalid)
  expect(() => people.join(orders, col('price'))).toThrow(
    expect.objectContaining({ code: 'DATATYPE_MISMATCH' }),
  )
  expect(() => people.join(orders, 'name')).toThrow(
    expect.objectContaining({ code: 'COLUMN_NOT_FOUND' }),
  )
  expect(people.crossJoin(orders).columns).toEqual(['id', 'name', 'id', 'price'])
})

const clicks = launch.frame('id INT, at TIMESTAMP', [], { streaming: true })
const l = clicks.withWatermark('at', '1 minute').alias('l')
const r = clicks.withWatermark('at', '1 minute').alias('r')
const sameId = col('l.id').eq(col('r.id'))
const near = expr('l.at BETWEEN r.at AND r.at + INTERVAL 1 HOUR')
const oneWay = expr('l.at > r.at')

type Start = readonly [why: string, code: string, how: string, on: readonly unknown[], mode: string]

const refused: readonly Start[] = [
  ['without an equality', 'STREAMING_UNSUPPORTED', 'inner', [near], 'append'],
  ['outer without a bound', 'STREAMING_UNSUPPORTED', 'left', [sameId], 'append'],
  [
    'right outer bound on the wrong side',
    'STREAMING_UNSUPPORTED',
    'right',
    [sameId, oneWay],
    'append',
  ],
  ['semi without a bound', 'STREAMING_UNSUPPORTED', 'semi', [sameId], 'append'],
  ['anti without a bound', 'STREAMING_UNSUPPORTED', 'anti', [sameId], 'append'],
  ['outer in update mode', 'OUTPUT_MODE_UNSUPPORTED', 'full', [sameId, near], 'update'],
  ['anti in update mode', 'OUTPUT_MODE_UNSUPPORTED', 'anti', [sameId, near], 'update'],
  ['inner in complete mode', 'OUTPUT_MODE_UNSUPPORTED', 'inner', [sameId], 'complete'],
]

const allowed: readonly Start[] = [
  ['', '', 'inner', [sameId], 'append'],
  ['', '', 'inner', [sameId], 'update'],
  ['', '', 'semi', [sameId, near], 'update'],
  ['', '', 'left', [sameId, oneWay], 'append'],
  ['', '', 'right', [sameId, near], 'append'],
  ['', '', 'full', [sameId, near], 'append'],
  ['', '', 'anti', [sameId, col('l.at').eq(col('r.at'))], 'append'],
]

const start = ([, , how, on, mode]: Start): unknown =>
  l
    .join(r, on as readonly (typeof sameId)[], how)
    .writeStream.outputMode(mode)
    .format('noop')
    .start()

test.each(refused)('a join of two streams is refused: %s', (...given) => {
  expect(() => start(given)).toThrow(expect.objectContaining({ code: given[1] }))
})

test('joins of two streams that end by themselves are taken', () => {
  for (const given of allowed) expect(() => start(given)).not.toThrow()
})

test('a frame that does not stream is looked up by a stream, not waited for', () => {
  const starts = (how: string, left = clicks, right = people) =>
    left.join(right, 'id', how).writeStream.format('noop').start()
  for (const how of ['inner', 'left', 'semi', 'anti']) expect(() => starts(how)).not.toThrow()
  for (const how of ['inner', 'right']) expect(() => starts(how, people, clicks)).not.toThrow()
  const wrong = expect.objectContaining({ code: 'STREAMING_UNSUPPORTED' })
  for (const how of ['right', 'full']) expect(() => starts(how)).toThrow(wrong)
  for (const how of ['left', 'full', 'semi', 'anti']) {
    expect(() => starts(how, people, clicks)).toThrow(wrong)
  }
})

test('an aggregation after a join, or before it, keeps to the modes of both', () => {
  const counted = l.join(r, [sameId, near]).groupBy(window('l.at', '1 minute')).count()
  const begin = (mode: string) => counted.writeStream.outputMode(mode).format('noop').start()
  expect(() => begin('append')).not.toThrow()
  expect(() => begin('update')).not.toThrow()
  const wrong = expect.objectContaining({ code: 'OUTPUT_MODE_UNSUPPORTED' })
  expect(() => begin('complete')).toThrow(wrong)
  const totals = clicks
    .withWatermark('at', '1 minute')
    .groupBy(window('at', '1 minute'), 'id')
    .count()
  const joined = totals.alias('t').join(clicks.alias('c'), col('t.id').eq(col('c.id')))
  expect(() => joined.writeStream.outputMode('update').format('noop').start()).toThrow(wrong)
  expect(() => joined.writeStream.outputMode('append').format('noop').start()).not.toThrow()
})
