import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  type Column,
  col,
  count,
  expr,
  session_window,
  sum,
  window,
  window_time,
} from '../../src/functions.ts'
import { type DataFrame, type EdgeRow, Session, StreamError } from '../../src/index.ts'
import { epochsOf } from './epochs-of.ts'

const root = await mkdtemp(join(tmpdir(), 'millrace-sessions-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => join(root, String(folders++))

function openSession(options: Readonly<Record<string, string>> = {}): Session {
  const builder = Session.builder.config('progress', 'off')
  const all = { store: 'memory', ...options }
  return Object.entries(all)
    .reduce((built, [name, value]) => built.config(name, value), builder)
    .getOrCreate()
}

const schema = 'user STRING, s INT, gap STRING'
const timed = (rows: DataFrame): DataFrame =>
  rows.select('user', col('s').cast('timestamp').alias('t'), 'gap').withWatermark('t', '10 seconds')
const bySession = (rows: DataFrame, gap: string | Column = '5 seconds'): DataFrame =>
  timed(rows).groupBy('user', session_window('t', gap)).agg(count('*').alias('n'))
const seconds = (name: string): Column => col(`session_window.${name}`).cast('long')
const flat = (sessions: DataFrame): DataFrame =>
  sessions.select('user', seconds('start').alias('from'), seconds('end').alias('to'), 'n')

const at = (user: string, s: number, gap = '') => ({ user, s, gap })

test('a session is given out once, when the watermark has reached its end', async () => {
  const rows = [
    // Two sessions of ada; the row between them comes late and makes them one.
    [at('ada', 10), at('ada', 18), at('bob', 11)],
    [at('ada', 14)],
    // The watermark goes to 16: bob's session ends exactly there. A row at 11 is late from the next on.
    [at('cid', 26)],
    [at('bob', 11), at('bob', 12)],
    [at('cid', 60)],
  ]
  expect(await epochsOf(openSession(), schema, rows, (input) => flat(bySession(input)))).toEqual([
    [],
    [],
    [{ user: 'bob', from: 11n, to: 16n, n: 1n }],
    // Nothing left a session of bob to go on with: this one is new.
    [],
    [
      { user: 'ada', from: 10n, to: 23n, n: 3n },
      { user: 'bob', from: 12n, to: 17n, n: 1n },
      { user: 'cid', from: 26n, to: 31n, n: 1n },
    ],
  ])
})

test('complete mode gives out every session in each epoch, and closes none', async () => {
  const rows = [[at('ada', 10)], [at('ada', 100)], [at('ada', 12)]]
  const epochs = await epochsOf(
    openSession(),
    schema,
    rows,
    (input) => flat(bySession(input)),
    'complete',
  )
  expect(epochs).toEqual([
    [{ user: 'ada', from: 10n, to: 15n, n: 1n }],
    [
      { user: 'ada', from: 10n, to: 15n, n: 1n },
      { user: 'ada', from: 100n, to: 105n, n: 1n },
    ],
    [
      { user: 'ada', from: 10n, to: 17n, n: 2n },
      { user: 'ada', from: 100n, to: 105n, n: 1n },
    ],
  ])
})

test('each row may have a gap of its own; rows without one are left out', async () => {
  const rows = [
    [
      at('ada', 10, '20 seconds'),
      at('ada', 15, '1 second'),
      at('ada', 17, '0 seconds'),
      at('ada', 17, '-1 second'),
      at('ada', 17, 'soon'),
    ],
    [at('ada', 100, '1 second')],
  ]
  const byGap = (input: DataFrame): DataFrame => flat(bySession(input, col('gap')))
  expect(await epochsOf(openSession(), schema, rows, byGap)).toEqual([
    [],
    [{ user: 'ada', from: 10n, to: 30n, n: 2n }],
  ])
  const byCase = (input: DataFrame): DataFrame =>
    flat(
      bySession(
        input,
        expr(
          "CASE WHEN user = 'ada' THEN INTERVAL 30 SECONDS WHEN user = 'bob' THEN '1 second' END",
        ),
      ),
    )
  const users = [[at('ada', 10), at('bob', 10), at('cid', 10), at('ada', 20)], [at('cid', 200)]]
  expect(await epochsOf(openSession(), schema, users, byCase)).toEqual([
    [],
    [
      { user: 'ada', from: 10n, to: 50n, n: 2n },
      { user: 'bob', from: 10n, to: 11n, n: 1n },
    ],
  ])
})

test('closed sessions are filtered, computed with and counted by the hour of their end', async () => {
  const rows = [
    [at('ada', 10), at('ada', 12), at('bob', 11), at('bob', 25)],
    [at('cid', 1000)],
    [at('cid', 2000)],
  ]
  const having = (input: DataFrame): DataFrame => flat(bySession(input).filter('n > 1'))
  expect(await epochsOf(openSession(), schema, rows, having)).toEqual([
    [],
    [{ user: 'ada', from: 10n, to: 17n, n: 2n }],
    [],
  ])
  for (const time of [window_time('session_window'), col('session_window')]) {
    const perMinute = (input: DataFrame): DataFrame =>
      bySession(input)
        .select(time.alias('time'), 'n')
        .groupBy(window('time', '20 seconds'))
        .agg(count('*').alias('sessions'), sum('n').alias('rows'))
        .select(col('window.start').cast('long').alias('from'), 'sessions', 'rows')
    expect(await epochsOf(openSession(), schema, rows, perMinute)).toEqual([
      [],
      // The sessions end at 16, 17 and 30.
      [
        { from: 0n, sessions: 2n, rows: 3n },
        { from: 20n, sessions: 1n, rows: 1n },
      ],
      [{ from: 1000n, sessions: 1n, rows: 1n }],
    ])
  }
})

test('a row of a session that has ended is delivered as late, without the session', async () => {
  const session = openSession()
  const input = session.memoryStream(schema)
  const query = bySession(input.toDF()).writeStream.format('noop').start()
  const late = query.lateRows()[Symbol.asyncIterator]()
  const next = late.next()
  for (const s of [12, 60, 1]) {
    input.addData([at('ada', s)])
    await query.processAllAvailable()
  }
  expect((await next).value).toMatchObject({
    operator: 'session-0',
    watermark: new Date(50_000),
    row: { user: 'ada', t: new Date(1_000) },
  })
  expect(Object.keys((await next).value.row)).not.toContain('session_window')
  expect(query.lastProgress?.stateOperators).toMatchObject([
    { operatorName: 'sessionWindowStateStoreSaveExec', numRowsDroppedByWatermark: 1 },
  ])
  await session.stop()
})

test.each(['memory', 'rocksdb'])(
  'sessions beyond the cache budget go on, merge and close in the %s store, over restarts',
  async (store) => {
    const session = openSession({ store, stateCache: '64 KB' })
    const input = session.memoryStream(schema)
    const checkpointLocation = newFolder()
    let given: EdgeRow[] = []
    const start = () =>
      flat(bySession(input.toDF(), '100 seconds'))
        .writeStream.option('checkpointLocation', checkpointLocation)
        .foreachBatch(async (batch) => given.push(...(await batch.collect())))
        .start()
    let query = start()
    const users = 16_000
    /** All users at one time, in 16 epochs. */
    const round = async (s: number): Promise<void> => {
      for (let part = 0; part < 16; part++) {
        const rows = Array.from({ length: users / 16 }, (_, index) =>
          at(`u${index * 16 + part}`, s),
        )
        input.addData(rows)
        await query.processAllAvailable()
      }
    }
    /** Runs epochs without effect until what is over the budget has been written elsewhere. */
    const settled = async (bytesMax: number): Promise<void> => {
      const bytes = (): number => query.lastProgress?.stateOperators[0]?.memoryUsedBytes ?? 0
      for (let epoch = 0; epoch < 200 && bytes() >= bytesMax; epoch++) {
        input.addData([{ user: 'none', s: null, gap: '' }])
        await query.processAllAvailable()
      }
      expect(bytes()).toBeLessThan(bytesMax)
    }
    await round(10)
    await round(100)
    expect(given).toEqual([])
    // Without a budget it would be 1.9 MB, and 3.2 MB with two sessions of each.
    await settled(1_000_000)
    await query.stop()
    query = start()
    // As far from the session as the watermark allows: it is another one, until a row joins both.
    await round(205)
    await settled(1_000_000)
    await round(195)
    input.addData([at('late', 1000)])
    await query.processAllAvailable()
    expect(given).toHaveLength(users)
    expect(given.filter(({ from, to, n }) => from !== 10n || to !== 305n || n !== 4n)).toEqual([])
    expect(new Set(given.map(({ user }) => user)).size).toBe(users)
    given = []
    await query.stop()
    query = start()
    await round(1010)
    input.addData([at('late', 2000)])
    await query.processAllAvailable()
    expect(given).toHaveLength(users + 1)
    await session.stop()
  },
  60_000,
)

test('rows without a time or a gap are counted', async () => {
  const session = openSession()
  const input = session.memoryStream(schema)
  const query = bySession(input.toDF(), col('gap')).writeStream.format('noop').start()
  const timeless = { user: 'ada', s: null, gap: '1 second' }
  input.addData([at('ada', 10, '1 second'), timeless, at('ada', 10, 'x'), at('ada', 10, '0 s')])
  await query.processAllAvailable()
  expect(query.lastProgress?.stateOperators).toMatchObject([
    {
      operatorName: 'sessionWindowStateStoreSaveExec',
      numRowsTotal: 1,
      numRowsUpdated: 1,
      customMetrics: { rowsWithNullEventTime: 0, rowsWithoutGap: 2 },
    },
  ])
  expect(query.lastProgress?.badRows).toEqual([
    { operator: 'watermark(t@memory-0)', numRows: 1, numDeadLetters: 0 },
  ])
  await session.stop()
})

test('open sessions go on with another gap after a restart, but not with other aggregates', async () => {
  const session = openSession()
  const input = session.memoryStream(schema)
  const checkpointLocation = newFolder()
  const given: EdgeRow[] = []
  const run = async (sessions: DataFrame, rows: readonly ReturnType<typeof at>[]) => {
    const query = sessions.writeStream
      .option('checkpointLocation', checkpointLocation)
      .foreachBatch(async (batch) => given.push(...(await batch.collect())))
      .start()
    input.addData(rows)
    await query.processAllAvailable()
    await query.stop()
  }
  await run(flat(bySession(input.toDF(), '5 seconds')), [at('ada', 10)])
  await run(flat(bySession(input.toDF(), '20 seconds')), [at('ada', 14), at('ada', 60)])
  expect(given).toEqual([{ user: 'ada', from: 10n, to: 34n, n: 2n }])
  const other = timed(input.toDF())
    .groupBy('user', session_window('t', '5 seconds'))
    .agg(sum('gap').alias('n'))
  await expect(run(other, [])).rejects.toMatchObject({ code: 'CHECKPOINT_OTHER_QUERY' })
  await session.stop()
})

test('what a session cannot be made of is refused with the reason', () => {
  const session = openSession()
  const rows = session.createDataFrame([], 'k STRING, t TIMESTAMP, n INT')
  const refusal = (column: Column, ...others: readonly Column[]): StreamError | undefined => {
    try {
      rows.groupBy(column, ...others).count().schema
    } catch (thrown) {
      if (thrown instanceof StreamError) return thrown
    }
    return undefined
  }
  expect(refusal(session_window('t', 'soon'))).toMatchObject({ code: 'DURATION_INVALID' })
  expect(refusal(session_window('t', '1 month'))).toMatchObject({ code: 'DURATION_INVALID' })
  expect(refusal(session_window('t', col('n')))?.code).toBe('DATATYPE_MISMATCH')
  expect(refusal(session_window('n', '1 second'))?.code).toBe('DATATYPE_MISMATCH')
  expect(refusal(expr('session_window(t)'))?.code).toBe('CONFIG_INVALID')
  expect(refusal(session_window('t', '1 second'), window('t', '1 second'))?.code).toBe(
    'EXPRESSION_MISPLACED',
  )
  expect(refusal(session_window('t', '-1 second'))).toBeUndefined()
})
