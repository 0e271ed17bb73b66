import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { type ErrorCode, StreamError } from '../../src/core/error.ts'
import {
  count_distinct,
  monotonically_increasing_id,
  sum,
  sum_distinct,
  Window,
  window,
} from '../../src/functions.ts'
import { type DataFrame, Session } from '../../src/index.ts'
import { StringType, StructType } from '../../src/types.ts'
import { checkCell, gives, timed } from './matrix/cell.ts'
import { paired, pairs } from './matrix/join-shapes.ts'
import { keyed, mapGroups } from './matrix/program-shapes.ts'

// What Spark refuses on streams, thing by thing (the second table of docs/output-modes.md): the code, what
// the message says and what the hint advises. Nothing runs; what runs here is tested in output-modes.test.ts.

const spark = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
afterAll(() => spark.stop())

const schema = 'user STRING, t TIMESTAMP, v INT'
const stream = spark.memoryStream(schema).toDF()
const other = spark.memoryStream(schema).toDF()
const batch = spark.createDataFrame([], schema)
const start = (frame: DataFrame, mode = 'append') =>
  frame.writeStream.outputMode(mode).format('noop').start()

type Refusal = readonly [act: () => unknown, code: ErrorCode, says: string, hint: string]

const action = (name: string, act: () => unknown): Refusal => [
  act,
  'STREAMING_ACTION',
  `${name} cannot be called on a streaming frame`,
  'writeStream.start()',
]
const lacks = (name: string, act: () => unknown, hint: string): Refusal => [
  act,
  'STREAMING_UNSUPPORTED',
  `${name} is not supported on a streaming frame`,
  hint,
]
const joined = (left: DataFrame, right: DataFrame, how: string, says: string): Refusal => [
  () => start(left.join(right, 'user', how)),
  'STREAMING_UNSUPPORTED',
  says,
  'or swap the sides',
]
const onRight = (type: string): string =>
  `A ${type} join of a frame that does not stream with a stream`
const onLeft = (type: string): string =>
  `A ${type} join of a stream with a frame that does not stream`

/** Groups whose state times out by event time. */
const timeouts = (): DataFrame => {
  const user = StructType().add('user', StringType(), false)
  return keyed(timed(stream))
    .flatMapGroupsWithState(() => [], { output: user, outputMode: 'append', timeout: 'eventTime' })
    .toDF()
}
/** Sums with a time and a value again, so that they can be summed again. */
const again = (sums: DataFrame): DataFrame =>
  sums.selectExpr('user', 'CAST(NULL AS TIMESTAMP) AS t', 'sum AS v')

/** Each thing of the table in the docs, with every way to ask for it. */
const things: Readonly<Record<string, readonly Refusal[]>> = {
  'actions: `count`, `show`, `collect`, `take`, `foreach`, `write`, …': [
    action('count()', () => stream.count()),
    action('show()', () => stream.show()),
    action('collect()', () => stream.collect()),
    action('take(1)', () => stream.take(1)),
    action('foreach()', () => stream.foreach(() => {})),
    action('first()', () => stream.first()),
    action('head()', () => stream.head()),
    action('isEmpty()', () => stream.isEmpty()),
    action('toLocalIterator()', () => stream.toLocalIterator()[Symbol.asyncIterator]().next()),
    action('write', () => stream.write.json('/x')),
  ],
  '`cube`, `rollup`, `groupingSets`': [
    lacks('cube', () => stream.cube('user'), 'unionByName'),
    lacks('rollup', () => stream.rollup('user'), 'unionByName'),
    lacks('groupingSets', () => stream.groupingSets(['user']), 'unionByName'),
  ],
  '`offset`': [lacks('offset', () => stream.offset(3), 'filter by a column')],
  '`sample`': [lacks('sample', () => stream.sample(0.1), 'xxhash64')],
  '`intersect`, `intersectAll`': [
    lacks('intersect', () => stream.intersect(other), "'leftsemi'"),
    lacks('intersectAll', () => stream.intersectAll(batch), "'leftsemi'"),
  ],
  '`except`, `exceptAll`, `subtract`': [
    lacks('except', () => stream.except(batch), "'leftanti'"),
    lacks('exceptAll', () => stream.exceptAll(other), "'leftanti'"),
    lacks('subtract', () => stream.subtract(other), "'leftanti'"),
  ],
  '`cogroup`': [
    lacks('cogroup', () => stream.groupBy('user').cogroup(other.groupBy('user')), 'unionByName'),
    lacks('cogroup', () => keyed(stream).cogroup(keyed(other)), 'unionByName'),
  ],
  'functions over neighbouring rows: `lag`, `lead`, `ntile`, …': [
    [() => stream.selectExpr('lag(v, 1) AS before'), 'NOT_PROVIDED', 'lag', 'transformWithState'],
    [() => stream.selectExpr('ntile(4) AS part'), 'NOT_PROVIDED', 'ntile', 'transformWithState'],
  ],
  'other functions `over` a window: `rank`, `dense_rank`, `sum`, …': [
    [
      () => stream.selectExpr('rank() OVER (PARTITION BY user ORDER BY v)'),
      'NOT_PROVIDED',
      'rank() OVER',
      'row_number()',
    ],
    [
      () => stream.withColumn('all', sum('v').over(Window.partitionBy('user').orderBy('t'))),
      'NOT_PROVIDED',
      'sum(v) OVER',
      'groupBy',
    ],
    [
      () => stream.selectExpr('lag(v, 1) OVER (PARTITION BY user ORDER BY t)'),
      'NOT_PROVIDED',
      'lag(v, 1) OVER',
      'transformWithState',
    ],
  ],
  '`row_number()` over all rows': [
    lacks(
      'The window function row_number() over all rows',
      () => start(stream.selectExpr('row_number() OVER (PARTITION BY user ORDER BY v) AS n')),
      'Filter the number right after it',
    ),
  ],
  '`monotonically_increasing_id`': [
    [
      () => stream.select(monotonically_increasing_id()),
      'NOT_PROVIDED',
      'monotonically_increasing_id',
      'partition and offset',
    ],
    [
      () => stream.selectExpr('monotonically_increasing_id() AS id'),
      'NOT_PROVIDED',
      'monotonically_increasing_id',
      'partition and offset',
    ],
  ],
  'union of a stream with a frame that does not stream': [
    lacks(
      'A union of a streaming frame and a batch frame',
      () => start(stream.union(batch)),
      'Read both with readStream, or both with read',
    ),
    lacks(
      'A union of a streaming frame and a batch frame',
      () => start(batch.unionByName(stream)),
      'Read both with readStream, or both with read',
    ),
  ],
  'outer join that keeps the rows of a frame that does not stream': [
    joined(stream, batch, 'right', onLeft('right outer')),
    joined(stream, batch, 'full', onLeft('full outer')),
    joined(batch, stream, 'left', onRight('left outer')),
    joined(batch, stream, 'full', onRight('full outer')),
  ],
  'left semi or left anti join of such a frame with a stream': [
    joined(batch, stream, 'leftsemi', onRight('left semi')),
    joined(batch, stream, 'leftanti', onRight('left anti')),
  ],
  '`limit` in update mode': [
    lacks('limit in update mode', () => start(stream.limit(3), 'update'), "outputMode('append')"),
    lacks(
      'limit in update mode',
      () => start(stream.groupBy('user').count().limit(3), 'update'),
      "outputMode('complete')",
    ),
  ],
  '`mapGroupsWithState` twice': [
    lacks(
      'mapGroupsWithState twice in one query',
      () => start(mapGroups(again(mapGroups(timed(stream)).toDF())).toDF(), 'update'),
      'transformWithState',
    ),
  ],
  '`mapGroupsWithState` or `flatMapGroupsWithState` in event time before anything with state': [
    lacks(
      'Groups with state in event time before another stateful step',
      () => start(timeouts().groupBy('user').count(), 'update'),
      'transformWithState with an eventTimeColumn',
    ),
    lacks(
      'Groups with state in event time before another stateful step',
      () => start(timeouts().dropDuplicates('user')),
      'transformWithState with an eventTimeColumn',
    ),
  ],
  'a second watermark': [
    [
      () => timed(stream).withWatermark('t', '1 minute'),
      'WATERMARK_INVALID',
      'there is a watermark on t already',
      'Declare it once',
    ],
    [
      () => timed(stream).union(other).withWatermark('t', '1 minute'),
      'WATERMARK_INVALID',
      'there is a watermark on t already',
      'Declare it once',
    ],
  ],
}

const refused = Object.entries(things).flatMap(([thing, refusals]) =>
  refusals.map((refusal, index) => [thing, index + 1, refusal] as const),
)

test.each(refused)('%s (%i) is refused', async (_thing, _index, [act, code, says, hint]) => {
  const refusal = await refusalOf(act)
  expect(refusal?.code).toBe(code)
  expect(refusal?.message).toContain(says)
  expect(refusal?.hint).toContain(hint)
})

/** What Spark refuses and runs here. */
const lifted = {
  'distinct aggregates: `count_distinct`, `sum_distinct`': () =>
    checkCell(
      {
        build: (input) =>
          timed(input)
            .groupBy(window('t', '10 seconds'))
            .agg(count_distinct('user').alias('users'), sum_distinct('v').alias('sum'))
            .select('users', 'sum'),
        steps: [[['ada 12 1', 'bob 14 2']], [['ada 13 2', 'ada 45 4']], [['bob 60 6']]],
      },
      'append',
      gives([], ['2 3'], ['1 4']),
    ),
  'left anti join of streams': () =>
    checkCell(
      { build: (input, more) => paired(input, more, 'leftanti').select('user', 'v'), steps: pairs },
      'append',
      gives([], [], ['cid 8']),
    ),
  '`row_number() over …` with its number filtered': () =>
    checkCell(
      {
        build: (input) =>
          input
            .selectExpr('user', 'v', 'row_number() OVER (PARTITION BY user ORDER BY v DESC) AS n')
            .filter('n <= 2'),
        steps: [[['ada 12 1', 'bob 14 2']], [['ada 13 2', 'ada 45 4']], [['bob 60 1']]],
      },
      'update',
      gives(['ada 1 1', 'bob 2 1'], ['ada 2 2', 'ada 4 1'], ['bob 1 2']),
    ),
} as const

test.each(Object.entries(lifted))('%s: ours', async (_thing, check) => check())

test('the docs list these things and no others', () => {
  const text = readFileSync(new URL('../../docs/output-modes.md', import.meta.url), 'utf8')
  const [, , ...body] = text.slice(text.indexOf('| Spark refuses |')).split('\n')
  const table = body.slice(0, body.indexOf(''))
  const listed = table.map((line) =>
    line
      .split('|')
      .slice(1, 3)
      .map((cell) => cell.trim()),
  )
  expect(listed).toEqual([
    ...Object.keys(things).map((thing) => [thing, 'refused']),
    ...Object.keys(lifted).map((thing) => [thing, '*ours*: runs']),
  ])
})

test('methods that are not provided say so on rows that end, too', () => {
  expect(() => batch.cube('user')).toThrow(
    expect.objectContaining({ code: 'NOT_PROVIDED', hint: expect.stringContaining('unionByName') }),
  )
})

test('a session takes no commands', () => {
  // CREATE, ALTER and INSERT OVERWRITE DIRECTORY are SQL; whoever adds it has to refuse them on streams.
  expect('sql' in spark).toBe(false)
})

async function refusalOf(act: () => unknown): Promise<StreamError | undefined> {
  try {
    await act()
    return undefined
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown
    throw thrown
  }
}
