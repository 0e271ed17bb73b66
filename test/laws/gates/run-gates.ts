import { rescale } from '../../../properties/laws/rescale.ts'
import { simulate } from '../../../properties/laws/simulate.ts'
import { streamEqualsBatch } from '../../../properties/laws/stream-equals-batch.ts'
import type { Gate } from './gate.ts'
import { queries } from './pipelines.ts'

/** Random cases of one round of a law; the seed of the round is that of the law. */
const casesAtOnce = 10

/** Everything at once, from one seed. */
export const disturbedRuns: Gate = {
  id: 'G3',
  name: 'runs with all faults at once give what the reference gives',
  unit: 'seeds',
  wanted: { test: 800, long: 50_000 },
  async round(seed) {
    const { cases, lives, disturbances } = await simulate(queries, { seed, runs: casesAtOnce })
    return { done: cases, figures: { lives, ...disturbances } }
  },
}

export const randomQueries: Gate = {
  id: 'G14',
  name: 'random queries over random epochs give what the reference gives',
  unit: 'streams',
  wanted: { test: 500, long: 200_000 },
  async round(seed) {
    const { cases, epochs, rows, lateRows, comparedWithBatch } = await streamEqualsBatch(queries, {
      seed,
      runs: casesAtOnce,
    })
    return {
      done: cases,
      figures: { epochs, rows, 'late rows': lateRows, 'compared with batch': comparedWithBatch },
    }
  },
}

/** Restarts on 1, 2, 3 and 8 lanes. */
export const rescaledRuns: Gate = {
  id: 'G17',
  name: 'queries restarted on 1, 2, 3 and 8 lanes give the same',
  unit: 'streams',
  wanted: { test: 60, long: 5_000 },
  async round(seed) {
    const { cases, restarts } = await rescale(queries, { seed, runs: casesAtOnce })
    return { done: cases, figures: { restarts } }
  },
}
