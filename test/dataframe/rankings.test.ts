import { expect, test } from 'vitest'
import type { ColumnOrName } from '../../src/dataframe/column.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { asc, col, desc, expr, lit, row_number, sum, Window, window } from '../../src/functions.ts'
import { oracleLaunch } from './oracle-launch.ts'

const launch = oracleLaunch()
const games = launch.frame('player STRING, score INT, at TIMESTAMP', [
  { player: 'ada', score: 5, at: new Date(1000) },
  { player: 'bob', score: 7, at: new Date(2000) },
  { player: 'ada', score: 9, at: new Date(3000) },
  { player: null, score: null, at: new Date(14_000) },
  { player: 'ada', score: 9, at: new Date(15_000) },
  { player: null, score: 1, at: new Date(16_000) },
])
const byScore = Window.partitionBy('player').orderBy(desc('score'))

async function rowsOf(frame: DataFrame): Promise<readonly string[]> {
  return (await frame.collect()).map((row) =>
    Object.values(row)
      .map((cell) => (cell instanceof Date ? cell.getTime() / 1000 : cell))
      .join(' '),
  )
}

test('rows are numbered in each partition, the earlier of equal ones first', async () => {
  const numbered = games.withColumn('rank', row_number().over(byScore))
  expect(numbered.schema.fields.at(-1)).toMatchObject({ name: 'rank', nullable: false })
  expect(numbered.dtypes.at(-1)).toEqual(['rank', 'int'])
  // NULL is a partition of its own, and lower than every score.
  expect(await rowsOf(numbered.orderBy('player', 'rank'))).toEqual([
    ' 1 16 1',
    '  14 2',
    'ada 9 3 1',
    'ada 9 15 2',
    'ada 5 1 3',
    'bob 7 2 1',
  ])
})

const orders: readonly (readonly [string, readonly ColumnOrName[], readonly string[]])[] = [
  ['ascending, nulls first', ['score'], ['', '1', '5', '7', '9', '9']],
  ['ascending, nulls last', [col('score').asc_nulls_last()], ['1', '5', '7', '9', '9', '']],
  ['descending, nulls last', [desc('score')], ['9', '9', '7', '5', '1', '']],
  [
    'descending, nulls first',
    [col('score').desc_nulls_first(), asc('at')],
    ['', '9', '9', '7', '5', '1'],
  ],
]

test.each(orders)('without a partition all rows are one, %s', async (_what, keys, scores) => {
  const numbered = games.select(
    'score',
    row_number()
      .over(Window.orderBy(...keys))
      .as('n'),
  )
  expect(await rowsOf(numbered.orderBy('n').select('score'))).toEqual(scores)
})

test('the text of SQL says the same as the methods', async () => {
  const texts = [
    'row_number() OVER (PARTITION BY player ORDER BY score DESC) AS rank',
    'ROW_NUMBER() over (partition by player order by score desc nulls last, at asc nulls first) rank',
  ]
  const methods = games.select('*', row_number().over(byScore).alias('rank')).orderBy('at')
  for (const text of texts) {
    expect(await rowsOf(games.selectExpr('*', text).orderBy('at'))).toEqual(await rowsOf(methods))
  }
})

test('a number without an alias is called as Spark calls it', () => {
  const [name] = games.select(row_number().over(byScore)).columns
  expect(name).toBe(
    'row_number() OVER (PARTITION BY player ORDER BY score DESC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)',
  )
})

test('numbers stand in expressions, beside each other and over windows of time', async () => {
  const parts = games.select(
    row_number().over(Window.orderBy('at')).plus(lit(10)).alias('late'),
    row_number()
      .over(Window.orderBy(desc('at')))
      .alias('early'),
    row_number()
      .over(Window.partitionBy(window('at', '10 seconds')).orderBy('at'))
      .alias('inWindow'),
  )
  expect(await rowsOf(parts.orderBy('late'))).toEqual([
    '11 6 1',
    '12 5 2',
    '13 4 3',
    '14 3 1',
    '15 2 2',
    '16 1 3',
  ])
})

test('partitions are given as columns, names and lists', async () => {
  const lists = Window.orderBy('at').partitionBy([col('player'), expr('score > 5')])
  const columns = Window.partitionBy('player', col('score').gt(5)).orderBy(['at'])
  const numbered = (spec: typeof lists): Promise<readonly string[]> =>
    rowsOf(games.select('at', row_number().over(spec).as('n')).orderBy('at'))
  expect(await numbered(lists)).toEqual(await numbered(columns))
  expect(await numbered(lists)).toEqual(['1 1', '2 1', '3 1', '14 1', '15 2', '16 1'])
})

const bounds: readonly (readonly [string, number | undefined])[] = [
  ['rank <= 2', 2],
  ['rank < 3', 2],
  ['rank = 2', 2],
  ['2 >= rank', 2],
  ['3 > rank', 2],
  ['2 = rank', 2],
  ['rank <= 2L', 2],
  ['rank < 2.5', 2],
  ['rank <= 1 + 1', 2],
  ['rank <= 2 AND score > 5', 2],
  ['score > 5 AND rank <= 2 AND rank <= 3', 2],
  ['rank BETWEEN 2 AND 4', 4],
  ['rank <= 0', 1],
  ['rank <= 2 OR score > 5', undefined],
  ['rank >= 2', undefined],
  ['rank <= score', undefined],
  ['score <= 2', undefined],
]

test.each(bounds)('of a filter %s the ranking knows the bound %s', (text, bound) => {
  const numbered = games.withColumn('rank', row_number().over(byScore))
  const upTo = (frame: DataFrame): string | undefined =>
    /RowNumber(?: up to (\d+))?/.exec(frame.explain())?.[1]
  const wanted = bound === undefined ? undefined : String(bound)
  expect(upTo(numbered.filter(text))).toBe(wanted)
  // Columns may be chosen and renamed in between.
  const chosen = numbered.select('score', col('rank').alias('place')).withColumn('x', lit(1))
  expect(upTo(chosen.filter(text.replaceAll('rank', 'place')))).toBe(wanted)
  // A filter above another keeps the tighter bound.
  expect(upTo(numbered.filter('rank <= 100').filter(text))).toBe(wanted ?? '100')
})

test.each(bounds)('a filter %s gives the same rows with its bound as without', async (text) => {
  const numbered = games.withColumn('rank', row_number().over(byScore))
  const all = await numbered.collect()
  const kept = launch.frame('player STRING, score INT, at TIMESTAMP, rank INT', all).filter(text)
  expect(await rowsOf(numbered.filter(text).orderBy('at'))).toEqual(
    await rowsOf(kept.orderBy('at')),
  )
})

const refusals: readonly (readonly [string, () => unknown, object])[] = [
  [
    'without a window',
    () => games.select(row_number()).columns,
    { code: 'EXPRESSION_MISPLACED', message: expect.stringContaining('row_number()') },
  ],
  [
    'without an order',
    () => games.select(row_number().over(Window.partitionBy('player'))).columns,
    { code: 'EXPRESSION_MISPLACED', hint: expect.stringContaining('orderBy') },
  ],
  [
    'with an argument',
    () => games.selectExpr('row_number(score) OVER (ORDER BY score)').columns,
    { code: 'EXPRESSION_MISPLACED', message: expect.stringContaining('takes no arguments') },
  ],
  [
    'in a filter',
    () => games.filter(row_number().over(byScore).leq(1)).columns,
    { code: 'EXPRESSION_MISPLACED', hint: expect.stringContaining('in the next step') },
  ],
  [
    'beside aggregates',
    () => games.groupBy('player').agg(sum('score'), row_number().over(byScore)).columns,
    { code: 'EXPRESSION_MISPLACED', hint: expect.stringContaining('groupBy(…).agg(…).withColumn') },
  ],
  [
    'as a grouping key',
    () => games.groupBy(row_number().over(byScore)).count().columns,
    { code: 'EXPRESSION_MISPLACED', message: expect.stringContaining('are grouped') },
  ],
  [
    'by what has no order',
    () => games.select(row_number().over(Window.orderBy(expr('map(score, 1)')))).columns,
    { code: 'DATATYPE_MISMATCH', message: expect.stringContaining('MAP') },
  ],
  [
    'of what is no function',
    () => col('score').over(byScore),
    { code: 'EXPRESSION_MISPLACED', hint: expect.stringContaining('row_number().over(') },
  ],
  [
    'with a frame',
    () =>
      games.selectExpr(
        'row_number() OVER (ORDER BY score ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)',
      ),
    { code: 'PARSE_ERROR', message: expect.stringContaining('ROWS') },
  ],
]

test.each(refusals)('row_number %s is refused', (_what, act, refusal) => {
  expect(act).toThrow(expect.objectContaining(refusal))
})
