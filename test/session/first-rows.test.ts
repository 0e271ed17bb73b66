import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type DataFrame, Session, StreamError } from '../../src/index.ts'

const root = await mkdtemp(join(tmpdir(), 'millrace-first-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let folders = 0

/** Six files, oldest first, each with every key; `n` counts the rows of all files. */
async function filesOfKeys(): Promise<string> {
  const folder = join(root, `in-${folders++}`)
  await mkdir(folder)
  for (let file = 0; file < 6; file++) {
    // The first names come last: order is by time.
    const path = join(folder, `${9 - file}.csv`)
    await writeFile(path, ['a', 'b', 'c'].map((k, row) => `${k},${file * 3 + row}\n`).join(''))
    await utimes(path, 1_600_000_000 + file, 1_600_000_000 + file)
  }
  return folder
}

/** Everything a query gives out over those files, in one epoch. */
async function answer(
  lanes: number,
  query: (rows: DataFrame) => DataFrame,
): Promise<readonly unknown[]> {
  const session = Session.builder
    .config('progress', 'off')
    .config('store', 'memory')
    .config('lanes', lanes)
    .getOrCreate()
  const rows = session.readStream.schema('k STRING, n INT').csv(await filesOfKeys())
  const found: unknown[] = []
  const running = query(rows)
    .writeStream.option('checkpointLocation', join(root, `checkpoint-${folders++}`))
    .option('allowUnbounded', true)
    .trigger({ availableNow: true })
    .foreachBatch(async (batch) => found.push(...(await batch.collect())))
    .start()
  await running.awaitTermination()
  await session.stop()
  return found
}

test.each([1, 3])(
  'the first row of a key is that of the oldest file with %d lanes',
  async (lanes) => {
    const rows = await answer(lanes, (frame) => frame.dropDuplicates('k'))
    expect(rows).toHaveLength(3)
    expect(rows).toEqual(
      expect.arrayContaining([
        { k: 'a', n: 0 },
        { k: 'b', n: 1 },
        { k: 'c', n: 2 },
      ]),
    )
  },
)

test.each([1, 3])('a limit gives the rows of the oldest files with %d lanes', async (lanes) => {
  const rows = await answer(lanes, (frame) => frame.limit(4))
  expect(rows).toEqual([
    { k: 'a', n: 0 },
    { k: 'b', n: 1 },
    { k: 'c', n: 2 },
    { k: 'a', n: 3 },
  ])
})

test.each(['memory', 'rocksdb'])(
  'keys beyond the cache budget are known as seen in the %s store, and forgotten in time',
  async (store) => {
    const session = Session.builder
      .config('progress', 'off')
      .config('store', store)
      .config('stateCache', '64 KB')
      .getOrCreate()
    const input = session.memoryStream('k INT, t TIMESTAMP')
    let given = 0
    const start = () =>
      input
        .toDF()
        .withWatermark('t', '100 seconds')
        .dropDuplicatesWithinWatermark('k')
        .writeStream.option('checkpointLocation', join(root, `seen-${store}`))
        .foreachBatch(async (batch) => {
          given += await batch.count()
        })
        .start()
    let query = start()
    /** How many of the rows, in 16 epochs, came out as first of their key. */
    const round = async (seconds: number): Promise<number> => {
      given = 0
      for (let part = 0; part < 16; part++) {
        const rows = Array.from({ length: 1000 }, (_, k) => ({
          k: k * 16 + part,
          t: new Date(seconds * 1000),
        }))
        input.addData(rows)
        await query.processAllAvailable()
      }
      return given
    }
    const stateBytes = (): number => query.lastProgress?.stateOperators[0]?.memoryUsedBytes ?? 0
    expect(await round(10)).toBe(16_000)
    expect(await round(20)).toBe(0)
    expect(stateBytes()).toBeLessThan(400_000)
    await query.stop()
    query = start()
    expect(await round(30)).toBe(0)
    // Beyond the first rows plus the delay, and the delay of the watermark itself.
    input.addData([{ k: -1, t: new Date(300_000) }])
    await query.processAllAvailable()
    expect(await round(400)).toBe(16_000)
    expect(await round(410)).toBe(0)
    await session.stop()
  },
)

test('duplicates that would be remembered for ever are refused, unless that is wanted', async () => {
  const session = Session.builder.config('progress', 'off').config('store', 'memory').getOrCreate()
  const rows = session.memoryStream('k STRING, t TIMESTAMP').toDF()
  const start = (frame: DataFrame) =>
    frame.writeStream
      .format('noop')
      .option('checkpointLocation', join(root, `checkpoint-${folders++}`))
      .start()
  const refusal = (frame: DataFrame): StreamError | undefined => {
    try {
      start(frame)
    } catch (thrown) {
      if (thrown instanceof StreamError) return thrown
    }
    return undefined
  }
  expect(refusal(rows.dropDuplicates('k'))).toMatchObject({ code: 'STATE_UNBOUNDED' })
  expect(refusal(rows.dropDuplicates('k'))?.hint).toContain('dropDuplicatesWithinWatermark')
  const timed = rows.withWatermark('t', '1 minute')
  expect(refusal(timed.dropDuplicates('k'))?.message).toContain('t is not among its columns')
  await start(timed.dropDuplicates('k', 't')).stop()
  await start(timed.dropDuplicatesWithinWatermark('k')).stop()
  await session.stop()
})
