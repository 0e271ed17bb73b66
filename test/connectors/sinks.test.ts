import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { consoleSink } from '../../src/connectors/console/sink.ts'
import { foreachSink } from '../../src/connectors/foreach/sink.ts'
import { foreachBatchSink } from '../../src/connectors/foreach-batch/sink.ts'
import { memorySink, memoryTable } from '../../src/connectors/memory/sink.ts'
import { epochOf, noTime, sinkContext, sinkStart } from './contexts.ts'

const schema = parseSchema('word STRING, n LONG')
const rows = (...values: readonly (readonly [string, number])[]): Batch =>
  batchOf(
    schema,
    values.map(([word, n]) => [word, BigInt(n)]),
  )

describe('memory', () => {
  test('complete mode shows the newest epoch only', async () => {
    const table = memoryTable(schema)
    const sink = await memorySink.create(sinkContext(schema, { handle: table, mode: 'complete' }))
    await sink.open(sinkStart())
    for (const n of [0, 1]) {
      await sink.write(rows(['a', n]), epochOf(n))
      await sink.commit(epochOf(n), await sink.prepare(epochOf(n), noTime))
    }
    expect(table.rows()).toEqual([{ word: 'a', n: 1n }])
  })

  test('a row of a large batch does not keep the batch', async () => {
    const table = memoryTable(schema)
    const sink = table.sink('append')
    await sink.open(sinkStart())
    const large = rows(...Array.from({ length: 100 }, (_, n) => ['a', n] as const))
    await sink.write({ ...large, selection: Int32Array.of(7) }, epochOf(0))
    await sink.commit(epochOf(0), await sink.prepare(epochOf(0), noTime))
    expect(table.rows({ longAs: 'number' })).toEqual([{ word: 'a', n: 7 }])
    expect(table.batches().map(({ rowCount }) => rowCount)).toEqual([1])
  })

  test('another query begins anew', async () => {
    const table = memoryTable(schema)
    for (const queryId of ['one', 'two']) {
      const sink = table.sink('append')
      await sink.open(sinkStart({ queryId }))
      await sink.write(rows([queryId, 1]), epochOf(0))
      await sink.commit(epochOf(0), await sink.prepare(epochOf(0), noTime))
    }
    expect(table.rows()).toEqual([{ word: 'two', n: 1n }])
  })

  test('epochs after the checkpoint that stands are taken back', async () => {
    const table = memoryTable(schema)
    const sink = table.sink('append')
    await sink.open(sinkStart())
    const committables = []
    for (const n of [0, 1]) {
      await sink.write(rows(['a', n]), epochOf(n))
      const committable = await sink.prepare(epochOf(n), noTime)
      await sink.commit(epochOf(n), committable)
      committables.push(committable)
    }
    const lastCommitted = { epoch: epochOf(0), committable: committables[0] ?? null }
    await table.sink('append').open(sinkStart({ token: 2, lastCommitted }))
    expect(table.epochs().map(({ epoch }) => epoch)).toEqual([0])
  })

  test('an attempt that was replaced adds nothing', async () => {
    const table = memoryTable(schema)
    const old = table.sink('append')
    await old.open(sinkStart({ token: 1 }))
    const current = table.sink('append')
    await current.open(sinkStart({ token: 2 }))
    await current.write(rows(['new', 1]), epochOf(0))
    await current.commit(epochOf(0), await current.prepare(epochOf(0), noTime))
    await old.write(rows(['old', 1]), epochOf(0))
    await old.commit(epochOf(0), await old.prepare(epochOf(0), noTime))
    expect(table.rows()).toEqual([{ word: 'new', n: 1n }])
  })
})

describe('foreach', () => {
  const calls = async (
    target: Parameters<typeof sinkContext>[1] & object,
    run: (sink: Awaited<ReturnType<typeof foreachSink.create>>) => Promise<void>,
  ) => run(await foreachSink.create(sinkContext(schema, target)))

  test('every epoch is opened, fed and closed, an empty one too', async () => {
    const seen: unknown[] = []
    const handle = {
      open: (partition: number, epoch: number) => seen.push(['open', partition, epoch]) > 0,
      process: async (row: unknown) => void seen.push(row),
      close: (error: unknown) => void seen.push(['close', error]),
    }
    await calls({ handle }, async (sink) => {
      await sink.write(rows(['a', 1]), epochOf(0))
      await sink.write(rows(['b', 2]), epochOf(0))
      await sink.prepare(epochOf(0), noTime)
      await sink.prepare(epochOf(1), noTime)
    })
    expect(seen).toEqual([
      ['open', 0, 0],
      { word: 'a', n: 1n },
      { word: 'b', n: 2n },
      ['close', undefined],
      ['open', 0, 1],
      ['close', undefined],
    ])
  })

  test('open that answers false passes over the rows', async () => {
    const seen: unknown[] = []
    const handle = { open: () => false, process: (row: unknown) => void seen.push(row) }
    await calls({ handle }, async (sink) => {
      await sink.write(rows(['a', 1]), epochOf(0))
      await sink.prepare(epochOf(0), noTime)
    })
    expect(seen).toEqual([])
  })

  test('what process throws goes to close, and ends the epoch with its cause', async () => {
    const cause = new Error('no such page')
    const closed: unknown[] = []
    const handle = {
      process() {
        throw cause
      },
      close: (error: unknown) => void closed.push(error),
    }
    await calls({ handle }, async (sink) => {
      await expect(sink.write(rows(['a', 1]), epochOf(0))).rejects.toMatchObject({
        code: 'USER_FUNCTION_FAILED',
        cause,
      })
      await sink.close()
    })
    expect(closed).toEqual([cause])
  })

  test('an epoch that is aborted is closed with an error', async () => {
    const closed: unknown[] = []
    const handle = { process: () => undefined, close: (error: unknown) => void closed.push(error) }
    await calls({ handle }, async (sink) => {
      await sink.write(rows(['a', 1]), epochOf(0))
      await sink.abort(epochOf(0))
      await sink.abort(epochOf(0))
    })
    expect(closed).toMatchObject([{ code: 'QUERY_STOPPED' }])
  })
})

describe('foreachBatch', () => {
  test('the function gets the rows of an epoch at once, and its number', async () => {
    const seen: unknown[] = []
    const handle = async (batches: readonly Batch[], epoch: number) =>
      void seen.push([epoch, batches.length])
    const sink = await foreachBatchSink.create(sinkContext(schema, { handle }))
    await sink.write(rows(['a', 1]), epochOf(0))
    await sink.write(rows(['b', 1]), epochOf(0))
    expect(seen).toEqual([])
    await sink.prepare(epochOf(0), noTime)
    await sink.write(rows(['c', 1]), epochOf(1))
    await sink.abort(epochOf(1))
    await sink.prepare(epochOf(1), noTime)
    expect(seen).toEqual([
      [0, 2],
      [1, 0],
    ])
  })

  test('what it throws is told with its cause', async () => {
    const cause = new Error('database is away')
    const handle = () => Promise.reject(cause)
    const sink = await foreachBatchSink.create(sinkContext(schema, { handle }))
    await expect(sink.prepare(epochOf(0), noTime)).rejects.toMatchObject({
      code: 'USER_FUNCTION_FAILED',
      cause,
    })
  })
})

describe('console', () => {
  const printed = async (part: Parameters<typeof sinkContext>[1]) => {
    let text = ''
    const print = (more: string) => {
      text += more
    }
    const sink = await consoleSink.create(sinkContext(schema, { print, ...part }))
    await sink.write(rows(['a', 1], ['b', 2]), epochOf(3))
    await sink.write(rows(['c', 3]), epochOf(3))
    await sink.prepare(epochOf(3), noTime)
    return { text, sink }
  }
  const line = '-------------------------------------------'

  test("an epoch is one table under Spark's banner", async () => {
    const { text } = await printed({})
    expect(text).toBe(
      [
        line,
        'Batch: 3',
        line,
        '+----+---+',
        '|word|  n|',
        '+----+---+',
        '|   a|  1|',
        '|   b|  2|',
        '|   c|  3|',
        '+----+---+',
        '',
        '',
      ].join('\n'),
    )
  })

  test('numRows limits the rows and says so', async () => {
    const { text } = await printed({ options: new Map([['numrows', '1']]) })
    expect(text).toContain('|   a|  1|\n+----+---+\nonly showing top 1 row\n')
  })

  test('under the continuous trigger rows are printed as they come', async () => {
    const { text, sink } = await printed({ immediate: true })
    expect(text.match(/Batch: 3/g)?.length).toBe(2)
    expect(sink.kind).toBe('immediate')
  })
})
