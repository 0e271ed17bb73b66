/** What checkpoints cost, and between which bounds the runs leave that open. */
export interface CheckpointCost {
  /** CPU with checkpoints over CPU with one, of the fastest run of each. */
  readonly ratio: number
  /** The same if the fastest run of one or the other side had not been made. */
  readonly min: number
  readonly max: number
}

/**
 * By the fastest runs: whatever else happens on the machine only adds to a run, by more than a checkpoint costs.
 * The more runs there are, the nearer both come to what they take on an idle machine.
 *
 * @param often CPU-seconds of runs with a checkpoint every second, at least two
 * @param once CPU-seconds of runs with one checkpoint at their end, at least two
 */
export function checkpointCost(often: readonly number[], once: readonly number[]): CheckpointCost {
  const [fastest, second] = twoFastest(often)
  const [fastestOnce, secondOnce] = twoFastest(once)
  return {
    ratio: fastest / fastestOnce,
    min: fastest / secondOnce,
    max: second / fastestOnce,
  }
}

/** Whether more runs could move the cost to the other side of a bound. */
export function isOpen({ min, max }: CheckpointCost, bound: number): boolean {
  return min <= bound && bound < max
}

function twoFastest(seconds: readonly number[]): readonly [number, number] {
  const [fastest, second] = seconds.toSorted((left, right) => left - right)
  if (fastest === undefined || second === undefined) throw new RangeError('two runs are needed')
  return [fastest, second]
}
