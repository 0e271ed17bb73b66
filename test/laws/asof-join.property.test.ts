import { expect, test } from 'vitest'
import type { CrashPipeline } from '../../properties/laws/crash-life.ts'
import { crashPoints } from '../../properties/laws/crash-points.ts'
import { asofJoined, asofSchema } from './asof-queries.ts'

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
