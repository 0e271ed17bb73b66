import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import { count, window } from '../../src/functions.ts'
import type { Session } from '../../src/index.ts'

const noon = Date.UTC(2026, 0, 1, 12)
const start = '1970-01-01T00:00:00.000Z'
const at = (minutes: number): string => new Date(noon + minutes * 60_000).toISOString()

/** One epoch: its results as text, the watermark it ran with, and the turns of its sources. */
interface Seen {
  readonly rows: readonly string[]
  readonly watermark: string | undefined
  readonly turns: string
}

interface Run {
  readonly before?: (files: FileSystem) => Promise<void>
  /** Builds the query of this process. */
  readonly query: (session: Session) => DataFrame
  readonly trigger?: TriggerOptions
  /** What happens while it runs; afterwards it is stopped. */
  readonly during?: (
    settle: () => Promise<void>,
    reached: (epochs: number) => Promise<void>,
  ) => Promise<void>
}

/** Runs one process after the other over the same disk, and says what each epoch did. */
async function lives(runs: readonly Run[]): Promise<readonly (readonly Seen[])[]> {
  const files = virtualFileSystem()
  const all: Seen[][] = []
  for (const [life, { before, query, trigger, during }] of runs.entries()) {
    await before?.(files)
    const seen: Seen[] = []
    all.push(seen)
    const { session, simulation } = simulatedSession({ seed: life + 1, files, life })
    let rows: string[] = []
    session.streams.addListener({
      onQueryProgress({ progress }) {
        const turns = progress.sources.map(({ turn = '-' }) => turn).join(' ')
        seen.push({ rows: rows.sort(), watermark: progress.eventTime.watermark, turns })
        rows = []
      },
    })
    const writer = query(session)
      .writeStream.option('checkpointLocation', 'checkpoint')
      .foreachBatch(async (batch) => {
        for (const row of await batch.collect()) rows.push(JSON.stringify(row, plain))
      })
    const running = (trigger === undefined ? writer : writer.trigger(trigger)).start()
    if (during !== undefined) {
      await during(
        async () => void (await simulation.run(running.processAllAvailable())),
        async (epochs) => {
          while (seen.length < epochs) await simulation.run(simulation.pause())
        },
      )
      await simulation.run(session.stop())
    } else await simulation.run(running.awaitTermination())
  }
  return all
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

type Input = ReturnType<Session['memoryStream']>

function streamOf(session: Session, minutes: readonly number[]): Input {
  const stream = session.memoryStream('t TIMESTAMP, id INT')
  add(stream, ...minutes)
  return stream
}

function add(stream: Input, ...minutes: readonly number[]): void {
  stream.addData(minutes.map((minute) => [new Date(at(minute)), minute]))
}

const perWindow = (frame: DataFrame): DataFrame =>
  frame.groupBy(window('t', '10 minutes')).agg(count('id').alias('n'))

const counts = (...windows: readonly (readonly [minutes: number, n: number])[]): string[] =>
  windows.map(([minutes, n]) =>
    JSON.stringify({ window: { start: at(minutes), end: at(minutes + 10) }, n }),
  )

const ids = (...numbers: readonly number[]): string[] =>
  numbers.map((id) => JSON.stringify({ id })).sort()

const spellings: readonly (readonly [string, (past: DataFrame, live: DataFrame) => DataFrame])[] = [
  ['above both parts', (past, live) => past.followedBy(live).withWatermark('t', '10 minutes')],
  [
    'on each part',
    (past, live) =>
      past.withWatermark('t', '10 minutes').followedBy(live.withWatermark('t', '10 minutes')),
  ],
]

test.each(spellings)(
  'with a watermark %s, nothing of the history is late and it moves the watermark at the switch',
  async (_, watermarked) => {
    let past: Input
    let live: Input
    const [seen] = await lives([
      {
        query(session) {
          past = streamOf(session, [25, 3, 12])
          live = streamOf(session, [13, 2])
          return perWindow(watermarked(past.toDF(), live.toDF()))
        },
        async during(settle) {
          await settle()
          add(past, 500)
          add(live, 41)
          await settle()
        },
      },
    ])
    expect(seen).toEqual([
      { rows: [], watermark: start, turns: 'reading waiting' },
      // 12:25 less the delay. Rows of this epoch are judged by the watermark of the one before.
      { rows: counts([0, 2]), watermark: at(15), turns: 'ended reading' },
      { rows: [], watermark: at(15), turns: 'ended reading' },
      { rows: counts([10, 2], [20, 1]), watermark: at(31), turns: 'ended reading' },
    ])
  },
)

test.each(spellings)(
  'with a watermark %s, what the history closes comes out without a live row',
  async (_, watermarked) => {
    const [seen] = await lives([
      {
        query: (session) => {
          const [past, live] = [streamOf(session, [3, 25]), streamOf(session, [])]
          return perWindow(watermarked(past.toDF(), live.toDF()))
        },
        during: (settle) => settle(),
      },
    ])
    expect(seen?.map(({ rows, watermark }) => ({ rows, watermark }))).toEqual([
      { rows: [], watermark: start },
      { rows: counts([0, 1]), watermark: at(15) },
    ])
  },
)

test.each(spellings)(
  'with a watermark %s, an empty history leaves everything to the live part',
  async (_, watermarked) => {
    let live: Input
    const [seen] = await lives([
      {
        query(session) {
          live = streamOf(session, [])
          return perWindow(watermarked(streamOf(session, []).toDF(), live.toDF()))
        },
        async during(settle) {
          await settle()
          add(live, 3, 25)
          await settle()
        },
      },
    ])
    expect(seen?.map(({ rows, watermark }) => ({ rows, watermark }))).toEqual([
      { rows: [], watermark: start },
      { rows: counts([0, 1]), watermark: at(15) },
    ])
  },
)

test.each(spellings)(
  'with a watermark %s, a stop at the switch leaves what is due to the next run',
  async (_, watermarked) => {
    const query = (session: Session): DataFrame => {
      const [past, live] = [streamOf(session, [3, 25]), streamOf(session, [])]
      return perWindow(watermarked(past.toDF(), live.toDF()))
    }
    const [first, second] = await lives([
      { query, trigger: { processingTime: '1 hour' }, during: (_settle, reached) => reached(1) },
      { query, during: (settle) => settle() },
    ])
    expect(first?.map(({ turns }) => turns)).toEqual(['reading waiting'])
    expect(second).toEqual([{ rows: counts([0, 1]), watermark: at(15), turns: 'ended reading' }])
  },
)

/** Files of a row each, that are read one at a time, and a live stream behind them. */
const filesThenLive =
  (...live: readonly number[]) =>
  (session: Session): DataFrame =>
    session.readStream
      .schema('id INT')
      .option('maxFilesPerTrigger', 1)
      .json('past')
      .followedBy(streamOf(session, live).toDF().select('id'))

async function write(files: FileSystem, ...names: readonly number[]): Promise<void> {
  for (const id of names) {
    await files.create(`past/${id}.json`, new TextEncoder().encode(`{"id":${id}}\n`))
  }
}

test.each([1, 2, 3, 4])(
  'limits hold for the history, and a stop after epoch %i changes nothing',
  async (epochs) => {
    const [first = [], second = [], third = []] = await lives([
      {
        before: async (files) => {
          await files.makeFolder('past')
          await write(files, 1, 2, 3)
        },
        query: filesThenLive(11, 12),
        during: (_, reached) => reached(epochs),
      },
      {
        // A file that came after the first start is no history.
        before: (files) => write(files, 4),
        query: filesThenLive(11, 12, 13),
        during: (settle) => settle(),
      },
      { query: filesThenLive(11, 12, 13, 14), trigger: { availableNow: true } },
    ])
    expect(first.length).toBeGreaterThanOrEqual(epochs)
    const all = [...first, ...second, ...third].map(({ rows, turns }) => `${rows.join()} ${turns}`)
    const live = all.slice(3)
    expect(all.slice(0, 3)).toEqual([1, 2, 3].map((id) => `${ids(id)} reading waiting`))
    expect(live.every((epoch) => epoch.endsWith(' ended reading'))).toBe(true)
    expect(live.map((epoch) => epoch.replace(' ended reading', '')).join()).toBe(
      ids(11, 12, 13, 14).join(),
    )
  },
)

test('parts follow each other, also three, and a run may stop anywhere between them', async () => {
  const query =
    (a: readonly number[], b: readonly number[], c: readonly number[]) => (session: Session) =>
      streamOf(session, a)
        .toDF()
        .followedBy(streamOf(session, b).toDF())
        .followedBy(streamOf(session, c).toDF())
        .select('id')
  const [first, second, third] = await lives([
    { query: query([1, 2], [3], [5]), trigger: { availableNow: true } },
    // What came to the first two parts since then is not read.
    { query: query([1, 2, 8], [3, 9], [5, 6]), trigger: { availableNow: true } },
    { query: query([1, 2, 8], [3, 9], [5, 6, 7]), trigger: { availableNow: true } },
  ])
  const rowsAndTurns = (seen: readonly Seen[] = []) =>
    seen.map(({ rows, turns }) => `${rows.join()} ${turns}`)
  expect(rowsAndTurns(first)).toEqual([
    `${ids(1, 2)} reading waiting waiting`,
    `${ids(3)} ended reading waiting`,
    `${ids(5)} ended ended reading`,
  ])
  expect(rowsAndTurns(second)).toEqual([`${ids(6)} ended ended reading`])
  expect(rowsAndTurns(third)).toEqual([`${ids(7)} ended ended reading`])
})

test('as a batch both are read, history first', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const [past, live] = [[1, 2], [0]].map((rows) =>
    session.createDataFrame(
      rows.map((id) => ({ id })),
      'id INT',
    ),
  )
  const rows = simulation.run(frameOf(past).followedBy(frameOf(live)).collect())
  expect(await rows).toEqual([{ id: 1 }, { id: 2 }, { id: 0 }])
})

/** Why a query may not start, or cannot go on. */
async function refusal(...runs: readonly Run[]): Promise<string> {
  try {
    await lives(runs)
  } catch (problem) {
    if (problem instanceof StreamError) return problem.message
    throw problem
  }
  throw new Error('nothing was refused')
}

const availableNow = { availableNow: true } as const
const two = (session: Session): readonly [DataFrame, DataFrame] => [
  streamOf(session, [1]).toDF(),
  streamOf(session, [2]).toDF(),
]

test('a history without an end is refused, and so are triggers that cannot tell two parts apart', async () => {
  const rateFirst = (session: Session): DataFrame =>
    session.readStream
      .format('rate')
      .load()
      .select('value')
      .followedBy(streamOf(session, []).toDF().selectExpr('CAST(id AS BIGINT) AS value'))
  expect(await refusal({ query: rateFirst, trigger: availableNow })).toMatch(
    /STREAMING_UNSUPPORTED: The rate source rate-0 as the history[\s\S]*Hint: .*behind followedBy/,
  )
  const query = (session: Session): DataFrame => {
    const [past, live] = two(session)
    return past.followedBy(live)
  }
  expect(await refusal({ query, trigger: { once: true } })).toMatch(
    /STREAMING_UNSUPPORTED: followedBy under the trigger once[\s\S]*availableNow/,
  )
  expect(await refusal({ query, trigger: { continuous: '1 second' } })).toMatch(
    /followedBy under the trigger continuous/,
  )
})

test('a stream that is history and live at once is refused', async () => {
  const query = (session: Session): DataFrame => {
    const [past, live] = two(session)
    return past.followedBy(live.union(past))
  }
  expect(await refusal({ query, trigger: availableNow })).toMatch(
    /STREAMING_UNSUPPORTED: Reading the source memory-0 as a history that ends and again[\s\S]*another name/,
  )
})

test('columns are found by name, and one that is missing is named', async () => {
  const query = (session: Session): DataFrame => {
    const [past, live] = two(session)
    return past.followedBy(live.select('t'))
  }
  expect(await refusal({ query, trigger: availableNow })).toMatch(/COLUMN_NOT_FOUND.* id /)
})

test('the order of the parts belongs to the checkpoint', async () => {
  const run = (build: (past: DataFrame, live: DataFrame) => DataFrame): Run => ({
    query: (session) => build(...two(session)),
    trigger: availableNow,
  })
  const ordered = run((past, live) => past.followedBy(live))
  const reasons = [
    await refusal(
      ordered,
      run((past, live) => live.followedBy(past)),
    ),
    await refusal(
      ordered,
      run((past, live) => past.union(live)),
    ),
    await refusal(
      run((past, live) => past.union(live)),
      ordered,
    ),
  ]
  expect(
    reasons.map((reason) => /CHECKPOINT_OTHER_QUERY.*: (source .*)\./.exec(reason)?.[1]),
  ).toEqual([
    'source memory-0 came after no other source and now after memory-1',
    'source memory-1 came after memory-0 and now after no other source',
    'source memory-1 came after no other source and now after memory-0',
  ])
})

function frameOf(frame: DataFrame | undefined): DataFrame {
  if (frame === undefined) throw new Error('the test made this frame')
  return frame
}
