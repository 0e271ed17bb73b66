import { expect, test } from 'vitest'
import type { CrashPipeline } from '../../properties/laws/crash-life.ts'
import { crashPoints } from '../../properties/laws/crash-points.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'
import { asofJoined, asofQueries, asofSchema } from './asof-queries.ts'

test('an as-of join of streams gives what the rule says, and over everything what a batch gives', async () => {
  const report = await streamEqualsBatch(asofQueries, { runs: 90, seed: 20_261_121 })
  console.log(
    `as-of joins equal to the rule: ${report.cases} (${report.epochs} epochs, ${report.rows} rows, ` +
      `${report.lateRows} late, ${report.restarts} restarts, ${report.comparedWithBatch} as a batch)`,
  )
  expect(report.cases).toBe(90)
  expect(report.lateRows).toBeGreaterThan(50)
  expect(report.restarts).toBeGreaterThan(100)
  expect(report.comparedWithBatch).toBeGreaterThan(8)
}, 180_000)

const at = (seconds: number): Date => new Date(1_600_000_000_000 + seconds * 1000)

test('a power cut before every other step of an as-of join changes nothing of the output', async () => {
  const pipeline: CrashPipeline = {
    name: 'as-of join, append',
    schemas: [asofSchema, asofSchema],
    arrivals: [0, 8].map((second) => [
      [
        ['a', at(second + 4), second],
        ['b', at(second + 7), 1],
      ],
      [
        ['a', at(second + 3), 2],
        ['a', at(second + 3), 3],
        ['b', at(second + 6), 4],
      ],
    ]),
    query: (frames) => asofJoined(frames, { options: {}, unites: false, isSure: false }),
    outputMode: 'append',
    config: { lanes: 2, epochsInFlight: 2 },
  }
  const report = await crashPoints(pipeline, { seed: 1, every: 2, secondAfterEvery: 600 })
  console.log(`exactly once, ${pipeline.name}: ${report.crashes} crash points`)
  expect(report.crashes).toBe(Math.floor(report.steps / 2))
  expect(report.crashes).toBeGreaterThan(200)
}, 180_000)
