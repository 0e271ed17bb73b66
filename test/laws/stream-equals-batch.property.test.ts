import { expect, test } from 'vitest'
import { queryOf, queryShape } from '../../properties/laws/random-query.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'

test('random streaming queries give what the reference and their batch twins give', async () => {
  const seed = 20_260_801
  const report = await streamEqualsBatch(queryShape.map(queryOf), { runs: 400, seed })
  console.log(
    `streams equal to their reference: ${report.streams} (${report.epochs} epochs, ${report.rows} rows, ` +
      `${report.lateRows} late, ${report.restarts} restarts), equal to batch: ${report.comparedWithBatch}, seed ${seed}`,
  )
  expect(report.streams).toBe(400)
  // The law would say little if nothing was ever late, or everything.
  expect(report.lateRows).toBeGreaterThan(100)
  expect(report.comparedWithBatch).toBeGreaterThan(100)
}, 120_000)
