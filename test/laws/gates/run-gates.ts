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
    const { cases, lives, failed, disturbances } = await simulate(queries, {
      seed,
      runs: casesAtOnce,
    })
    return { done: cases, figures: { lives, ...disturbances, 'queries failed': failed } }
  },
}

/** The wall clock alone goes wrong, also while the process is down. */
export const clockJumps: Gate = {
  id: 'G10',
  name: 'a wall clock that is set or stops changes nothing',
  unit: 'seeds',
  wanted: { test: 20, long: 2_000 },
  async round(seed) {
    const { cases, disturbances } = await simulate(queries, {
      seed,
      runs: casesAtOnce,
      only: ['clock set', 'clock stops', 'death'],
    })
    const { 'clock set': set, 'clock stops': stops, death } = disturbances
    return { done: cases, figures: { 'clock set': set, 'clock stops': stops, death } }
  },
}

/** Queries that are stopped, fail and begin again in the same process, on other lanes, in any order of messages. */
export const interleavings: Gate = {
  id: 'G16',
  name: 'no order of messages, stops, failures and lanes changes anything',
  unit: 'schedules',
  wanted: { test: 500, long: 50_000 },
  async round(seed) {
    const { cases, lives, disturbances } = await simulate(queries, {
      seed,
      runs: casesAtOnce,
      only: ['stop', 'other lanes', 'restart in place', 'ENOSPC', 'slow sink'],
    })
    const { stop, 'other lanes': lanes, 'restart in place': again } = disturbances
    return { done: cases, figures: { lives, stop, 'other lanes': lanes, 'in place': again } }
  },
}

export const randomQueries: Gate = {
  id: 'G14',
  name: 'random queries over random epochs give what the reference gives',
  unit: 'streams',
  wanted: { test: 1_500, long: 200_000 },
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
