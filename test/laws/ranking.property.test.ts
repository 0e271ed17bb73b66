import { expect, test } from 'vitest'
import { queryOf, queryShape } from '../../properties/laws/random-query.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'

test('queries that rank rows and groups give what the reference and their batch twins give', async () => {
  const seed = 20_260_811
  const some = queryShape.filter(({ ranking }) => ranking !== undefined)
  const report = await streamEqualsBatch(some.map(queryOf), { runs: 60, seed })
  console.log(
    `rankings equal to their reference: ${report.cases} (${report.lateRows} late, ` +
      `${report.restarts} restarts), equal to batch: ${report.comparedWithBatch}, seed ${seed}`,
  )
  expect(report.cases).toBe(60)
  expect(report.lateRows).toBeGreaterThan(50)
  expect(report.comparedWithBatch).toBeGreaterThan(5)
}, 120_000)

test('so do rankings of groups that change', async () => {
  const seed = 20_260_812
  const some = queryShape
    .filter(({ ranking, grouping }) => ranking !== undefined && grouping !== undefined)
    .map((shape) => ({ ...shape, outputMode: 'update' as const, having: false, steps: [] }))
    .filter(({ grouping }) => !['session', 'uneven'].includes(grouping?.window ?? ''))
  const report = await streamEqualsBatch(some.map(queryOf), { runs: 30, seed })
  console.log(
    `rankings of changing groups equal to their reference: ${report.cases} ` +
      `(${report.epochs} epochs, ${report.rows} rows, ${report.restarts} restarts), seed ${seed}`,
  )
  expect(report.cases).toBe(30)
  expect(report.restarts).toBeGreaterThan(30)
}, 120_000)
