/** What checkpoints cost, and how much it might be. */
export interface CheckpointCost {
  /** CPU with checkpoints over CPU with one, of the fastest run of each. */
  readonly ratio: number
  /** The same if the fastest run with checkpoints had not been made. */
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
  const [fastestOnce] = twoFastest(once)
  return { ratio: fastest / fastestOnce, max: second / fastestOnce }
}

/**
 * Whether more runs are wanted: one more or less would move the cost over a bound, or it is over it already, which a
 * single undisturbed run on the other side may do.
 */
export function isOpen({ max }: CheckpointCost, bound: number): boolean {
  return bound < max
}

function twoFastest(seconds: readonly number[]): readonly [number, number] {
  const [fastest, second] = seconds.toSorted((left, right) => left - right)
  if (fastest === undefined || second === undefined) throw new RangeError('two runs are needed')
  return [fastest, second]
}
