import { describe, expect, test } from 'vitest'
import { rowsAsText } from '../../properties/laws/rows-as-text.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { csvSink, jsonSink, textSink } from '../../src/connectors/files/sink.ts'
import { csvSource, jsonSource, textSource } from '../../src/connectors/files/source.ts'
import {
  checkOptions,
  type SinkFactory,
  type SourceContext,
  type SourceFactory,
} from '../../src/connectors/registry.ts'
import type { SinkStart, Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { epochOf, noTime, sinkContext, sinkStart, sourceContext } from './contexts.ts'

const numbers = parseSchema('n LONG')

async function put(files: VirtualFileSystem, path: string, text: string): Promise<void> {
  await files.makeFolder(path.slice(0, path.lastIndexOf('/')))
  await files.create(path, new TextEncoder().encode(text))
}

async function rowsFrom(source: Source, from = 0): Promise<readonly (readonly Value[])[]> {
  const range = { from: { '0': from }, to: await source.latest({ '0': from }, {}) }
  const rows: (readonly Value[])[] = []
  for await (const batch of source.read(range, { index: 0, count: 1 })) rows.push(...rowsOf(batch))
  return rows
}

async function read(
  factory: SourceFactory,
  files: VirtualFileSystem,
  options: Readonly<Record<string, string>>,
  part: Partial<SourceContext> & { readonly ddl?: string } = {},
): Promise<readonly (readonly Value[])[]> {
  const checked = checkOptions(factory, options)
  const given = part.ddl === undefined ? undefined : parseSchema(part.ddl)
  const schema = factory.schemaFor(checked, given)
  const context = sourceContext(schema, { ...part, files, options: checked })
  return await rowsFrom(await factory.create(context))
}

describe('a csv file', () => {
  const ddl = 'id INT, name STRING, at TIMESTAMP'
  const text = 'id,name,at\n1,"a ""b"", \\"c\\"",2024-05-01 10:00:00\n2,,\nx,"",2024-05-02\n3\n'

  async function csv(options: Readonly<Record<string, string>>, columns = ddl) {
    const files = virtualFileSystem()
    await put(files, 'in/a.csv', text)
    return await read(
      csvSource,
      files,
      { path: 'in', header: 'true', ...options },
      { ddl: columns },
    )
  }

  test('gives NULL for what is empty or does not fit', async () => {
    expect(await csv({})).toEqual([
      [1, 'a "b", "c"', Date.UTC(2024, 4, 1, 10) * 1000],
      [2, null, null],
      [null, '', Date.UTC(2024, 4, 2) * 1000],
      [3, null, null],
    ])
  })

  test('loses its bad rows in mode DROPMALFORMED, whatever columns are read', async () => {
    expect((await csv({ mode: 'dropMalformed' })).map(([id]) => id)).toEqual([1, 2])
    const files = virtualFileSystem()
    await put(files, 'in/a.csv', text)
    const options = { path: 'in', header: 'true', mode: 'DROPMALFORMED' }
    expect(await read(csvSource, files, options, { ddl, columns: [1] })).toHaveLength(2)
  })

  test('fails on its first bad row in mode FAILFAST', () =>
    expect(csv({ mode: 'FAILFAST' })).rejects.toMatchObject({ code: 'DECODE_FAILED' }))

  test('keeps the text of bad rows in the corrupt column', async () => {
    const rows = await csv({}, `${ddl}, _corrupt_record STRING`)
    expect(rows.map((row) => row[3])).toEqual([null, null, 'x,"",2024-05-02', '3'])
  })

  test('must have the names of the schema in its header, unless the schema is enforced', async () => {
    const other = 'id INT, title STRING, at TIMESTAMP'
    await expect(csv({}, other)).rejects.toMatchObject({ code: 'DECODE_FAILED' })
    expect(await csv({ enforceSchema: 'true' }, other)).toHaveLength(4)
  })

  test('reads times by a pattern', async () => {
    const files = virtualFileSystem()
    await put(files, 'in/a.csv', '01.02.2024|24/03/05 06:07\n')
    const options = {
      path: 'in',
      sep: '|',
      dateFormat: 'dd.MM.yyyy',
      timestampFormat: 'yy/MM/dd HH:mm',
    }
    expect(await read(csvSource, files, options, { ddl: 'd DATE, t TIMESTAMP' })).toEqual([
      [Date.UTC(2024, 1, 1) / 86_400_000, Date.UTC(2024, 2, 5, 6, 7) * 1000],
    ])
  })
})

describe('a file source', () => {
  async function fiveFiles(): Promise<VirtualFileSystem> {
    const files = virtualFileSystem()
    for (const n of [3, 1, 2, 5, 4]) await put(files, `in/${n}.json`, `{"n":${n}}\n`)
    return files
  }
  const json = (
    files: VirtualFileSystem,
    options: Readonly<Record<string, string>> = {},
    folder?: string,
  ) =>
    jsonSource.create(
      sourceContext(numbers, {
        files,
        folder,
        options: checkOptions(jsonSource, { path: 'in', ...options }),
      }),
    )

  test('reads in order of modification, or the other way round', async () => {
    const files = await fiveFiles()
    expect((await rowsFrom(await json(files))).flat()).toEqual([3n, 1n, 2n, 5n, 4n])
    const backwards = await json(files, { latestFirst: 'true' })
    expect((await rowsFrom(backwards)).flat()).toEqual([4n, 5n, 2n, 1n, 3n])
  })

  test('takes as many files or bytes as an epoch may, and always one', async () => {
    const source = await json(await fiveFiles())
    expect(await source.latest({ '0': 0 }, { maxFiles: 2 })).toEqual({ '0': 2 })
    expect(await source.latest({ '0': 2 }, { maxBytes: 20 })).toEqual({ '0': 4 })
    expect(await source.latest({ '0': 4 }, { maxBytes: 1 })).toEqual({ '0': 5 })
    expect(await source.latest({ '0': 5 }, { maxFiles: 1 })).toEqual({ '0': 5 })
  })

  test('keeps the meaning of a position over a restart, whatever is there by then', async () => {
    const files = await fiveFiles()
    const first = await json(files, {}, 'sources/0')
    expect(await first.latest({ '0': 0 }, { maxFiles: 3 })).toEqual({ '0': 3 })
    await put(files, 'in/0.json', '{"n":0}\n')
    const second = await json(files, { latestFirst: 'true' }, 'sources/0')
    expect((await rowsFrom(second)).flat()).toEqual([3n, 1n, 2n, 0n, 4n, 5n])
  })

  test('says which file has vanished', async () => {
    const files = await fiveFiles()
    const source = await json(files)
    const to = await source.latest({ '0': 0 }, {})
    await files.remove('in/2.json')
    const read = async () => {
      const rows: string[] = []
      for await (const batch of source.read({ from: { '0': 0 }, to }, { index: 0, count: 1 })) {
        rows.push(...rowsAsText(batch))
      }
    }
    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_LOST_DATA' })
  })

  test('leaves out files that are too old for one that was taken', async () => {
    let now = 1_000_000
    const files = virtualFileSystem({ now: () => now })
    await put(files, 'in/new', '{"n":1}')
    const source = await json(files, { maxFileAge: '10 seconds' })
    expect((await rowsFrom(source)).flat()).toEqual([1n])
    now = 989_999
    await put(files, 'in/old', '{"n":2}')
    now = 990_000
    await put(files, 'in/younger', '{"n":3}')
    expect((await rowsFrom(source, 1)).flat()).toEqual([3n])
  })

  test('finds files by glob and by name, below folders if told so, and no hidden ones', async () => {
    const files = virtualFileSystem()
    for (const path of ['a/x.txt', 'b/x.txt', 'b/y.log', 'b/_x.txt', 'b/sub/z.txt', 'c/x.txt']) {
      await put(files, `in/${path}`, path)
    }
    const lines = async (options: Readonly<Record<string, string>>) =>
      (await read(textSource, files, { path: 'in/[ab]', ...options })).flat()
    expect(await lines({})).toEqual(['a/x.txt', 'b/x.txt', 'b/y.log'])
    expect(await lines({ recursiveFileLookup: 'true' })).toHaveLength(4)
    expect(await lines({ pathGlobFilter: '*.log' })).toEqual(['b/y.log'])
    expect(await lines({ path: 'in/{a,c}/x.*' })).toEqual(['a/x.txt', 'c/x.txt'])
    expect(await lines({ fileNameOnly: 'true' })).toEqual(['a/x.txt', 'b/y.log'])
  })

  test.each([
    { maxFilesPerTrigger: '0' },
    { maxFilesPerTrigger: 'many' },
    { maxFilesPerTrigger: '1', maxBytesPerTrigger: '1' },
    { path: 'nowhere' },
  ])('refuses %j', async (options) => {
    const files = await fiveFiles()
    await expect(
      read(jsonSource, files, { path: 'in', ...options }, { ddl: 'n LONG' }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

test('a file source leaves out what nobody wants, but never where it counts rows', async () => {
  const files = virtualFileSystem()
  await put(files, 'in/k=7/a.json', [1, 2, 1, 3, 2].map((n) => `{"n":${n}}\n`).join(''))
  const wanted = [
    { column: 'n', values: [2n] },
    { column: 'k', values: [8] },
  ]
  const options = new Map([['path', 'in']])
  const schema = parseSchema('n LONG, k INT')
  const source = await jsonSource.create(sourceContext(schema, { files, options, wanted }))
  const readRange = async (from: Position, to: Position) => {
    const found: { numbers: unknown[]; leftOut: number } = { numbers: [], leftOut: 0 }
    for await (const batch of source.read({ from, to }, { index: 0, count: 1 })) {
      found.numbers.push(...rowsOf(batch).map(([n]) => Number(n)))
      found.leftOut += batch.leftOut ?? 0
    }
    return found
  }
  const end = await source.latest({ '0': 0 }, {})
  expect(await readRange({ '0': 0 }, end)).toEqual({ numbers: [2, 2], leftOut: 3 })
  expect(await readRange({ '0': [0, 2] }, end)).toEqual({ numbers: [1, 3, 2], leftOut: 0 })
  expect(await readRange({ '0': 0 }, { '0': [0, 4] })).toEqual({
    numbers: [1, 2, 1, 3],
    leftOut: 0,
  })
  const polled = await source.poll({ '0': 0 }, 100)
  expect(polled?.batch.rowCount).toBe(5)
})

describe('a file sink', () => {
  const ddl = 'n LONG, at TIMESTAMP, s STRUCT<x: DOUBLE, y: ARRAY<INT>>'
  const rows: Value[][] = [
    [9_007_199_254_740_993n, Date.UTC(2016, 2, 27, 9, 0, 5) * 1000, [1, [1, null]]],
    [null, null, [null, null]],
  ]

  async function save(
    factory: SinkFactory,
    files: VirtualFileSystem,
    { schema = ddl, values = rows, queryId = 'first', ...options }: SaveOptions = {},
  ): Promise<void> {
    const columns = parseSchema(schema)
    const checked = checkOptions(factory, { path: 'out', ...options })
    const sink = await factory.create(sinkContext(columns, { files, options: checked }))
    try {
      await sink.open(sinkStart({ queryId }))
      await sink.write(batchOf(columns, values), epochOf(0))
      await sink.commit(epochOf(0), await sink.prepare(epochOf(0), noTime))
    } finally {
      await sink.close()
    }
  }
  type SaveOptions = {
    readonly schema?: string
    readonly values?: Value[][]
    readonly queryId?: string
    readonly saveMode?: string
    readonly header?: string
  }

  async function texts(files: VirtualFileSystem): Promise<readonly string[]> {
    const visible = files.allFiles().filter((path) => !path.includes('/_'))
    return await Promise.all(
      visible.map(async (path) => new TextDecoder().decode(await files.read(path))),
    )
  }

  test('writes plain digits, ISO times and no field for NULL', async () => {
    const files = virtualFileSystem()
    await save(jsonSink, files)
    expect(files.allFiles()).toContain('out/part-00000-0.json')
    expect(await texts(files)).toEqual([
      '{"n":9007199254740993,"at":"2016-03-27T09:00:05.000Z","s":{"x":1.0,"y":[1,null]}}\n{"s":{}}\n',
    ])
  })

  test('writes csv that reads back, under a header', async () => {
    const files = virtualFileSystem()
    const values = [
      [1n, 'a,"b" \\ c'],
      [2n, null],
      [3n, ''],
    ]
    await save(csvSink, files, { schema: 'n LONG, t STRING', values, header: 'true' })
    const options = { path: 'out', header: 'true' }
    expect(await read(csvSource, files, options, { ddl: 'n LONG, t STRING' })).toEqual(values)
  })

  test('writes text as it is', async () => {
    const files = virtualFileSystem()
    await save(textSink, files, { schema: 't STRING', values: [['a "b"'], [null], ['é']] })
    expect(await texts(files)).toEqual(['a "b"\n\né\n'])
  })

  test('gives the columns in its folders back', async () => {
    const files = virtualFileSystem()
    const schema = parseSchema('n LONG, k STRING, at TIMESTAMP')
    const values = [
      [1n, 'a/b=c', 5_000_000],
      [2n, null, null],
      [3n, 'é%', 0],
    ]
    const options = new Map([['path', 'out']])
    const sink = await jsonSink.create(
      sinkContext(schema, { files, options, partitionBy: ['k', 'at'] }),
    )
    await sink.open(sinkStart())
    await sink.write(batchOf(schema, values), epochOf(0))
    await sink.commit(epochOf(0), await sink.prepare(epochOf(0), noTime))
    const found = await read(
      jsonSource,
      files,
      { path: 'out' },
      { ddl: 'n LONG, k STRING, at TIMESTAMP' },
    )
    expect([...found].sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(values)
  })

  test('refuses the folder of another query', async () => {
    const files = virtualFileSystem()
    await save(jsonSink, files)
    await expect(save(jsonSink, files, { queryId: 'second' })).rejects.toMatchObject({
      code: 'SINK_IN_USE',
    })
  })

  test('refuses a checkpoint that is behind it', async () => {
    const files = virtualFileSystem()
    await save(jsonSink, files)
    const schema = parseSchema('n LONG')
    const again = async (start: Partial<SinkStart>) => {
      const options = new Map([['path', 'out']])
      const sink = await jsonSink.create(sinkContext(schema, { files, options }))
      await sink.open(sinkStart({ queryId: 'first', token: 2, ...start }))
    }
    await expect(again({})).rejects.toMatchObject({
      code: 'SINK_AHEAD',
      details: { sink: 'files of out', epoch: 0, known: -1 },
    })
    await again({ standsOn: { epoch: epochOf(0), snapshotId: '1.0' } })
  })

  test('writes nothing for an epoch without rows', async () => {
    const files = virtualFileSystem()
    await save(jsonSink, files, { values: [] })
    expect(await texts(files)).toEqual([])
  })

  test('adds to, replaces, keeps or refuses what is there in a batch write', async () => {
    const files = virtualFileSystem()
    const write = (n: bigint, saveMode: string, queryId: string) =>
      save(jsonSink, files, { schema: 'n LONG', values: [[n]], saveMode, queryId })
    await write(1n, 'error', 'aaaaaaaa')
    await expect(write(2n, 'error', 'bbbbbbbb')).rejects.toMatchObject({ code: 'SINK_EXISTS' })
    await write(3n, 'ignore', 'cccccccc')
    await write(4n, 'append', 'dddddddd')
    expect(await texts(files)).toEqual(['{"n":1}\n', '{"n":4}\n'])
    await write(5n, 'overwrite', 'eeeeeeee')
    expect(await texts(files)).toEqual(['{"n":5}\n'])
  })
})

test('an empty file that is gone when it is read has no rows, and its error goes nowhere', async () => {
  const files = virtualFileSystem()
  await put(files, 'in/a', '')
  await put(files, 'in/b', '{"n":1}\n')
  const options = checkOptions(jsonSource, { path: 'in' })
  const source = await jsonSource.create(sourceContext(numbers, { files, options, folder: 'seen' }))
  await source.latest({ '0': 0 }, {})
  await files.remove('in/a')
  expect(await rowsFrom(source)).toEqual([[1n]])
})
