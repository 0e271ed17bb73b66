import { crashCoverage } from '../../../properties/laws/crash-coverage.ts'
import { crashPoints } from '../../../properties/laws/crash-points.ts'
import { intoFiles, rowsOfFiles } from '../pipelines.ts'
import type { Gate } from './gate.ts'

/** Every single crash of a query that writes files, under another interleaving in each round. */
export const fileCrashes: Gate = {
  id: 'G1F',
  name: 'a death before any step changes nothing of the files of a query',
  unit: 'crash points',
  wanted: { test: 500, long: 20_000 },
  async round(seed) {
    const coverage = crashCoverage()
    await crashPoints(intoFiles, {
      seed,
      onCrash: (step) => coverage.add(step),
      visible: (files) => rowsOfFiles(files, 'out'),
    })
    return { done: coverage.crashes, kinds: [...coverage.pairs.keys()] }
  },
}
