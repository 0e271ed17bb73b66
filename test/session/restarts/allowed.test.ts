import { expect, test } from 'vitest'
import { keptTable } from '../../../properties/kept-table.ts'
import {
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../../properties/virtual-file-system.ts'
import type { DataFrame } from '../../../src/dataframe/data-frame.ts'
import { col, count, expr, session_window, sum, udf, window } from '../../../src/functions.ts'
import type { Session } from '../../../src/index.ts'
import { type Life, lives, pairs, refusal } from './lives.ts'

// What may change between two runs over one checkpoint, row by row of the table in docs/operations.md.

const total = (frame: DataFrame): DataFrame => frame.groupBy('k').agg(sum('n').alias('s'))

test('filters may come and go, below the state and above it; what is in the state stays', async () => {
  const first = [
    [1, 5],
    [2, 1],
  ] as const
  const then = [...first, [1, 2], [2, 2], [3, 9]] as const
  const last = [...then, [1, 1], [2, 7]] as const
  const said = await lives([
    { query: (session) => total(pairs(session, ...first)), mode: 'update' },
    {
      query: (session) => total(pairs(session, ...then).filter('n <> 9')).filter('s > 3'),
      mode: 'update',
    },
    { query: (session) => total(pairs(session, ...last)), mode: 'update' },
  ])
  expect(said).toEqual([['1 5', '2 1'], ['1 7'], ['1 8', '2 10']])
})

test('projections may change, as long as what operators read keeps its name and type', async () => {
  const said = await lives([
    { query: (session) => total(pairs(session, [1, 5])), mode: 'update' },
    {
      query: (session) =>
        total(
          pairs(session, [1, 5], [1, 2]).selectExpr('n * 10 AS n', "'x' AS more", 'k'),
        ).selectExpr('s AS sum', 'k + 100 AS key'),
      mode: 'update',
    },
  ])
  expect(said).toEqual([['1 5'], ['25 101']])
})

test('triggers and lanes may change, from epoch to epoch and to the continuous one and back', async () => {
  const life = (count: number, trigger: Life['trigger'], lanes: number): Life => ({
    query: (session) =>
      pairs(
        session,
        ...(
          [
            [1, 1],
            [2, 2],
            [3, 3],
            [4, 4],
          ] as const
        ).slice(0, count),
      ),
    config: { lanes },
    ...(trigger === undefined ? {} : { trigger }),
  })
  const said = await lives([
    life(1, { availableNow: true }, 1),
    life(2, { processingTime: '0 seconds' }, 2),
    life(3, { continuous: '1 second' }, 3),
    life(4, { availableNow: true }, 1),
  ])
  expect(said.map((rows) => rows.join())).toEqual(['1 1 1', '2 2 2', '3 3 3', '4 4 4'])
})

async function put(
  files: VirtualFileSystem,
  path: string,
  ...numbers: readonly number[]
): Promise<void> {
  await files.makeFolder(path.slice(0, path.lastIndexOf('/')))
  const lines = numbers.map((n) => `{"n":${n}}\n`).join('')
  await files.create(path, new TextEncoder().encode(lines))
}

const folder = (session: Session, path: string, name?: string, limit?: number): DataFrame => {
  const reader = session.readStream.schema('n INT').option('maxFilesPerTrigger', limit ?? 1000)
  return (name === undefined ? reader : reader.name(name)).json(path)
}

test('rate limits may change', async () => {
  const said = await lives([
    {
      before: (files) => put(files, 'in/1.json', 1),
      query: (session) => folder(session, 'in', undefined, 1),
    },
    {
      before: async (files) => {
        await put(files, 'in/2.json', 2)
        await put(files, 'in/3.json', 3)
      },
      query: (session) => folder(session, 'in', undefined, 50),
    },
  ])
  expect(said).toEqual([['1'], ['2', '3']])
})

test('a source with a name may be added to a union, and named sources may change places', async () => {
  const said = await lives([
    {
      before: async (files) => {
        await put(files, 'a/1.json', 1)
        await put(files, 'b/1.json', 10)
        await put(files, 'c/1.json', 100)
      },
      query: (session) => folder(session, 'a', 'first').union(folder(session, 'b', 'second')),
    },
    {
      before: (files) => put(files, 'a/2.json', 2),
      query: (session) =>
        folder(session, 'c', 'third')
          .union(folder(session, 'b', 'second'))
          .union(folder(session, 'a', 'first')),
    },
  ])
  // What was there of the new source is read from its beginning; of the others what is new.
  expect(said).toEqual([
    ['1', '10'],
    ['100', '2'],
  ])
})

test('a source may be added below an aggregation too, whose groups go on', async () => {
  const keyed = (frame: DataFrame): DataFrame =>
    frame.groupBy(expr('n % 2')).agg(sum('n').alias('s'))
  const said = await lives([
    {
      before: (files) => put(files, 'a/1.json', 1, 2),
      query: (session) => keyed(folder(session, 'a', 'first')),
      mode: 'update',
    },
    {
      before: (files) => put(files, 'b/1.json', 5),
      query: (session) =>
        keyed(folder(session, 'a', 'first').union(folder(session, 'b', 'second'))),
      mode: 'update',
    },
  ])
  expect(said).toEqual([['0 2', '1 1'], ['1 6']])
})

test('a source with a name may go, and goes on where it was when it comes back', async () => {
  const keyed = (frame: DataFrame): DataFrame =>
    frame.groupBy(expr('n % 2')).agg(sum('n').alias('s'))
  const a = (session: Session): DataFrame => folder(session, 'a', 'first')
  const both = (session: Session): DataFrame => a(session).union(folder(session, 'b', 'second'))
  const life = (path: string, n: number, query: Life['query']): Life => ({
    before: (files) => put(files, path, n),
    query: (session) => keyed(query(session)),
    mode: 'update',
  })
  const said = await lives([
    {
      ...life('a/1.json', 1, both),
      before: async (files) => {
        await put(files, 'a/1.json', 1)
        await put(files, 'b/1.json', 10)
      },
    },
    life('b/2.json', 20, a),
    life('a/2.json', 3, a),
    life('a/3.json', 5, both),
  ])
  expect(said).toEqual([['0 10', '1 1'], [], ['1 4'], ['0 30', '1 9']])
})

test('sources without a name go by their order: another path in the place of one is refused', async () => {
  const before = async (files: VirtualFileSystem): Promise<void> => {
    await put(files, 'a/1.json', 1)
    await put(files, 'b/1.json', 10)
  }
  const reason = await refusal(
    { before, query: (session) => folder(session, 'a').union(folder(session, 'b')) },
    { query: (session) => folder(session, 'b').union(folder(session, 'a')) },
  )
  expect(reason).toMatch(/source json-0 was a and is b \(sources that were given a name may move/)
})

test('a named source may read another path: what is there counts as new', async () => {
  const said = await lives([
    {
      before: (files) => put(files, 'a/1.json', 1),
      query: (session) => folder(session, 'a', 'in'),
    },
    {
      before: (files) => put(files, 'b/9.json', 9),
      query: (session) => folder(session, 'b', 'in'),
    },
  ])
  expect(said).toEqual([['1'], ['9']])
})

const windows = (delay: string) => (frame: DataFrame) =>
  frame.withWatermark('t', delay).groupBy(window('t', '10 seconds')).agg(sum('n').alias('s'))

test('the delay of a watermark may change: the watermark never goes back', async () => {
  const first = [[1, 35]] as const
  const then = [...first, [1, 12]] as const
  const last = [...then, [1, 70]] as const
  const query =
    (delay: string, rows: readonly (readonly [number, number])[]) =>
    (session: Session): DataFrame =>
      windows(delay)(pairs(session, ...rows))
  const said = await lives([
    { query: query('5 seconds', first) },
    // The watermark stands at 30: 12 is late, whatever the delay is now.
    { query: query('1 minute', then) },
    { query: query('1 second', last) },
  ])
  expect(said).toEqual([[], [], ['30-40 35']])
})

test('the function of custom state may change, and the query goes on with what it kept', async () => {
  const counted =
    (factor: number, rows: readonly (readonly [number, number])[]) =>
    (session: Session): DataFrame =>
      pairs(session, ...rows)
        .as()
        .groupByKey('k')
        .flatMapGroupsWithState(
          (_, given, state) => {
            const before = state.exists() ? Number(state.get()) : 0
            const now = before + [...given].length * factor
            state.update(now)
            return [{ now }]
          },
          { state: 'INT', output: 'now INT', outputMode: 'append' },
        )
        .toDF()
  const said = await lives([
    { query: counted(1, [[1, 1]]) },
    {
      query: counted(10, [
        [1, 1],
        [1, 2],
      ]),
    },
  ])
  expect(said).toEqual([['1'], ['11']])
})

test('settings that state depends on stay as they were at the first start', async () => {
  const rows = [
    [1, 1],
    [2, 2],
  ] as const
  const said = await lives([
    { query: (session) => total(pairs(session, ...rows)), mode: 'update', config: { shards: 4 } },
    {
      query: (session) => total(pairs(session, ...rows, [1, 4])),
      mode: 'update',
      config: { shards: 16, lanes: 4, watermarkPolicy: 'max' },
    },
  ])
  expect(said[1]).toEqual(['1 5'])
})

test('a query may go on into another sink, which gets what is new', async () => {
  const files = virtualFileSystem()
  const into = (path: string, ...rows: readonly (readonly [number, number])[]): Life => ({
    query: (session) => pairs(session, ...rows).select('k'),
    sink: (writer) => writer.format('json').option('path', path),
  })
  await lives(
    [
      into('out', [1, 1]),
      into('other', [1, 1], [2, 2]),
      { query: (session) => pairs(session, [1, 1], [2, 2], [3, 3]).select('k') },
    ],
    files,
  )
  expect(await rowsIn(files, 'out')).toEqual(['{"k":1}'])
  expect(await rowsIn(files, 'other')).toEqual(['{"k":2}'])
})

test('late rows that nobody took may go to files at any time', async () => {
  const table = keptTable()
  const life = (options: Readonly<Record<string, string>>, fails?: RegExp): Life => ({
    query(session) {
      const refuse = (step: string): void => {
        if (fails !== undefined && step.startsWith('table commit')) throw new Error('no route')
      }
      session.register({ sink: table.sink(refuse) })
      return timed(pairs(session, [1, 1]))
        .dropDuplicates('k', 't')
        .select('k')
    },
    sink: (writer) => writer.format('kept').options(options),
    ...(fails === undefined ? {} : { fails }),
  })
  await lives([life({}, /no route/), life({ lateRowsPath: 'late' })])
  expect(table.epochs()).toHaveLength(1)
})

test('a function that had its epoch may give way while another sink may not have it', async () => {
  const files = virtualFileSystem()
  const full: VirtualFileSystem = {
    ...files,
    async link(from, to) {
      if (to.startsWith('letters/part')) throw new Error('no room')
      return files.link(from, to)
    },
  }
  const small = udf((n: number) => {
    if (n === 1) throw new RangeError(`${n} is small`)
    return n
  }, 'int')
  const options = { badRows: 'deadLetter', deadLetterPath: 'letters' }
  const query = (session: Session): DataFrame =>
    pairs(session, [1, 1], [2, 2]).select(small(col('n')).alias('n'))
  const seen: number[] = []
  const called: Life = {
    query,
    sink: (writer) =>
      writer
        .options(options)
        .foreachBatch(
          async (batch) => void seen.push(...(await batch.collect()).map(({ n }) => Number(n))),
        ),
    fails: /no room/,
  }
  await lives([called], full)
  await lives([{ query, sink: (writer) => writer.options(options).format('noop') }], files)
  expect(seen).toEqual([2])
  expect(await rowsIn(files, 'letters')).toHaveLength(1)
})

async function rowsIn(files: VirtualFileSystem, path: string): Promise<readonly string[]> {
  const names = (await files.list(path)).filter(({ isFolder }) => !isFolder)
  const contents = await Promise.all(names.map(({ name }) => files.read(`${path}/${name}`)))
  return contents.flatMap((bytes) => new TextDecoder().decode(bytes).trim().split('\n'))
}

const timed = (frame: DataFrame): DataFrame => frame.withWatermark('t', '1 second')

test('the output mode of a query without aggregation may change', async () => {
  const life = (
    mode: 'append' | 'update',
    ...rows: readonly (readonly [number, number])[]
  ): Life => ({
    query: (session) =>
      timed(pairs(session, ...rows))
        .dropDuplicates('k', 't')
        .select('k'),
    mode,
  })
  expect(await lives([life('append', [1, 1]), life('update', [1, 1], [2, 2])])).toEqual([
    ['1'],
    ['2'],
  ])
})

test('a condition of an inner join that says nothing of times may change, as a filter may', async () => {
  const life = (more: string, left: readonly number[], right: readonly number[]): Life => ({
    query: (session) =>
      timed(pairs(session, ...left.map((n) => [1, n] as const)))
        .alias('l')
        .join(
          timed(pairs(session, ...right.map((n) => [1, n] as const))).alias('r'),
          expr(`l.k = r.k AND l.t BETWEEN r.t - INTERVAL 1 HOUR AND r.t + INTERVAL 1 HOUR${more}`),
        )
        .select(col('l.n').alias('a'), col('r.n').alias('b')),
  })
  const said = await lives([life('', [1, 5], []), life(' AND l.n < r.n', [1, 5], [3])])
  expect(said).toEqual([[], ['1 3']])
})

test('an equality in a filter behind a join of streams may come and go, as it is no key', async () => {
  const life = (left: readonly number[], right: readonly number[], where?: string): Life => ({
    query: (session) => {
      const joined = timed(pairs(session, ...left.map((n) => [1, n] as const)))
        .alias('l')
        .join(
          timed(pairs(session, ...right.map((n) => [1, n] as const))).alias('r'),
          expr('l.k = r.k'),
        )
      const kept = where === undefined ? joined : joined.where(where)
      return kept.select(col('l.n').alias('a'), col('r.n').alias('b'))
    },
  })
  const said = await lives([life([5], []), life([5], [3, 5], 'l.n = r.n'), life([5], [3, 5, 6])])
  expect(said).toEqual([[], ['5 5'], ['5 6']])
})

test('the gap of sessions may change for the rows that come', async () => {
  const life = (gap: string, ...seconds: readonly number[]): Life => ({
    query: (session) =>
      timed(pairs(session, ...seconds.map((second) => [1, second] as const)))
        .groupBy(session_window('t', gap), 'k')
        .agg(count('n').alias('c')),
  })
  const said = await lives([
    life('5 seconds', 10),
    life('20 seconds', 10, 14),
    life('1 second', 10, 14, 99),
  ])
  // From 10 to the end of the last gap, which was 20 seconds.
  expect(said.at(-1)).toEqual(['10-34 1 2'])
})

test('how often early results come may change', async () => {
  const life = (every: string, ...rows: readonly (readonly [number, number])[]): Life => ({
    query: (session) =>
      timed(pairs(session, ...rows))
        .groupBy(window('t', '10 seconds'))
        .emit({ every })
        .agg(count('n').alias('c')),
    mode: 'update',
  })
  const said = await lives([life('1 hour', [1, 1]), life('0 seconds', [1, 1], [1, 2])])
  expect(said).toEqual([['0-10 1 false'], ['0-10 2 false']])
})
