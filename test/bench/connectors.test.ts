import { expect, test } from 'vitest'
import { batchFormat, batchSource } from '../../bench/batch-source.ts'
import { checksumSink } from '../../bench/checksum.ts'
import { checksumConnector } from '../../bench/checksum-connector.ts'
import { collectConnector } from '../../bench/engine/collect.ts'
import { columnTables } from '../../bench/nexmark/columns.ts'
import { bidSchema } from '../../bench/nexmark/schema.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { seededRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { epoch } from '../../src/core/units.ts'
import type { Position } from '../../src/flow/message.ts'

const bid = columnTables(5000, { seed: 1, batchRows: 1000 }).bid.batches
const source = batchSource(bidSchema, bid)

const context = {
  options: new Map<string, string>(),
  schema: bidSchema,
  name: 'bids',
  files: virtualFileSystem(),
  clock: systemClock(),
  random: seededRandom(1),
  folder: undefined,
}

async function readAll(from: Position, to: Position, lanes: number): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  for (let index = 0; index < lanes; index++) {
    for await (const batch of source.read({ from, to }, { index, count: lanes }))
      batches.push(batch)
  }
  return batches
}

test('lanes read disjoint shares that are complete together', async () => {
  const from = await source.initial()
  const to = await source.latest(from, {})
  expect(await readAll(from, to, 1)).toEqual(bid)
  const shares = await readAll(from, to, 3)
  expect(shares).toHaveLength(bid.length)
  expect(new Set(shares)).toEqual(new Set(bid))
})

test('a row limit ends an epoch with the batch that reaches it', async () => {
  const first = await source.latest(await source.initial(), { maxRows: 1500 })
  expect(first).toEqual({ batches: 2 })
  expect(await source.latest(first, { maxRows: 1_000_000 })).toEqual({ batches: bid.length })
})

test('polling gives the batches one by one and then nothing', async () => {
  let position = await source.initial()
  const seen: Batch[] = []
  for (;;) {
    const polled = await source.poll(position, 10)
    if (polled === undefined) break
    seen.push(polled.batch)
    position = polled.position
  }
  expect(seen).toEqual(bid)
})

test('the checksum connector sums all epochs and notices the first row once', async () => {
  let firstRows = 0
  const connector = checksumConnector(bidSchema, () => firstRows++)
  const [head] = bid
  if (head === undefined) throw new Error('there is no batch')
  await connector.write({ ...head, selection: new Int32Array(0) }, epoch(0))
  expect(firstRows).toBe(0)
  const plain = checksumSink(bidSchema)
  for (const [index, batch] of bid.entries()) {
    await connector.write(batch, epoch(index))
    plain.batch(batch)
  }
  expect(firstRows).toBe(1)
  expect(connector.result()).toEqual(plain.result())
})

test('the collecting sink keeps the rows in order', async () => {
  const collected = collectConnector()
  for (const [index, batch] of bid.entries()) await collected.write(batch, epoch(index))
  const sums = checksumSink(bidSchema)
  for (const cells of collected.rows) sums.row(cells)
  const plain = checksumSink(bidSchema)
  for (const batch of bid) plain.batch(batch)
  expect(sums.result()).toEqual(plain.result())
  expect(collected.rows).toEqual(bid.flatMap(rowsOf))
})

test('the format of batches leaves out columns that nobody reads, and limits an epoch in rows', async () => {
  const format = batchFormat(bidSchema, bid, 2000)
  expect(format.limits?.(new Map())).toEqual({ maxRows: 2000 })
  const pruned = await format.create({ ...context, columns: [0, 2] })
  expect(pruned.schema.map(({ name }) => name)).toEqual(['auction', 'price'])
  const polled = await pruned.poll(await pruned.initial(), 1)
  expect(polled?.batch.columns).toEqual([bid[0]?.columns[0], bid[0]?.columns[2]])
  const whole = await format.create({ ...context, columns: undefined })
  expect(whole.schema).toEqual(bidSchema)
})
