import fc from 'fast-check'
import { expect, test } from 'vitest'
import { queryOf, queryShape } from '../../properties/laws/random-query.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'
import type { StreamQuery } from '../../properties/laws/stream-query.ts'
import { current_timestamp, window } from '../../src/functions.ts'

test('queries with sessions, and with aggregations of aggregations, give what the reference gives', async () => {
  const seed = 20_260_805
  const some = queryShape.filter(
    ({ grouping, chain }) =>
      grouping !== undefined &&
      (chain !== 'none' || grouping.window === 'session' || grouping.window === 'uneven'),
  )
  const report = await streamEqualsBatch(some.map(queryOf), { runs: 45, seed })
  console.log(
    `sessions and chains equal to their reference: ${report.cases} (${report.lateRows} late, ` +
      `${report.restarts} restarts), equal to batch: ${report.comparedWithBatch}, seed ${seed}`,
  )
  expect(report.cases).toBe(45)
  expect(report.lateRows).toBeGreaterThan(30)
  expect(report.comparedWithBatch).toBeGreaterThan(5)
}, 120_000)

test('queries with early results do so too', async () => {
  const seed = 20_260_809
  const some = queryShape.filter(({ grouping }) => grouping?.every !== undefined)
  const report = await streamEqualsBatch(some.map(queryOf), { runs: 30, seed })
  console.log(
    `early results equal to their reference: ${report.cases} (${report.epochs} epochs, ` +
      `${report.lateRows} late, ${report.restarts} restarts), seed ${seed}`,
  )
  expect(report.cases).toBe(30)
  expect(report.lateRows).toBeGreaterThan(30)
}, 120_000)

test("the law takes a query of one's own, and says what of it is random", async () => {
  const clicks: StreamQuery = {
    inputs: [
      {
        schema: 'at TIMESTAMP, page STRING',
        row: fc.tuple(
          fc.integer({ min: 0, max: 90 }).map((second) => new Date(second * 1000)),
          fc.constantFrom('home', 'cart'),
        ),
      },
    ],
    query: ([input]) => {
      if (input === undefined) throw new Error('the query has one input')
      return input
        .withWatermark('at', '30 seconds')
        .groupBy(window('at', '1 minute'), 'page')
        .count()
    },
    outputMode: 'append',
  }
  const report = await streamEqualsBatch(clicks, { runs: 50, seed: 7 })
  expect(report.cases).toBe(50)
  expect(report.comparedWithBatch).toBeGreaterThan(5)
  // A query that asks for the time of day gives another answer as a batch.
  const untimely: StreamQuery = {
    ...clicks,
    query: (inputs) => clicks.query(inputs, []).withColumn('now', current_timestamp()),
  }
  await expect(streamEqualsBatch(untimely, { runs: 50, seed: 7 })).rejects.toMatchObject({
    seed: 7,
    message: expect.stringContaining('the batch answer'),
  })
}, 60_000)
