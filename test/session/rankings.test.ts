import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { desc, expr, row_number, sum, Window, window } from '../../src/functions.ts'
import { type DataFrame, Session } from '../../src/index.ts'
import { epochsOf } from './epochs-of.ts'

const root = await mkdtemp(join(tmpdir(), 'millrace-rankings-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let folders = 0

function openSession(lanes = 2): Session {
  return Session.builder
    .config('progress', 'off')
    .config('store', 'memory')
    .config('lanes', lanes)
    .getOrCreate()
}

const best = (frame: DataFrame, n: number, partition = 'team'): DataFrame =>
  frame
    .withColumn(
      'place',
      row_number().over(Window.partitionBy(partition).orderBy(desc('points'), 'player')),
    )
    .filter(`place <= ${n}`)

/** One list of points per epoch; points may be lost, too. */
const games = fc.array(
  fc.array(
    fc.record({
      team: fc.constantFrom('red', 'blue'),
      player: fc.constantFrom(...'abcdefghijklmnop'),
      points: fc.integer({ min: -9, max: 9 }),
    }),
    { maxLength: 12 },
  ),
  { minLength: 1, maxLength: 6 },
)

type Standing = Readonly<{ team: string; player: string; points: number }>

/** The best of each team by a sort of everything. */
function standings(all: readonly Standing[], n: number): readonly string[] {
  return ['red', 'blue']
    .flatMap((team) =>
      all
        .filter((each) => each.team === team)
        .sort((a, b) => b.points - a.points || (a.player < b.player ? -1 : 1))
        .slice(0, n)
        .map(({ player, points }, at) => `${team} ${at + 1}: ${player} ${points}`),
    )
    .sort()
}

/** What a reader has after each epoch that keeps rows by team and place. */
async function upserted(
  epochs: readonly (readonly Standing[])[],
  query: (points: DataFrame) => DataFrame,
): Promise<readonly (readonly string[])[]> {
  const schema = 'team STRING, player STRING, points INT'
  const answers = await epochsOf(openSession(), schema, epochs, query, 'update')
  const table = new Map<string, string>()
  return answers.map((rows) => {
    for (const { team, place, player, points } of rows) {
      table.set(`${team} ${place}`, `${player} ${points}`)
    }
    return [...table].map(([place, player]) => `${place}: ${player}`).sort()
  })
}

test('a reader that upserts by partition and number has the best groups at all times', async () => {
  await fc.assert(
    fc.asyncProperty(games, fc.integer({ min: 1, max: 4 }), async (epochs, n) => {
      const tables = await upserted(epochs, (points) =>
        best(points.groupBy('team', 'player').agg(sum('points').alias('points')), n),
      )
      epochs.forEach((_, epoch) => {
        const totals = new Map<string, Standing>()
        for (const { team, player, points } of epochs.slice(0, epoch + 1).flat()) {
          const before = totals.get(`${team} ${player}`)?.points ?? 0
          totals.set(`${team} ${player}`, { team, player, points: before + points })
        }
        expect(tables[epoch]).toEqual(standings([...totals.values()], n))
      })
    }),
    { numRuns: 30 },
  )
}, 60_000)

test('a reader that upserts by partition and number has the best rows at all times', async () => {
  await fc.assert(
    fc.asyncProperty(games, fc.integer({ min: 1, max: 4 }), async (epochs, n) => {
      const tables = await upserted(epochs, (points) => best(points, n))
      epochs.forEach((_, epoch) => {
        expect(tables[epoch]).toEqual(standings(epochs.slice(0, epoch + 1).flat(), n))
      })
    }),
    { numRuns: 30 },
  )
}, 60_000)

test.each([1, 3])(
  'of equal rows that of the oldest file goes first with %d lanes',
  async (lanes) => {
    const folder = join(root, `in-${folders++}`)
    await mkdir(folder)
    for (let file = 0; file < 6; file++) {
      // The first names come last: order is by time.
      const path = join(folder, `${9 - file}.csv`)
      await writeFile(path, ['a', 'b', 'c'].map((k, row) => `${k},${file * 3 + row}\n`).join(''))
      await utimes(path, 1_600_000_000 + file, 1_600_000_000 + file)
    }
    const session = openSession(lanes)
    const found: unknown[] = []
    const running = session.readStream
      .schema('k STRING, n INT')
      .csv(folder)
      .selectExpr('k', 'n', 'row_number() OVER (PARTITION BY k ORDER BY k) AS place')
      .filter('place <= 2')
      .writeStream.outputMode('update')
      .option('checkpointLocation', join(root, `checkpoint-${folders++}`))
      .trigger({ availableNow: true })
      .foreachBatch(async (batch) => found.push(...(await batch.collect())))
      .start()
    await running.awaitTermination()
    await session.stop()
    expect(found).toHaveLength(6)
    expect(found).toEqual(
      expect.arrayContaining(
        ['a', 'b', 'c'].flatMap((k, at) => [
          { k, n: at, place: 1 },
          { k, n: at + 3, place: 2 },
        ]),
      ),
    )
  },
)

test('pairs of a join have no place: of equal ones the columns decide', async () => {
  const schema = 's INT, bid INT'
  const answers = await epochsOf(
    openSession(3),
    schema,
    [
      [
        { s: 1, bid: 8 },
        { s: 1, bid: 7 },
        { s: 1, bid: 9 },
      ],
      [{ s: 1, bid: 6 }],
    ],
    (input) => {
      const timed = (frame: DataFrame): DataFrame =>
        frame.withColumn('t', expr('timestamp_seconds(s)')).withWatermark('t', '10 seconds')
      const left = timed(input).select('s', 't', 'bid').alias('a')
      const right = timed(input).selectExpr('s', 't', 'bid AS other').alias('b')
      return left
        .join(right, expr('a.s = b.s AND a.t = b.t'))
        .selectExpr('a.s', 'other', 'bid')
        .selectExpr('s', 'other', 'bid', 'row_number() OVER (PARTITION BY s ORDER BY s) AS place')
        .filter('place = 1')
    },
    'update',
  )
  expect(answers).toEqual([
    [{ s: 1, other: 7, bid: 7, place: 1 }],
    [{ s: 1, other: 6, bid: 6, place: 1 }],
  ])
})

test('late rows of a ranking are counted and handed out', async () => {
  const session = openSession()
  const input = session.memoryStream('s INT')
  const query = input
    .toDF()
    .selectExpr('s', 'timestamp_seconds(s) AS t')
    .withWatermark('t', '10 seconds')
    .withColumn(
      'place',
      row_number().over(Window.partitionBy(window('t', '5 seconds')).orderBy(desc('s'))),
    )
    .filter('place <= 1')
    .writeStream.format('noop')
    .start()
  const late = query.lateRows()[Symbol.asyncIterator]()
  const nextLate = late.next()
  for (const s of [12, 30, 1]) {
    input.addData([{ s }])
    await query.processAllAvailable()
  }
  expect((await nextLate).value).toMatchObject({
    operator: 'topN-0',
    watermark: new Date(20_000),
    row: { s: 1, t: new Date(1_000) },
  })
  const dropped = query.recentProgress.map(
    ({ stateOperators: [ranking] }) => ranking?.numRowsDroppedByWatermark ?? 0,
  )
  expect(dropped.reduce((all, some) => all + some, 0)).toBe(1)
  expect(query.lastProgress?.stateOperators[0]).toMatchObject({
    operatorName: 'topN',
    // That of 30; the partition of 12 was closed.
    numRowsTotal: 1,
  })
  await session.stop()
})

const changes: readonly (readonly [string, (input: DataFrame) => DataFrame, RegExp])[] = [
  ['a higher number', (input) => best(input, 3), /first 2 of.*first 3 of/],
  ['a lower number', (input) => best(input, 1), /first 2 of.*first 1 of/],
  ['another partition', (input) => best(input, 2, 'points'), /of \[string\].*of \[int\]/],
  [
    'another order',
    (input) =>
      input
        .selectExpr('*', 'row_number() OVER (PARTITION BY team ORDER BY points) AS place')
        .filter('place <= 2'),
    /int desc nulls last, string.*int nulls first\]/,
  ],
]

test.each(changes)(
  'a checkpoint does not go on with %s, and says why',
  async (_what, changed, why) => {
    const session = openSession()
    const input = session.memoryStream('team STRING, player STRING, points INT')
    const checkpoint = join(root, `checkpoint-${folders++}`)
    const run = async (frame: DataFrame): Promise<boolean> => {
      const query = frame.writeStream
        .outputMode('update')
        .format('noop')
        .option('checkpointLocation', checkpoint)
        .trigger({ availableNow: true })
        .start()
      return query.awaitTermination()
    }
    input.addData([{ team: 'red', player: 'a', points: 1 }])
    await run(best(input.toDF(), 2))
    await expect(run(changed(input.toDF()))).rejects.toMatchObject({
      code: 'CHECKPOINT_OTHER_QUERY',
      message: expect.stringMatching(why),
    })
    // Filters below may change, as everywhere.
    await expect(run(best(input.toDF().filter('points > 0'), 2))).resolves.toBe(true)
    await session.stop()
  },
)

const refused: readonly (readonly [string, (input: DataFrame) => DataFrame, RegExp])[] = [
  [
    'a ranking of a ranking',
    (input) => best(best(input, 2).drop('place'), 1),
    /row_number\(\) follows row_number\(\)/,
  ],
  [
    'a ranking of groups behind explode',
    (input) =>
      best(
        input
          .groupBy('team', 'player')
          .agg(sum('points').alias('all'))
          .selectExpr('team', 'player', 'explode(array(all, 1L)) AS points'),
        1,
      ),
    /a step that does more than choose and compute columns/,
  ],
  [
    'a sum of ranks',
    (input) => best(input, 2).groupBy('team').agg(sum('place')),
    /an aggregation follows row_number\(\)/,
  ],
  [
    'duplicates of ranks',
    (input) => best(input, 2).dropDuplicates('team'),
    /dropDuplicates follows an aggregation or a ranking/,
  ],
]

test.each(refused)('%s is refused in update mode', async (_what, query, why) => {
  const session = openSession()
  const input = session.memoryStream('team STRING, player STRING, points INT').toDF()
  expect(() => query(input).writeStream.outputMode('update').format('noop').start()).toThrow(
    expect.objectContaining({
      code: 'OUTPUT_MODE_UNSUPPORTED',
      message: expect.stringMatching(why),
    }),
  )
  await session.stop()
})

const windowed = (input: DataFrame): DataFrame =>
  input
    .selectExpr('player', 'points', 'timestamp_seconds(points) AS t')
    .withWatermark('t', '10 seconds')
    .withColumn('w', window('t', '10 seconds'))

test('in append mode what was ranked by window can be aggregated by that window', async () => {
  const points = (...all: readonly number[]) => all.map((each) => ({ player: 'a', points: each }))
  const answers = await epochsOf(
    openSession(3),
    'player STRING, points INT',
    [points(1, 2, 3), points(12, 25), points(4, 40)],
    (input) =>
      best(windowed(input), 2, 'w')
        .groupBy('w')
        .agg(sum('points').alias('sum'))
        .selectExpr('CAST(w.start AS LONG) AS start', 'sum'),
  )
  // At 15 the first window closes, at 30 the next two; 4 came too late.
  expect(answers).toEqual([
    [],
    [{ start: 0n, sum: 5n }],
    [
      { start: 10n, sum: 12n },
      { start: 20n, sum: 25n },
    ],
  ])
})

test('of what was ranked by window no other time is an event time', async () => {
  const session = openSession()
  const input = session.memoryStream('player STRING, points INT').toDF()
  const perTime = best(windowed(input), 2, 'w').groupBy('t').count()
  expect(() => perTime.writeStream.format('noop').start()).toThrow(
    expect.objectContaining({
      code: 'OUTPUT_MODE_UNSUPPORTED',
      message: expect.stringContaining('the watermark is on w, which is not among'),
    }),
  )
  await session.stop()
})

test('in complete mode a ranking is sorted, limited and ranked again', async () => {
  const rows = [
    { team: 'red', player: 'a', points: 1 },
    { team: 'blue', player: 'b', points: 2 },
    { team: 'blue', player: 'c', points: 3 },
  ]
  const answers = await epochsOf(
    openSession(3),
    'team STRING, player STRING, points INT',
    [rows, [{ team: 'red', player: 'a', points: 9 }]],
    (input) =>
      best(input, 1)
        .drop('place')
        .withColumn('place', row_number().over(Window.orderBy(desc('points'))))
        .orderBy('place')
        .limit(2),
    'complete',
  )
  expect(answers).toEqual([
    [
      { team: 'blue', player: 'c', points: 3, place: 1 },
      { team: 'red', player: 'a', points: 1, place: 2 },
    ],
    [
      { team: 'blue', player: 'c', points: 3, place: 2 },
      { team: 'red', player: 'a', points: 9, place: 1 },
    ],
  ])
})
