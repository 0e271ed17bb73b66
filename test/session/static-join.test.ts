import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keptTable } from '../../properties/kept-table.ts'
import { rowsOfAll } from '../../properties/laws/stream-run.ts'
import { logEntries } from '../../properties/logged-epochs.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { JoinOptions } from '../../src/dataframe/join-options.ts'
import { col, expr, window } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'

const text = (lines: readonly unknown[]): Uint8Array =>
  new TextEncoder().encode(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)

/** Two epochs, with a new file of the side that does not stream in between; what each of them gave. */
async function twoEpochs(options: JoinOptions) {
  const files = virtualFileSystem()
  await files.makeFolder('words')
  await files.create('words/1.json', text([{ id: 1, word: 'one' }]))
  const table = keptTable()
  const { session, simulation } = simulatedSession({
    seed: 5,
    files,
    life: 0,
    config: { lanes: 2 },
  })
  session.register({ sink: table.sink() })
  const numbers = session.memoryStream('id INT')
  const words = session.read.schema('id INT, word STRING').json('words')
  const query = numbers
    .toDF()
    .join(words, 'id', 'left', options)
    .writeStream.option('checkpointLocation', 'checkpoint')
    .format('kept')
    .start()
  numbers.addData([[1], [2]])
  await simulation.run(query.processAllAvailable())
  await files.create('words/2.json', text([{ id: 2, word: 'two' }]))
  numbers.addData([[1], [2]])
  await simulation.run(query.processAllAvailable())
  const entries = await logEntries(files, 'checkpoint')
  await simulation.run(session.stop())
  const rows = table.epochs().map(({ batches }) =>
    rowsOfAll(batches)
      .map((row) => row.join(' '))
      .sort(),
  )
  return { rows: rows.filter((each) => each.length > 0), entries }
}

test('the side that does not stream is read again in every epoch, and is no part of the checkpoint', async () => {
  const { rows, entries } = await twoEpochs({})
  expect(rows).toEqual([
    ['1 one', '2 '],
    ['1 one', '2 two'],
  ])
  const manifests = entries.flatMap((entry) => (entry.type === 'manifest' ? [entry.manifest] : []))
  expect(manifests.length).toBeGreaterThan(1)
  for (const { positions } of manifests) expect(Object.keys(positions)).toEqual(['memory-0'])
})

test('with a refresh time it is read once in that time', async () => {
  const { rows } = await twoEpochs({ refresh: '10 days' })
  expect(rows).toEqual([
    ['1 one', '2 '],
    ['1 one', '2 '],
  ])
})

test('a side that a function makes is asked for again, though its rows are of this process', async () => {
  const files = virtualFileSystem()
  const table = keptTable()
  const { session, simulation } = simulatedSession({ seed: 5, files, life: 0 })
  session.register({ sink: table.sink() })
  const numbers = session.memoryStream('id INT')
  let asked = 0
  const rates = session
    .createDataFrame([{ id: 1 }], 'id INT')
    .as()
    .mapAsync(async ({ id }) => ({ id, rate: ++asked }), 'id INT, rate INT')
    .toDF()
  const joined = numbers.toDF().join(rates, 'id')
  const query = joined.writeStream.option('checkpointLocation', 'c').format('kept').start()
  for (const id of [1, 1]) {
    numbers.addData([[id]])
    await simulation.run(query.processAllAvailable())
  }
  await simulation.run(session.stop())
  expect(table.epochs().flatMap(({ batches }) => rowsOfAll(batches))).toEqual([
    [1, 1],
    [1, 2],
  ])
  const other = session.memoryStream('id INT').toDF()
  expect(() => numbers.toDF().join(other, 'id', 'inner', { refresh: '1 minute' })).toThrow(
    /refresh.*two streams/s,
  )
})

const words = [
  [9, 'x'],
  [7, 'b'],
  [7, 'a'],
  [5, 'y'],
  [3, 'z'],
] as const

/** What a stream of rows `id` gives behind a join with words for some of the ids, in the order of its rows. */
async function joined(
  lanes: number,
  build: (numbers: DataFrame, words: DataFrame) => DataFrame,
  given: readonly (readonly number[])[] = [
    [9, 8, 7],
    [6, 5],
    [4, 3],
  ],
): Promise<readonly string[]> {
  const files = virtualFileSystem()
  const { session, simulation } = simulatedSession({ seed: 7, files, life: 0, config: { lanes } })
  const table = keptTable()
  session.register({ sink: table.sink() })
  const numbers = session.memoryStream('id INT', { partitions: given.length })
  const others = session.createDataFrame(words, 'id INT, word STRING')
  const query = build(numbers.toDF(), others)
    .writeStream.options({ checkpointLocation: 'checkpoint', allowUnbounded: true })
    .format('kept')
    .start()
  given.forEach((ids, partition) => {
    numbers.addData(
      ids.map((id) => [id]),
      { partition },
    )
  })
  await simulation.run(query.processAllAvailable())
  await simulation.run(session.stop())
  return table.epochs().flatMap(({ batches }) => rowsOfAll(batches).map((row) => row.join(' ')))
}

const onId = col('n.id').eq(col('w.id'))
const behind =
  (type: 'inner' | 'left' | 'left_semi' | 'left_anti') =>
  (numbers: DataFrame, words: DataFrame): DataFrame => {
    const both = numbers.alias('n').join(words.alias('w'), onId, type)
    return type === 'inner' || type === 'left' ? both.select('n.id', 'word') : both
  }

// Rows stand where the row of the stream stood: by partition and position, then by the row of the other side.
test.each([
  ['inner', ['9 x', '7 b', '7 a', '5 y'], ['9', '7', '5', '3']],
  ['left', ['9 x', '8 ', '7 b', '7 a'], ['9', '8', '7', '6', '5', '4', '3']],
  ['left_semi', ['9', '7', '5', '3'], ['9', '7', '5', '3']],
  ['left_anti', ['8', '6', '4'], ['8', '6', '4']],
] as const)(
  'the first rows behind an %s join are those of the stream, in any number of lanes',
  async (type, first, ids) => {
    for (const lanes of [1, 4]) {
      const limited = await joined(lanes, (...sides) => behind(type)(...sides).limit(4))
      expect(limited, `${lanes} lanes`).toEqual(first)
      // Of the rows of an id the first one counts, so of `7` the word that came first.
      const once = await joined(lanes, (...sides) => behind(type)(...sides).dropDuplicates('id'))
      expect(once.map((row) => row.split(' ')[0]).toSorted()).toEqual(ids.toSorted())
      expect(once).not.toContain('7 a')
    }
  },
)

const joinTypes = ['inner', 'left', 'left_semi', 'left_anti'] as const
const ids = fc.array(fc.integer({ min: 2, max: 9 }), { maxLength: 6 })

/** Row by row: what the first rows of a stream give, partition by partition. */
function firstRows(
  type: (typeof joinTypes)[number],
  given: readonly (readonly number[])[],
  count: number,
): readonly string[] {
  const all = given.flat().flatMap((id) => {
    const found = words.filter(([other]) => other === id).map(([, word]) => `${id} ${word}`)
    switch (type) {
      case 'inner':
        return found
      case 'left':
        return found.length === 0 ? [`${id} `] : found
      default:
        return found.length > 0 === (type === 'left_semi') ? [String(id)] : []
    }
  })
  return all.slice(0, count)
}

test('the first rows behind a static join are those of a loop over the stream', async () => {
  let partial = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...joinTypes),
      fc.array(ids, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 12 }),
      async (type, given, lanes, count) => {
        const limited = (numbers: DataFrame, others: DataFrame): DataFrame =>
          behind(type)(numbers, others).limit(count)
        const expected = firstRows(type, given, count)
        expect(await joined(lanes, limited, given)).toEqual(expected)
        if (lanes > 1 && expected.length === count) partial++
      },
    ),
    { numRuns: 80 },
  )
  expect(partial).toBeGreaterThan(10)
})

test('a partition of a higher number comes behind one of a lower number, in any number of lanes', async () => {
  const given = Array.from({ length: 12 }, (_, partition) => [partition])
  const first = given.flat().slice(0, 11).map(String)
  for (const lanes of [1, 4]) {
    expect(await joined(lanes, (numbers) => numbers.limit(11), given)).toEqual(first)
  }
})

test('rows that have no place come in one order, in any number of lanes', async () => {
  // Groups have none; they come by their values.
  const counted = (lanes: number) =>
    joined(
      lanes,
      (numbers) =>
        numbers
          .withColumn('t', expr('timestamp_seconds(id)'))
          .withWatermark('t', '0 seconds')
          .groupBy(window('t', '1 second'), 'id')
          .count()
          .select('id', 'count')
          .limit(3),
      [
        [9, 1, 3, 99],
        [8, 4, 99],
        [7, 5, 99],
      ],
    )
  const one = await counted(1)
  expect(one).toHaveLength(3)
  expect(await counted(4)).toEqual(one)
  expect(await counted(3)).toEqual(one)
})
