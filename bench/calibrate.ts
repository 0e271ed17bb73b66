/** More than this between two calibrations, and what was measured in between is that much uncertain. */
export const driftMax = 0.05

const rounds = 5
const steps = 40_000_000

/**
 * CPU seconds of a fixed piece of arithmetic: the best of a few rounds, as noise only adds. Two
 * calls tell whether the machine kept its speed in between.
 */
export function calibrate(): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    spin(steps)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1e6)
  }
  return best
}

/** How much slower (positive) or faster the machine became. */
export function drift(before: number, after: number): number {
  return after / before - 1
}

/** A chain of dependent multiplications, which no compiler can leave out or overlap. */
function spin(count: number): number {
  let state = 1
  for (let step = 0; step < count; step++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) | 1
  }
  return state
}
