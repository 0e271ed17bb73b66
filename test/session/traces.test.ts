import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { DataFrame, OutputMode } from '../../src/dataframe/data-frame.ts'
import { window } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { epochsOf } from './epochs-of.ts'

const root = await mkdtemp(join(tmpdir(), 'millrace-traces-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let folders = 0

/** A time of day and a word. */
type Seen = readonly [time: string, word: string]

/** The programming guide's words, by epoch. */
const guide: readonly (readonly Seen[])[] = [
  [
    ['12:07', 'dog'],
    ['12:08', 'owl'],
  ],
  [
    ['12:14', 'dog'],
    ['12:09', 'cat'],
  ],
  [
    ['12:15', 'cat'],
    ['12:08', 'dog'],
    ['12:21', 'owl'],
  ],
  [
    ['12:04', 'donkey'],
    ['12:17', 'owl'],
  ],
  [
    ['12:26', 'dog'],
    ['12:06', 'late6'],
  ],
]

const timeOf = (time: string): string => `2024-01-01T${time}:00Z`
const openSession = (): Session =>
  Session.builder.config('progress', 'off').config('store', 'memory').getOrCreate()

/** Counts per word and window, as lines `12:00-12:10 dog 2`. */
function counts(rows: DataFrame, slide: string): DataFrame {
  return rows
    .withWatermark('t', '10 minutes')
    .groupBy(window('t', '10 minutes', slide), 'word')
    .count()
    .selectExpr(
      "concat(date_format(window.start, 'HH:mm'), '-', date_format(window.end, 'HH:mm'), ' ', word, ' ', CAST(count AS STRING)) AS line",
    )
}

interface Trace {
  /** By epoch. */
  readonly lines: readonly (readonly string[])[]
  /** The eviction watermark of each epoch, as a time of day. */
  readonly watermarks: readonly string[]
}

/** One epoch per list, the next rows always waiting, and at the end what the watermark still closes. */
async function withoutPause(
  epochs: readonly (readonly Seen[])[],
  slide: string,
  mode: OutputMode,
): Promise<Trace> {
  const folder = join(root, String(folders++))
  await mkdir(folder)
  for (const [epoch, rows] of epochs.entries()) {
    const path = join(folder, `${epoch}.csv`)
    await writeFile(path, rows.map(([time, word]) => `${timeOf(time)},${word}\n`).join(''))
    await utimes(path, 1_700_000_000 + epoch, 1_700_000_000 + epoch)
  }
  const session = openSession()
  const input = session.readStream
    .schema('t TIMESTAMP, word STRING')
    .option('maxFilesPerTrigger', 1)
    .csv(folder)
  const lines: string[][] = []
  const query = counts(input, slide)
    .writeStream.outputMode(mode)
    .trigger({ availableNow: true })
    .foreachBatch(async (batch, epoch) => {
      const rows = await batch.collect()
      lines[epoch] = rows.map(({ line }) => String(line)).sort()
    })
    .start()
  await query.awaitTermination()
  const watermarks = query.recentProgress.flatMap(({ eventTime }) =>
    eventTime['watermark'] === undefined ? [] : [eventTime['watermark'].slice(11, 16)],
  )
  await session.stop()
  return { lines, watermarks }
}

test('trace T1: with rows waiting, a word older than the watermark is counted while its window is open', async () => {
  const { lines, watermarks } = await withoutPause(guide, '5 minutes', 'append')
  expect(lines).toEqual([
    [],
    [],
    [],
    [
      '11:55-12:05 donkey 1',
      '12:00-12:10 cat 1',
      '12:00-12:10 dog 2',
      '12:00-12:10 donkey 1',
      '12:00-12:10 owl 1',
    ],
    [],
    ['12:05-12:15 cat 1', '12:05-12:15 dog 3', '12:05-12:15 late6 1', '12:05-12:15 owl 1'],
  ])
  expect(watermarks).toEqual(['00:00', '11:58', '12:04', '12:11', '12:11', '12:16'])
})

test('trace T1b: with a pause after each epoch, the window is closed before the word comes', async () => {
  const rows = guide.map((epoch) => epoch.map(([t, word]) => ({ t: new Date(timeOf(t)), word })))
  const epochs = await epochsOf(openSession(), 't TIMESTAMP, word STRING', rows, (input) =>
    counts(input, '5 minutes'),
  )
  expect(epochs.map((epoch) => epoch.map(({ line }) => line))).toEqual([
    [],
    [],
    ['12:00-12:10 cat 1', '12:00-12:10 dog 2', '12:00-12:10 owl 1'],
    [],
    ['12:05-12:15 cat 1', '12:05-12:15 dog 3', '12:05-12:15 late6 1', '12:05-12:15 owl 1'],
  ])
})

test('trace T2: a row may be taken in and given out by the same epoch; the next one is late', async () => {
  const epochs: readonly (readonly Seen[])[] = [
    [['12:20', 'a']],
    [['12:09', 'b']],
    [['12:09', 'c']],
  ]
  const { lines } = await withoutPause(epochs, '10 minutes', 'append')
  expect(lines).toEqual([[], ['12:00-12:10 b 1'], []])
})

test('trace T3: update mode gives out what changed, also of windows that it then forgets', async () => {
  const { lines } = await withoutPause(guide, '5 minutes', 'update')
  expect(lines.slice(0, 5)).toEqual([
    ['12:00-12:10 dog 1', '12:00-12:10 owl 1', '12:05-12:15 dog 1', '12:05-12:15 owl 1'],
    ['12:00-12:10 cat 1', '12:05-12:15 cat 1', '12:05-12:15 dog 2', '12:10-12:20 dog 1'],
    [
      '12:00-12:10 dog 2',
      '12:05-12:15 dog 3',
      '12:10-12:20 cat 1',
      '12:15-12:25 cat 1',
      '12:15-12:25 owl 1',
      '12:20-12:30 owl 1',
    ],
    ['11:55-12:05 donkey 1', '12:00-12:10 donkey 1', '12:10-12:20 owl 1', '12:15-12:25 owl 2'],
    ['12:05-12:15 late6 1', '12:20-12:30 dog 1', '12:25-12:35 dog 1'],
  ])
  // What the watermark closes at the end is forgotten without a word.
  expect(lines.slice(5).flat()).toEqual([])
})

test('rule J2: one watermark among the keys of a join bounds both sides', async () => {
  const session = openSession()
  const left = session.memoryStream('v INT')
  const right = session.memoryStream('v INT')
  const timed = left
    .toDF()
    .selectExpr('v AS l', 'timestamp_seconds(v) AS t')
    .withWatermark('t', '10 seconds')
    .select(window('t', '10 seconds').alias('w'), 'l')
  const untimed = right
    .toDF()
    .selectExpr('v AS r', 'timestamp_seconds(v) AS t')
    .select(window('t', '10 seconds').alias('w'), 'r')
  let given: unknown[] = []
  const query = timed
    .join(untimed, 'w')
    .select('l', 'r')
    .writeStream.foreachBatch(async (batch) => {
      given.push(...(await batch.collect()))
    })
    .start()
  const step = async (input: typeof left, ...values: readonly number[]): Promise<unknown> => {
    given = []
    input.addData(values.map((v) => ({ v })))
    await query.processAllAvailable()
    return { given, rows: query.lastProgress?.stateOperators[0]?.numRowsTotal }
  }
  expect(await step(left, 1)).toEqual({ given: [], rows: 1 })
  expect(await step(right, 2)).toEqual({ given: [{ l: 1, r: 2 }], rows: 2 })
  // The watermark is 15: both rows of the window that ends at 10 go.
  expect(await step(left, 25)).toEqual({ given: [], rows: 1 })
  expect(await step(right, 3)).toEqual({ given: [], rows: 1 })
  await session.stop()
})

test('rule W4a: an aggregation counts what late rows would have changed, and the rows', async () => {
  const session = openSession()
  const input = session.memoryStream('t TIMESTAMP, word STRING')
  const query = counts(input.toDF(), '5 minutes')
    .writeStream.foreachBatch(async () => {})
    .start()
  const dropped = async (...rows: readonly Seen[]): Promise<readonly unknown[]> => {
    input.addData(rows.map(([time, word]) => ({ t: timeOf(time), word })))
    const batchId = query.lastProgress?.batchId ?? -1
    await query.processAllAvailable()
    const data = query.recentProgress.find(
      (each) => each.batchId > batchId && each.numInputRows > 0,
    )
    const operator = data?.stateOperators[0]
    return [operator?.numRowsDroppedByWatermark, operator?.customMetrics['numLateInputRows']]
  }
  expect(await dropped(['12:31', 'owl'])).toEqual([0, 0])
  // The watermark is 12:21. Twice dog and a cat, each for two windows that are over.
  expect(await dropped(['12:06', 'dog'], ['12:07', 'dog'], ['12:08', 'cat'])).toEqual([4, 3])
  // In time for the window until 12:25, late for the one until 12:20.
  expect(await dropped(['12:17', 'cat'])).toEqual([1, 0])
  await session.stop()
})
