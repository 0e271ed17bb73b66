import { fleetWorld } from '../fleet-world.ts'
import type { Gate } from './gate.ts'

/** Processes that share the partitions of a topic, and everything that may happen to them. */
export const fleetRuns: Gate = {
  id: 'G3P',
  name: 'processes that share partitions may come, go, die, and sleep until they are replaced',
  unit: 'fleets',
  wanted: { test: 50, long: 10_000 },
  least: { deaths: 50, sleeps: 25, stops: 25 },
  async round(seed) {
    const { rows, processes, deaths, stops, sleeps } = await fleetWorld(seed)
    return { done: 1, figures: { rows, processes, deaths, stops, sleeps } }
  },
}
