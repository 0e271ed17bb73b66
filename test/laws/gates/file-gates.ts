import { crashCoverage } from '../../../properties/laws/crash-coverage.ts'
import { crashPoints } from '../../../properties/laws/crash-points.ts'
import { sinkLaw } from '../../../properties/laws/sink.ts'
import { jsonSink } from '../../../src/connectors/files/sink.ts'
import { jsonSource } from '../../../src/connectors/files/source.ts'
import { sinkWorld } from '../../connectors/file-worlds.ts'
import { intoFiles, rowsOfFiles } from '../pipelines.ts'
import type { Gate } from './gate.ts'

/** The sink of files alone, and every single crash of a query that writes them, under another interleaving in each round. */
export const fileCrashes: Gate = {
  id: 'G1F',
  name: 'a death before any step changes nothing of the files of a query',
  unit: 'crash points',
  wanted: { test: 500, long: 20_000 },
  async round(seed) {
    const world = async () => sinkWorld(jsonSink, jsonSource, ['k'], (files) => files.kill())
    await sinkLaw(world, { seed, runs: 20 })
    const coverage = crashCoverage()
    await crashPoints(intoFiles, {
      seed,
      onCrash: (step) => coverage.add(step),
      visible: (files) => rowsOfFiles(files, 'out'),
    })
    return { done: coverage.crashes, kinds: [...coverage.pairs.keys()] }
  },
}
