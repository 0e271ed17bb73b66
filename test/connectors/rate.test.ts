import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { countedSchema } from '../../src/connectors/counted-rows.ts'
import { rowsBefore, secondOf } from '../../src/connectors/rate/rate.ts'
import { rateSource } from '../../src/connectors/rate/source.ts'
import { rateMicroBatchSource } from '../../src/connectors/rate-micro-batch/source.ts'
import type { Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { sourceContext } from './contexts.ts'

async function rowsBetween(source: Source, from: Position, to: Position, index = 0, count = 1) {
  const rows = []
  for await (const batch of source.read({ from, to }, { index, count })) rows.push(...rowsOf(batch))
  return rows
}

test("the speed grows as Spark's does", () => {
  const rate = { rowsPerSecond: 10, rampUpSeconds: 4 }
  const totals = [0, 1, 2, 3, 4, 5, 6].map((seconds) => rowsBefore(rate, seconds))
  expect(totals).toEqual([0, 2, 6, 12, 20, 30, 40])
  const seconds = [0, 1, 2, 5, 6, 19, 20, 30].map((row) => secondOf(rate, row))
  expect(seconds).toEqual([0, 0, 1, 1, 2, 3, 4, 5])
})

test('rate gives the rows of whole seconds, spread over them, from the first start on', async () => {
  const clock = createSimulatedClock({ startMs: 5000 })
  const options = new Map([['rowspersecond', '2']])
  const source = await rateSource.create(sourceContext(countedSchema, { clock, options }))
  const start = await source.initial()
  clock.advance(999)
  expect(await source.latest(start, {})).toEqual(start)
  clock.advance(1001)
  const end = await source.latest(start, {})
  expect(await rowsBetween(source, start, end)).toEqual([
    [5_000_000, 0n],
    [5_500_000, 1n],
    [6_000_000, 2n],
    [6_500_000, 3n],
  ])
})

test('rate gives rows one by one to a continuous query, when they are due', async () => {
  const clock = createSimulatedClock()
  const options = new Map([['rowspersecond', '4']])
  const source = await rateSource.create(sourceContext(countedSchema, { clock, options }))
  const first = await source.poll(await source.initial(), 10)
  expect(first?.position).toMatchObject({ '0': 1 })
  expect(await source.poll(first?.position ?? {}, 10)).toBe(undefined)
  clock.advance(250)
  const second = await source.poll(first?.position ?? {}, 10)
  expect(second && rowsOf(second.batch)).toEqual([[250_000, 1n]])
})

test('rate does not go back when the clock does', async () => {
  const clock = createSimulatedClock({ startMs: 100_000 })
  const source = await rateSource.create(sourceContext(countedSchema, { clock }))
  const start = await source.initial()
  clock.advance(10_000)
  const end = await source.latest(start, {})
  clock.jump(-8000)
  expect(await source.latest(end, {})).toEqual(end)
})

test('rate-micro-batch gives the same rows in the same epochs, whatever the time', async () => {
  const options = new Map([
    ['rowsperbatch', '3'],
    ['starttimestamp', '1000'],
    ['advancemillisperbatch', '50'],
  ])
  const source = await rateMicroBatchSource.create(sourceContext(countedSchema, { options }))
  const first = await source.latest(await source.initial(), {})
  const second = await source.latest(first, {})
  expect(await rowsBetween(source, await source.initial(), first)).toEqual([
    [1_000_000, 0n],
    [1_000_000, 1n],
    [1_000_000, 2n],
  ])
  expect(await rowsBetween(source, first, second)).toEqual([
    [1_050_000, 3n],
    [1_050_000, 4n],
    [1_050_000, 5n],
  ])
})

test('a lane reads whole partitions, wherever a range begins', async () => {
  const options = new Map([
    ['rowsperbatch', '4'],
    ['numpartitions', '2'],
  ])
  const context = sourceContext(countedSchema, { options, columns: [1] })
  const source = await rateMicroBatchSource.create(context)
  const lane = await rowsBetween(source, { '0': 3 }, { '0': 8 }, 1, 2)
  expect(lane).toEqual([[3n], [5n], [7n]])
})
