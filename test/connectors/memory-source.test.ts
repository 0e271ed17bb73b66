import { expect, test } from 'vitest'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { memorySource, memoryStream } from '../../src/connectors/memory/source.ts'
import { shareRows } from '../../src/connectors/numbered-position.ts'
import { rowLog } from '../../src/connectors/row-log.ts'
import type { Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { sourceContext } from './contexts.ts'

const schema = parseSchema('n LONG, text STRING')

async function readAll(source: Source, from: Position, to: Position): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  for await (const batch of source.read({ from, to }, { index: 0, count: 1 })) batches.push(batch)
  return batches
}

test('rows are objects or lists, and addData says how many there are', async () => {
  const stream = memoryStream(schema)
  expect(stream.addData([{ n: 1, text: 'a' }, [2, 'b']])).toBe(2)
  expect(stream.addData([{ text: 'c' }])).toBe(3)
  const source = await memorySource.create(sourceContext(schema, { handle: stream }))
  const rows = (await readAll(source, { '0': 0 }, { '0': 3 })).flatMap(rowsOf)
  expect(rows).toEqual([
    [1n, 'a'],
    [2n, 'b'],
    [null, 'c'],
  ])
})

test('one row that does not fit refuses all of them', () => {
  const stream = memoryStream(schema)
  expect(() => stream.addData([{ n: 1 }, { n: 'x' }])).toThrow(/CAST_INVALID_INPUT/)
  expect(stream.addData([])).toBe(0)
})

test('partitions take rows in turn, and a named one takes all', async () => {
  const stream = memoryStream(schema, { partitions: 2 })
  stream.addData([{ n: 1 }, { n: 2 }, { n: 3 }])
  stream.addData([{ n: 4 }, { n: 5 }], { partition: 0 })
  const source = await memorySource.create(sourceContext(schema, { handle: stream, columns: [0] }))
  const end = await source.latest(await source.initial(), {})
  expect(end).toEqual({ '0': 4, '1': 1 })
  const batches = await readAll(source, await source.initial(), end)
  expect(batches.map((batch) => [batch.partition, rowsOf(batch).flat()])).toEqual([
    ['0', [1n, 3n, 4n, 5n]],
    ['1', [2n]],
  ])
  expect(() => stream.addData([{ n: 1 }], { partition: 2 })).toThrow(/CONFIG_INVALID/)
})

test('only the columns asked for are read, also from batches under a selection', async () => {
  const stream = memoryStream(schema)
  const batch = batchOf(schema, [
    [1n, 'a'],
    [2n, 'b'],
    [3n, 'c'],
  ])
  stream.addBatch({ ...batch, selection: Int32Array.of(0, 2) })
  const source = await memorySource.create(sourceContext(schema, { handle: stream, columns: [1] }))
  const [read] = await readAll(source, { '0': 1 }, { '0': 2 })
  expect(read?.schema.map(({ name }) => name)).toEqual(['text'])
  expect(read && rowsOf(read)).toEqual([['c']])
})

test('latest goes neither past its limit nor past the end it is given', async () => {
  const stream = memoryStream(schema, { partitions: 2 })
  stream.addData(Array.from({ length: 10 }, (_, n) => ({ n })))
  const source = await memorySource.create(sourceContext(schema, { handle: stream }))
  const start = await source.initial()
  expect(await source.latest(start, { maxRows: 3 })).toEqual({ '0': 1, '1': 2 })
  expect(await source.latest(start, {}, { '0': 4, '1': 0 })).toEqual({ '0': 4, '1': 0 })
})

test('a query is woken by new rows until it stops listening', async () => {
  const stream = memoryStream(schema)
  const source = await memorySource.create(sourceContext(schema, { handle: stream }))
  let woken = 0
  const stop = source.onArrival?.(() => {
    woken++
  })
  stream.addData([{ n: 1 }])
  stop?.()
  stream.addData([{ n: 2 }])
  expect(woken).toBe(1)
})

test('poll takes from the partition that is furthest behind', async () => {
  const stream = memoryStream(schema, { partitions: 2 })
  stream.addData([{ n: 1 }], { partition: 0 })
  stream.addData([{ n: 2 }, { n: 3 }, { n: 4 }], { partition: 1 })
  const source = await memorySource.create(sourceContext(schema, { handle: stream }))
  const polled = await source.poll(await source.initial(), 2)
  expect(polled?.position).toEqual({ '0': 0, '1': 2 })
  expect(await source.poll({ '0': 1, '1': 3 }, 2)).toBe(undefined)
})

test('rows that a checkpoint knows and the stream does not are an error', async () => {
  const source = await memorySource.create(sourceContext(schema, { handle: memoryStream(schema) }))
  await expect(readAll(source, { '0': 0 }, { '0': 1 })).rejects.toMatchObject({
    code: 'SOURCE_LOST_DATA',
  })
})

test('a scan of memory without a stream says where streams come from', async () => {
  await expect(memorySource.create(sourceContext(schema))).rejects.toThrow(/memoryStream/)
})

test('a limit is shared as evenly as the partitions allow', () => {
  expect(shareRows([10, 10, 10], 9)).toEqual([3, 3, 3])
  expect(shareRows([1, 10, 10], 9)).toEqual([1, 4, 4])
  expect(shareRows([0, 2, 1], 100)).toEqual([0, 2, 1])
  expect(shareRows([5, 5], 1)).toEqual([0, 1])
})

test('a row log lets go of whole chunks only, and keeps the numbers of the rest', () => {
  const log = rowLog(schema)
  for (let n = 0; n < 5000; n++) log.append([BigInt(n), null])
  log.dropBefore(4095)
  expect(log.start).toBe(0)
  log.dropBefore(4500)
  expect(log.start).toBe(4096)
  const [batch] = log.between(4998, 5000)
  expect(batch && rowsOf(batch).map(([n]) => n)).toEqual([4998n, 4999n])
  expect(log.end).toBe(5000)
})
