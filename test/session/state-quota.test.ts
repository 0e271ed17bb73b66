import { expect, test } from 'vitest'
import { keptTable } from '../../properties/kept-table.ts'
import { rowsOfAll } from '../../properties/laws/stream-run.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import { window } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import type { OwnOperator, QueryWarning } from '../../src/streaming.ts'

type Options = Readonly<Record<string, string>>
type Rows = readonly (readonly [user: string, s: number])[]

/** A query that is fed list by list; each `live` is another process on the same disk. */
function world(build: (frame: DataFrame) => DataFrame) {
  const files = virtualFileSystem()
  const table = keptTable()
  const before: Rows[] = []
  let life = 0
  return {
    /** What is prepared and neither committed nor taken back. */
    prepared: () => table.open(),
    /** The rows of each committed epoch that has any. */
    committed: () =>
      table
        .epochs()
        .map(({ batches }) => rowsOfAll(batches).map(String).toSorted())
        .filter((rows) => rows.length > 0),

    /** Adds lists of rows one after the other until the query ends, and says what ended it. */
    async live(rows: readonly Rows[], options: Options, config: Options = {}) {
      const all = { allowUnbounded: 'true', ...config }
      const made = simulatedSession({ seed: 5, files, life: life++, config: all })
      const { session, simulation } = made
      session.register({ sink: table.sink() })
      const input = session.memoryStream('user STRING, s INT')
      for (const list of before) input.addData(list)
      const heard: QueryWarning[] = []
      session.streams.addListener({ onQueryWarning: ({ warning }) => void heard.push(warning) })
      const frame = input.toDF().selectExpr('user', 'CAST(s AS TIMESTAMP) AS t')
      const query = build(frame)
        .writeStream.option('checkpointLocation', 'checkpoint')
        .options(options)
        .outputMode('append')
        .format('kept')
        .start()
      let failure: StreamError | undefined
      const run = (work: Promise<unknown>): Promise<unknown> =>
        simulation.run(
          work.catch((problem: unknown) => {
            if (!(problem instanceof StreamError)) throw problem
            failure = problem
          }),
        )
      for (const list of rows) {
        if (failure !== undefined) break
        before.push(list)
        input.addData(list)
        await run(query.processAllAvailable())
      }
      if (rows.length === 0) await run(query.processAllAvailable())
      const progress = query.lastProgress
      if (failure === undefined) await simulation.run(session.stop())
      return { failure, heard, warnings: query.warnings, progress }
    },
  }
}

const distinct = (frame: DataFrame): DataFrame => frame.select('user').dropDuplicates('user')
const users = (...names: readonly string[]): Rows => names.map((name) => [name, 0])
const three = { stateMaxRows: '3' }

test('an epoch that leaves more rows than the quota is not committed, and runs with a larger one', async () => {
  const { live, committed, prepared } = world(distinct)
  const first = await live([users('a', 'b'), users('c'), users('d', 'e'), users('f')], three)
  expect(first.failure).toMatchObject({
    code: 'STATE_QUOTA_EXCEEDED',
    details: { epoch: 2, size: 5, limit: 3, unit: 'rows', option: 'stateMaxRows', share: 5 },
    hint: expect.stringContaining('larger stateMaxRows'),
  })
  expect(first.failure?.message).toContain('dedup')
  expect(committed()).toEqual([['a', 'b'], ['c']])
  expect(prepared()).toEqual([])
  // The same quota refuses the same epoch, which was decided.
  const again = await live([], three)
  expect(again.failure).toMatchObject({ code: 'STATE_QUOTA_EXCEEDED', details: { epoch: 2 } })
  expect(committed()).toEqual([['a', 'b'], ['c']])
  const larger = await live([users('f', 'a')], { stateMaxRows: '6' })
  expect(larger.failure).toBeUndefined()
  expect(committed()).toEqual([['a', 'b'], ['c'], ['d', 'e'], ['f']])
  expect(larger.progress?.stateOperators[0]?.numRowsTotal).toBe(6)
})

test('a quota of just what there is lets it pass', async () => {
  const { live } = world(distinct)
  expect((await live([users('a', 'b', 'c'), users('a')], three)).failure).toBeUndefined()
})

const many = Array.from({ length: 8 }, (_, part) =>
  users(...Array.from({ length: 10 }, (_, index) => `user ${part} ${index}`)),
)

test.each([
  ['in one lane', {}],
  ['in three lanes', { lanes: '3' }],
  ['when it lies outside of memory', { stateCache: '1' }],
  ['in three lanes and outside of memory', { lanes: '3', stateCache: '1' }],
])('state is measured over everything: %s', async (_where, config) => {
  const { live, committed } = world(distinct)
  const end = await live(many, { stateMaxRows: '55' }, config)
  expect(end.failure?.details).toMatchObject({ epoch: 5, size: 60, share: 60 })
  expect(committed()).toHaveLength(5)
})

test('all operators of a query share its quota, and the largest is named', async () => {
  const both = (frame: DataFrame): DataFrame =>
    frame.dropDuplicates('user', 't').dropDuplicates('user').select('user')
  const { live } = world(both)
  const rows: readonly Rows[] = [
    [
      ['a', 1],
      ['a', 2],
      ['b', 1],
    ],
  ]
  const end = await live(rows, { stateMaxRows: '4' })
  expect(end.failure?.details).toMatchObject({ size: 5, share: 3 })
})

test('the state of an operator of your own counts, whatever it reports', async () => {
  const remembers: OwnOperator = {
    name: 'remembers',
    version: 1,
    make: ({ state }) => ({
      name: 'remembers',
      open: ({ epoch }) => state.open(epoch),
      process: (_input, batch) =>
        state.using(batch, async (groups) => {
          for (const { key } of groups) state.put(key, Uint8Array.of(1))
        }),
      closeEpoch: () => ({}),
      freeze: () => state.freeze(),
    }),
  }
  const { live } = world((frame) =>
    frame.select('user').operator(remembers, { keys: ['user'], output: 'user STRING' }),
  )
  const end = await live([users('a', 'b', 'a'), users('c', 'd')], three)
  expect(end.failure?.details).toMatchObject({ epoch: 1, size: 4 })
})

test('bytes are those in memory and those outside of it', async () => {
  const { live } = world(distinct)
  const fits = await live(many.slice(0, 1), { stateMaxBytes: '1 MB' })
  expect(fits.failure).toBeUndefined()
  const end = await live(many.slice(1, 2), { stateMaxBytes: '1 KB' })
  expect(end.failure).toMatchObject({
    code: 'STATE_QUOTA_EXCEEDED',
    details: { unit: 'bytes', option: 'stateMaxBytes', limit: 1024 },
  })
  const away = world(distinct)
  const spilled = await away.live(many, { stateMaxBytes: '1 MB' }, { stateCache: '1' })
  const [state] = spilled.progress?.stateOperators ?? []
  expect(state?.numRowsTotal).toBe(80)
  // `user 1 2` with its length and null mark, and the empty value, for each row that is away.
  expect(state?.storedBytes).toBeGreaterThan(30 * 10)
  expect(state?.storedBytes).toBeLessThan(80 * 40)
})

const perWindow = (frame: DataFrame): DataFrame =>
  frame
    .withWatermark('t', '0 seconds')
    .groupBy(window('t', '10 seconds'), 'user')
    .count()
    .select('user')

test('a quota that warns says so once, until the state has been within it again', async () => {
  const { live } = world(perWindow)
  const rows: readonly Rows[] = [
    [
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ],
    [['d', 2]],
    [['a', 30]],
    [
      ['b', 31],
      ['c', 31],
    ],
  ]
  const end = await live(rows, { stateMaxRows: '2', stateQuotaPolicy: 'warn' })
  expect(end.failure).toBeUndefined()
  expect(end.warnings.map(({ code }) => code)).toEqual([
    'STATE_QUOTA_EXCEEDED',
    'STATE_QUOTA_EXCEEDED',
  ])
  expect(end.warnings.map(({ details }) => details['size'])).toEqual([3, 3])
  expect(end.warnings[0]?.message).toContain('stateMaxRows is 2')
  expect(end.heard).toEqual(end.warnings)
})

test('the quota of the session holds for queries that set none of their own', async () => {
  const ofSession = { stateMaxRows: '1', stateQuotaPolicy: 'warn' }
  const { live } = world(distinct)
  const first = await live([users('a', 'b')], {}, ofSession)
  expect(first.warnings).toHaveLength(1)
  const second = await live([users('c')], { stateQuotaPolicy: 'fail' }, ofSession)
  expect(second.failure?.code).toBe('STATE_QUOTA_EXCEEDED')
})

test.each([
  ['stateMaxRows', '0'],
  ['stateMaxBytes', 'much'],
  ['stateQuotaPolicy', 'pause'],
])('the option %s cannot be %s', async (option, value) => {
  const { live } = world(distinct)
  const refused = live([], { [option]: value })
  await expect(refused).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    details: { option: option.toLowerCase(), value },
  })
})

test('a query whose state grows for ever warns of it once, at its start', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const heard: unknown[] = []
  session.streams.addListener({
    onQueryStarted: () => void heard.push('started'),
    onQueryWarning: ({ name, warning }) => void heard.push([name, warning.code]),
  })
  const query = session
    .memoryStream('user STRING')
    .toDF()
    .groupBy('user')
    .count()
    .writeStream.outputMode('update')
    .queryName('counts')
    .format('noop')
    .start()
  expect(query.warnings).toMatchObject([
    {
      code: 'STATE_GROWS',
      details: { operator: 'groupBy(user)' },
      hint: expect.stringMatching(/withWatermark.*stateMaxRows/),
    },
  ])
  await simulation.run(query.processAllAvailable())
  await simulation.run(session.stop())
  expect(heard).toEqual(['started', ['counts', 'STATE_GROWS']])
})
