import { expect, test } from 'vitest'
import { queryOf, queryShape } from '../../properties/laws/random-query.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'

test('queries that rank rows and groups give what the reference and their batch twins give', async () => {
  const seed = 20_260_811
  const some = queryShape.filter(
    ({ ranking, grouping, outputMode }) =>
      ranking !== undefined && !(grouping !== undefined && outputMode === 'update'),
  )
  const report = await streamEqualsBatch(some.map(queryOf), { runs: 400, seed })
  console.log(
    `rankings equal to their reference: ${report.streams} (${report.lateRows} late, ` +
      `${report.restarts} restarts), equal to batch: ${report.comparedWithBatch}, seed ${seed}`,
  )
  expect(report.streams).toBe(400)
  expect(report.lateRows).toBeGreaterThan(100)
  expect(report.comparedWithBatch).toBeGreaterThan(100)
}, 120_000)
