import { expect, test } from 'vitest'
import { type SimulatedSession, simulatedSession } from '../../properties/simulated-session.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { DataFrame, OutputMode, StreamingQuery } from '../../src/dataframe/data-frame.ts'
import { expr, window } from '../../src/functions.ts'
import type { MemoryInput } from '../../src/session/session.ts'

const at = (second: number): Date => new Date(second * 1000)

/** Runs a query over a stream of keys, times and numbers, and something beside it. */
async function running(
  build: (input: DataFrame) => DataFrame,
  work: (query: StreamingQuery, input: MemoryInput, made: SimulatedSession) => Promise<void>,
  files: VirtualFileSystem = virtualFileSystem(),
  mode: OutputMode = 'update',
): Promise<void> {
  const config = { minEpochsToRetain: 20, minRetention: '0 seconds' }
  const made = simulatedSession({ seed: 3, files, life: 0, config })
  const run = async (): Promise<void> => {
    const input = made.session.memoryStream('k STRING, t TIMESTAMP, n INT')
    const query = build(input.toDF())
      .writeStream.outputMode(mode)
      .option('checkpointLocation', 'checkpoint')
      .foreachBatch(async () => undefined)
      .start()
    await work(query, input, made)
    await made.session.stop()
  }
  await made.simulation.run(run())
}

const sums = (input: DataFrame): DataFrame =>
  input.groupBy('k').agg(expr('sum(n)').alias('total')).name('sums')

test('the state of a key is found by its value or its fields, at the last committed epoch', () =>
  running(sums, async (query, input) => {
    input.addData([['ada', null, 2]])
    await query.processAllAvailable()
    const state = query.state('sums')
    expect(await state.get('ada')).toEqual({ total: 2n })
    input.addData([
      ['ada', null, 5],
      [null, null, 1],
    ])
    await query.processAllAvailable()
    expect(await state.get({ k: 'ada' })).toEqual({ total: 7n })
    expect(await state.get({ k: null })).toEqual({ total: 1n })
    expect(await state.get('bob')).toBeUndefined()
    expect(await query.state(0).get('ada')).toEqual({ total: 7n })
    expect(await state.toArray()).toHaveLength(2)
  }))

test('rows that are under way are in no answer', () =>
  running(sums, async (query, input, { simulation }) => {
    input.addData([['ada', null, 1]])
    await query.processAllAvailable()
    const seen = new Set<unknown>()
    for (let round = 0; round < 60; round++) {
      if (round % 6 === 0) input.addData([['ada', null, 1]])
      await simulation.pause()
      const before = query.lastProgress?.batchId ?? -1
      const row = await query.state('sums').get('ada')
      const after = query.lastProgress?.batchId ?? -1
      // One row an epoch: the sum says which epoch was answered for.
      const epoch = Number(row?.['total']) - 1
      expect(epoch).toBeGreaterThanOrEqual(before)
      expect(epoch).toBeLessThanOrEqual(after + 1)
      seen.add(epoch)
    }
    expect(seen.size).toBeGreaterThan(5)
  }))

test('a window is part of the key, and may be left open', () =>
  running(
    (input) =>
      input
        .withWatermark('t', '1 minute')
        .groupBy(window('t', '10 seconds'), 'k')
        .agg(expr('count(*)').alias('rows')),
    async (query, input) => {
      input.addData([
        ['ada', at(1), 1],
        ['ada', at(12), 1],
        ['ada', at(13), 1],
      ])
      await query.processAllAvailable()
      const state = query.state('aggregate-0')
      const second = { start: at(10), end: at(20) }
      expect(await state.get({ k: 'ada', window: second })).toEqual({ rows: 2n })
      const rows: unknown[] = []
      for await (const row of state.rows({ k: 'ada' })) rows.push(row['value'])
      expect(rows).toEqual([{ rows: 1n }, { rows: 2n }])
      expect(await state.get({ k: 'ada', window: { start: at(20), end: at(30) } })).toBeUndefined()
    },
  ))

test('the state is a frame for queries, and keeps to its epoch', () =>
  running(sums, async (query, input, { session }) => {
    input.addData([
      ['ada', null, 2],
      ['bob', null, 9],
    ])
    await query.processAllAvailable()
    const frame = query.state('sums').toDataFrame()
    input.addData([['ada', null, 100]])
    await query.processAllAvailable()
    const large = frame.filter('value.total > 5').selectExpr('key.k AS k', 'value.total AS total')
    expect(await large.collect()).toEqual([{ k: 'bob', total: 9n }])
    frame.createOrReplaceTempView('sums')
    expect(await session.table('sums').count()).toBe(2)
  }))

test('a limit and an aggregate without keys have one row without a key', () =>
  running(
    (input) => input.agg(expr('count(*)').alias('rows')),
    async (query, input) => {
      input.addData([['ada', null, 2]])
      await query.processAllAvailable()
      expect(await query.state(0).get()).toEqual({ rows: 1n })
      expect(await query.state(0).toArray()).toMatchObject([{ key: {}, value: { rows: 1n } }])
    },
  ))

test('a ranking shows its lists, best first', () =>
  running(
    (input) =>
      input
        .withColumn('place', expr('row_number() OVER (PARTITION BY k ORDER BY n DESC)'))
        .filter('place <= 2')
        .name('best'),
    async (query, input) => {
      input.addData([
        ['ada', null, 2],
        ['ada', null, 9],
        ['bob', null, 1],
      ])
      await query.processAllAvailable()
      input.addData([['ada', null, 5]])
      await query.processAllAvailable()
      const rows: unknown[] = []
      for await (const { value } of query.state('best').rows('ada')) rows.push(value)
      expect(rows).toMatchObject([
        { row_number: 1, row: { k: 'ada', n: 9 } },
        { row_number: 2, row: { k: 'ada', n: 5 } },
      ])
    },
  ))

test('an as-of join has a name, also behind mapAsync, and shows the rows of both sides', async () => {
  const { session, simulation } = simulatedSession({ seed: 3, files: virtualFileSystem(), life: 0 })
  const lefts = session.memoryStream('k STRING, t TIMESTAMP, n INT')
  const rights = session.memoryStream('k STRING, at TIMESTAMP, v INT')
  const joined = lefts
    .toDF()
    .withWatermark('t', '1 second')
    .asofJoin(rights.toDF().withWatermark('at', '1 second'), {
      on: 'k',
      leftTime: 't',
      rightTime: 'at',
      tolerance: '10 seconds',
    })
  const query = joined
    .as()
    .mapAsync(async (row) => ({ k: String(row['k']) }), 'k STRING')
    .toDF()
    .name('priced')
    .writeStream.format('noop')
    .start()
  const run = async (): Promise<void> => {
    rights.addData([1, 2, 9].map((second) => ['a', at(second), second]))
    lefts.addData([1, 9].map((second) => ['a', at(second), second]))
    await query.processAllAvailable()
    const rows = await query.state('priced').toArray()
    const texts = rows.map(({ value }) => JSON.stringify(value))
    const left = { k: 'a', t: at(9), n: 9 }
    const right = (second: number) => ({ k: 'a', at: at(second), v: second })
    expect(texts.toSorted()).toEqual(
      [
        { side: 'left', left, right: null, is_newest: false, due_at: at(9) },
        { side: 'right', left: null, right: right(2), is_newest: true, due_at: at(12) },
        { side: 'right', left: null, right: right(9), is_newest: false, due_at: at(9) },
      ].map((value) => JSON.stringify(value)),
    )
    const ofLeft = query.state('priced', { joinSide: 'left' }).rows({ k: 'a' })
    for await (const { value } of ofLeft) expect(value).toMatchObject({ row: left })
    await session.stop()
  }
  await simulation.run(run())
})

test('mistakes are told by code', () =>
  running(sums, async (query, input, { session }) => {
    input.addData([['ada', null, 2]])
    await query.processAllAvailable()
    const refused = (problem: Promise<unknown>) =>
      problem.then(
        () => 'nothing',
        (thrown: unknown) => Object(thrown).code,
      )
    expect(await refused(query.state('totals').get('ada'))).toBe('OPERATOR_NOT_FOUND')
    expect(await refused(query.state(1).toArray())).toBe('OPERATOR_NOT_FOUND')
    expect(await refused(query.state('sums').get({ user: 'ada' }))).toBe('CONFIG_INVALID')
    expect(await refused(query.state('sums').get({}))).toBe('CONFIG_INVALID')
    expect(await refused(query.state('sums').get(3))).toBe('CAST_INVALID_INPUT')
    const misplaced = query.state('sums', { joinSide: 'left' }).toArray()
    expect(await refused(misplaced)).toBe('CONFIG_INVALID')
    const read = (option: string, value: string | number) => async () =>
      session.read.format('statestore').option(option, value).load('checkpoint')
    expect(await refused(read('batchId', 77)())).toBe('EPOCH_NOT_RETAINED')
    expect(await refused(read('operator', 'x')())).toBe('OPERATOR_NOT_FOUND')
    expect(await refused(read('stateVarName', 'x')())).toBe('CONFIG_INVALID')
    expect(await refused(read('shards', 'x')())).toBe('OPTION_UNKNOWN')
    const nothing = async () => session.read.format('statestore').load('nowhere')
    expect(await refused(nothing())).toBe('CHECKPOINT_NOT_FOUND')
    const stream = async () => session.readStream.format('statestore').load('checkpoint')
    expect(await refused(stream())).toBe('STREAMING_UNSUPPORTED')
  }))

test('an epoch that is not noted as committed is not shown', async () => {
  const files = virtualFileSystem()
  await running(
    sums,
    async (query, input) => {
      for (let n = 1; n <= 3; n++) {
        input.addData([['ada', null, n]])
        await query.processAllAvailable()
      }
    },
    files,
  )
  const notes = files
    .allFiles()
    .filter((path) => /log\/\d+$/.test(path))
    .toSorted((left, right) => Number(left.split('/').at(-1)) - Number(right.split('/').at(-1)))
  const newest = notes.at(-1)
  if (newest === undefined) throw new Error('no log')
  // As a crash leaves it that came between the manifest and the note.
  files.tamper(newest, () => undefined)
  const { session, simulation } = simulatedSession({ seed: 4, files, life: 1 })
  const read = session.read.format('statestore')
  const rows = await simulation.run(read.load('checkpoint').collect())
  expect(rows).toMatchObject([{ value: { total: 3n } }])
  expect(() => read.option('batchId', 2).load('checkpoint')).toThrow(/EPOCH_NOT_RETAINED/)
})

test('an epoch that retention lets go of while it is read is told apart from damage', () =>
  running(sums, async (query, input, { session }) => {
    const everyone = Array.from({ length: 20 }, (_, index) => [`user ${index}`, null, 1])
    input.addData(everyone)
    await query.processAllAvailable()
    const frame = session.read.format('statestore').load('checkpoint')
    const begun = query.state('sums').rows()[Symbol.asyncIterator]()
    expect((await begun.next()).done).toBe(false)
    for (let n = 0; n < 200; n++) {
      input.addData(everyone)
      await query.processAllAvailable()
    }
    const [first] = await session.read.format('state-metadata').load('checkpoint').collect()
    expect(Number(first?.['minBatchId'])).toBeGreaterThan(100)
    const rest = async (): Promise<void> => {
      while ((await begun.next()).done !== true);
    }
    await expect(rest()).rejects.toMatchObject({
      code: 'EPOCH_NOT_RETAINED',
      message: expect.stringContaining('while it was read'),
    })
    await expect(frame.collect()).rejects.toMatchObject({ code: 'EPOCH_NOT_RETAINED' })
  }))

test('metadata names every operator with state, and the epochs that are there', () =>
  running(
    (input) =>
      input
        .withWatermark('t', '1 minute')
        .dropDuplicatesWithinWatermark('k')
        .groupBy('k')
        .count()
        .name('counts'),
    async (query, input, { session }) => {
      input.addData([['ada', at(1), 2]])
      await query.processAllAvailable()
      const rows = await session.read.format('state-metadata').load('checkpoint').collect()
      expect(rows).toMatchObject([
        { operatorId: 0n, operatorName: 'dedupeWithinWatermark', operator: 'deduplicate-0' },
        { operatorId: 1n, operatorName: 'stateStoreSave', operator: 'counts', numPartitions: 8 },
      ])
      expect(rows[0]).toMatchObject({ minBatchId: -1n, maxBatchId: 0n, stateStoreName: 'default' })
    },
  ))

test.each([
  ['complete', { key: { k: 'ada' }, value: { total: 2n } }],
  ['append', { key: {}, value: { count: 1n } }],
] as const)('the name of a limit in %s mode is that of the step that keeps state', (mode, kept) =>
  running(
    (input) => {
      const totals = input.groupBy('k').agg(expr('sum(n)').alias('total'))
      return (mode === 'complete' ? totals : input).limit(3).name('few')
    },
    async (query, input) => {
      input.addData([['ada', null, 2]])
      await query.processAllAvailable()
      expect(await query.state('few').toArray()).toMatchObject([kept])
    },
    undefined,
    mode,
  ),
)
