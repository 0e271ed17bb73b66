import { expect, test } from 'vitest'
import { crashPoints } from '../../properties/laws/crash-points.ts'
import type { CrashPipeline } from '../../properties/laws/crash-world.ts'
import {
  at,
  counts,
  early,
  intoFiles,
  rowsOfFiles,
  sessions,
  unions,
  watermarkAbove,
  watermarkBelow,
  windows,
} from './pipelines.ts'

test.each([windows, sessions, early, counts, unions, watermarkAbove, watermarkBelow])(
  'a power cut before any step of $name changes nothing of the output',
  async (pipeline) => {
    const seed = 1
    const startMs = performance.now()
    const report = await crashPoints(pipeline, { seed, secondAfterEvery: 60 })
    const seconds = (performance.now() - startMs) / 1000
    console.log(
      `exactly once, ${pipeline.name}: ${report.crashes} crash points, ` +
        `${report.doubleCrashes} with a second one, ${seconds.toFixed(1)} s, seed ${seed}`,
    )
    expect(report.crashes).toBe(report.steps)
    expect(report.crashes).toBeGreaterThan(300)
    expect(report.doubleCrashes).toBeGreaterThan(100)
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

test('a power cut before any step of a query into json files changes nothing of them', async () => {
  const report = await crashPoints(intoFiles, {
    seed: 1,
    secondAfterEvery: 60,
    visible: (files) => rowsOfFiles(files, 'out'),
  })
  console.log(
    `exactly once, ${intoFiles.name}: ${report.crashes} crash points, ${report.doubleCrashes} with a second one`,
  )
  expect(report.crashes).toBe(report.steps)
}, 120_000)
