import fc from 'fast-check'
import { restoresAlways, type Seen, taskStateCases } from '../task-state.ts'
import type { Gate } from './gate.ts'

const casesAtOnce = 20

/** The state service of a task by itself, which is fast: orders that a whole query meets rarely. */
export const taskStates: Gate = {
  id: 'G3T',
  name: 'the state of a task restores to a checkpoint whatever happens to it',
  unit: 'histories',
  wanted: { test: 300, long: 50_000 },
  // A law that never crashes, spills, copies or overlaps would prove nothing.
  least: { crashes: 100, snapshots: 100, coldSnapshots: 100, spills: 100, inFlight: 100 },
  async round(seed) {
    const seen: Seen = { snapshots: 0, coldSnapshots: 0, spills: 0, crashes: 0, inFlight: 0 }
    await fc.assert(
      fc.asyncProperty(taskStateCases, (one) => restoresAlways(one, seen)),
      // Shrinking a long program never lets a timer run, so the limit must be fast-check's own.
      { seed, numRuns: casesAtOnce, interruptAfterTimeLimit: 20_000 },
    )
    return { done: casesAtOnce, figures: { ...seen } }
  },
}
