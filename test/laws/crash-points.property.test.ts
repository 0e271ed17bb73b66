import { expect, test } from 'vitest'
import type { CrashPipeline } from '../../properties/laws/crash-life.ts'
import { crashPoints } from '../../properties/laws/crash-points.ts'
import { at, watermarkAbove, watermarkBelow, windows } from './pipelines.ts'

test.each([watermarkAbove, watermarkBelow])(
  'a power cut before every fourth step of $name changes nothing of the output',
  async (pipeline) => {
    const { crashes, steps } = await crashPoints(pipeline, { seed: 1, every: 4 })
    console.log(`exactly once, ${pipeline.name}: ${crashes} crash points`)
    expect(crashes).toBe(Math.floor(steps / 4))
  },
  120_000,
)

test('a power cut while the past is deleted changes nothing of the output', async () => {
  const second = Array.from({ length: 40 }, (_, index) => index * 4)
  const forgetful: CrashPipeline = {
    ...windows,
    name: 'windows over a past that is deleted',
    arrivals: second.map((start) => [
      [
        [at(start), 'a'],
        [at(start + 1), 'b'],
      ],
    ]),
    config: { ...windows.config, minEpochsToRetain: 1, minRetention: 0 },
  }
  const only = (step: string): boolean => /first-|^remove .*log\/\d|^remove .*deltas/.test(step)
  const { crashes, steps } = await crashPoints(forgetful, { seed: 1, only })
  console.log(`exactly once, ${forgetful.name}: ${crashes} crash points of ${steps}`)
  expect(crashes).toBeGreaterThan(60)
}, 120_000)
