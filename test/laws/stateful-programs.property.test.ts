import { expect, test } from 'vitest'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'
import { programQueries } from './program-queries.ts'

test('programs over streams give what the interpreter of the rules gives, whatever happens', async () => {
  const report = await streamEqualsBatch(programQueries, { runs: 150, seed: 20_261_121 })
  console.log(
    `programs equal to the interpreter: ${report.cases} (${report.epochs} epochs, ` +
      `${report.rows} rows, ${report.lateRows} late, ${report.restarts} restarts)`,
  )
  expect(report.cases).toBe(150)
  expect(report.lateRows).toBeGreaterThan(20)
  expect(report.restarts).toBeGreaterThan(50)
}, 120_000)
