import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { col, window } from '../../src/functions.ts'
import type { DataFrame, StreamingQueryListener } from '../../src/index.ts'
import { readConfig } from '../../src/session/config.ts'
import type { Session } from '../../src/session/session.ts'
import { realSession } from './real-session.ts'

const root = await mkdtemp(join(tmpdir(), 'millrace-queries-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => join(root, String(folders++))

const openSession = (options: Readonly<Record<string, string>> = {}): Session =>
  realSession(root, { store: 'memory', ...options })

const perKey = (frame: DataFrame): DataFrame => frame.groupBy('k').count()
const keys = (...values: number[]): { k: number }[] => values.map((k) => ({ k }))

test.each(['memory', 'rocksdb'])(
  'counts go on after a restart from the %s store',
  async (store) => {
    const checkpointLocation = newFolder()
    const session = openSession({ store })
    const input = session.memoryStream('k INT')
    const start = () =>
      perKey(input.toDF())
        .writeStream.format('memory')
        .queryName('counts')
        .outputMode('complete')
        .option('checkpointLocation', checkpointLocation)
        .start()
    const first = start()
    input.addData(keys(1, 2, 2))
    await first.processAllAvailable()
    const { id, runId } = first
    await first.stop()
    input.addData(keys(2, 3))
    const second = start()
    await second.processAllAvailable()
    const rows = await session.table('counts').orderBy('k').collect()
    expect(rows).toEqual([
      { k: 1, count: 1n },
      { k: 2, count: 3n },
      { k: 3, count: 1n },
    ])
    expect(second.id).toBe(id)
    expect(second.runId).not.toBe(runId)
    await session.stop()
  },
)

test.each(['memory', 'rocksdb'])(
  'groups beyond the cache budget go to the %s store and come back',
  async (store) => {
    const checkpointLocation = newFolder()
    let rows: readonly { readonly k?: unknown; readonly count?: unknown }[] = []
    const session = openSession({ store, stateCache: '64 KB' })
    const input = session.memoryStream('k INT')
    for (const round of [0, 1]) {
      const query = perKey(input.toDF())
        .writeStream.format('memory')
        .queryName('spilled')
        .outputMode('complete')
        .option('checkpointLocation', checkpointLocation)
        .start()
      for (let epoch = 0; epoch < 4; epoch++) {
        // Each key is left alone for three epochs, so that it cools down.
        input.addData(
          keys(...Array.from({ length: 4000 }, (_, k) => k * 4 + ((epoch + round) % 4))),
        )
        await query.processAllAvailable()
      }
      rows = await session.table('spilled').collect()
      await query.stop()
    }
    expect(rows).toHaveLength(16_000)
    expect(rows.filter((row) => row.count !== 2n)).toEqual([])
    await session.stop()
  },
)

test('three lanes give the same answer, and at least two of them received rows', async () => {
  const session = openSession({ lanes: '3' })
  const input = session.memoryStream('k INT')
  const query = perKey(input.toDF())
    .writeStream.format('memory')
    .queryName('lanes')
    .outputMode('complete')
    .start()
  const values = Array.from({ length: 300 }, (_, index) => index % 30)
  input.addData(keys(...values))
  await query.processAllAvailable()
  const rows = await session.table('lanes').collect()
  expect(rows.length).toBe(30)
  expect(rows.every((row) => row['count'] === 10n)).toBe(true)
  const lanes = query.recentProgress.flatMap((progress) => progress.lanes ?? [])
  const busy = new Set(lanes.filter((lane) => lane.numInputRows > 0).map(({ lane }) => lane))
  expect(busy.size).toBeGreaterThanOrEqual(2)
  await session.stop()
})

test('a restart with another number of lanes finds all state', async () => {
  const checkpointLocation = newFolder()
  let rows: readonly unknown[] = []
  const added: { k: number }[] = []
  for (const lanes of ['1', '2', '3', '1']) {
    const session = openSession({ lanes })
    const input = session.memoryStream('k INT')
    added.push(...keys(1, 2, 3, 4, 5, 6, 7))
    input.addData(added)
    const query = perKey(input.toDF())
      .writeStream.format('memory')
      .queryName('moved')
      .outputMode('complete')
      .option('checkpointLocation', checkpointLocation)
      .start()
    await query.processAllAvailable()
    rows = await session.table('moved').collect()
    await session.stop()
  }
  expect(rows).toHaveLength(7)
  expect(rows).toEqual(expect.arrayContaining(keys(1, 7).map((row) => ({ ...row, count: 4n }))))
})

test('a second query on the same checkpoint is refused, and the first goes on', async () => {
  const checkpointLocation = newFolder()
  const session = openSession()
  const input = session.memoryStream('k INT')
  const start = (name: string) =>
    input
      .toDF()
      .writeStream.format('memory')
      .queryName(name)
      .option('checkpointLocation', checkpointLocation)
      .start()
  const first = start('one')
  await first.processAllAvailable()
  const second = start('two')
  await expect(second.awaitTermination()).rejects.toMatchObject({ code: 'CHECKPOINT_IN_USE' })
  input.addData(keys(1))
  await first.processAllAvailable()
  expect(first.isActive).toBe(true)
  await session.stop()
})

test('a changed aggregation is refused with the operator that differs', async () => {
  const checkpointLocation = newFolder()
  const session = openSession()
  const input = session.memoryStream('k INT')
  const run = (frame: DataFrame) =>
    frame.writeStream
      .format('noop')
      .outputMode('update')
      .option('checkpointLocation', checkpointLocation)
      .trigger({ availableNow: true })
      .start()
      .awaitTermination()
  input.addData(keys(1))
  await run(perKey(input.toDF()))
  const other = input.toDF().groupBy('k').sum('k')
  await expect(run(other)).rejects.toMatchObject({ code: 'CHECKPOINT_OTHER_QUERY' })
  await expect(run(perKey(input.toDF().filter(col('k').gt(0))))).resolves.toBe(true)
  await session.stop()
})

test('committed results and late rows come out of the iterators', async () => {
  const session = openSession()
  const input = session.memoryStream('s INT')
  const query = input
    .toDF()
    .selectExpr('s', 'timestamp_seconds(s) AS t')
    .withWatermark('t', '10 seconds')
    .groupBy(window('t', '5 seconds'))
    .count()
    .writeStream.format('noop')
    .start()
  const results = query.results()[Symbol.asyncIterator]()
  const late = query.lateRows()[Symbol.asyncIterator]()
  const nextResult = results.next()
  const nextLate = late.next()
  for (const s of [12, 30, 1]) {
    input.addData([{ s }])
    await query.processAllAvailable()
  }
  const batch = (await nextResult).value
  expect(batch.rows).toEqual([
    { window: { start: new Date(10_000), end: new Date(15_000) }, count: 1n },
  ])
  expect((await nextLate).value).toMatchObject({
    operator: 'aggregate-0',
    watermark: new Date(20_000),
    row: { t: new Date(1_000) },
  })
  await session.stop()
  expect((await results.next()).done).toBe(true)
})

test('the continuous trigger hands out rows before their epoch is committed', async () => {
  const session = openSession()
  const input = session.memoryStream('k INT')
  const query = input.toDF().writeStream.format('noop').trigger({ continuous: '1 hour' }).start()
  const results = query.results({ uncommitted: true })[Symbol.asyncIterator]()
  const next = results.next()
  input.addData(keys(7))
  expect((await next).value.rows).toEqual([{ k: 7 }])
  expect(query.health().lastCommittedEpoch).toBe(-1)
  await session.stop()
})

test('a function that throws ends the query with its message, and nothing is committed', async () => {
  const session = openSession({ maxRestarts: '0' })
  const input = session.memoryStream('k INT')
  const query = input
    .toDF()
    .writeStream.foreachBatch(() => {
      throw new Error('the database is away')
    })
    .start()
  input.addData(keys(1))
  await expect(query.awaitTermination()).rejects.toMatchObject({ code: 'USER_FUNCTION_FAILED' })
  expect(query.exception()?.message).toContain('the database is away')
  expect(query.health().state).toBe('failed')
  await session.stop()
})

test('listeners hear of the start, of progress and of the end', async () => {
  const session = openSession()
  const heard: string[] = []
  const listener: StreamingQueryListener = {
    onQueryStarted: () => heard.push('started'),
    onQueryProgress: ({ progress }) => heard.push(`epoch ${progress.batchId}`),
    onQueryTerminated: ({ exception }) => heard.push(`ended ${exception}`),
  }
  session.streams.addListener(listener)
  const input = session.memoryStream('k INT')
  const query = input.toDF().writeStream.format('noop').start()
  input.addData(keys(1))
  await query.processAllAvailable()
  await session.stop()
  expect(heard).toEqual(['started', 'epoch 0', 'ended undefined'])
})

test('a name can be taken once at a time', async () => {
  const session = openSession()
  const start = () =>
    session.memoryStream('k INT').toDF().writeStream.format('noop').queryName('same').start()
  const query = start()
  expect(start).toThrow(expect.objectContaining({ code: 'QUERY_NAME_TAKEN' }))
  await query.stop()
  await start().stop()
})

test('a nameless query under a session-wide checkpoint folder is refused', () => {
  const session = openSession({ checkpointLocation: newFolder() })
  const frame = session.memoryStream('k INT').toDF()
  expect(() => frame.writeStream.format('noop').start()).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

test.each([
  ['stor', 'memory', 'OPTION_UNKNOWN'],
  ['lanes', 'many', 'CONFIG_INVALID'],
  ['checkpointTimeout', '-1 second', 'DURATION_INVALID'],
  ['stateCache', 'lots', 'CONFIG_INVALID'],
])('the session option %s = %s is refused', (name, value, code) => {
  expect(() => readConfig(new Map([[name, value]]))).toThrow(expect.objectContaining({ code }))
})
