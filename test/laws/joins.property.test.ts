import { expect, test } from 'vitest'
import { joinQueryOf, joinShape } from '../../properties/laws/random-join.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'

test('random joins of streams give what nested loops give, and what their batch twins give', async () => {
  const seed = 20_260_821
  const report = await streamEqualsBatch(joinShape.map(joinQueryOf), { runs: 120, seed })
  expect(report.cases).toBe(120)
  expect(report.lateRows).toBeGreaterThan(100)
  expect(report.comparedWithBatch).toBeGreaterThan(30)
}, 120_000)
