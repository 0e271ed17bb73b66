/** What checkpoints cost, and how much it might be. */
export interface CheckpointCost {
  /** CPU with checkpoints over CPU with one, of the fastest quarter of the runs of each. */
  readonly ratio: number
  /** The same if the fastest run with checkpoints had not been made. */
  readonly max: number
}

/**
 * By the fastest quarter of the runs: whatever else happens on the machine only adds to a run, by more than a
 * checkpoint costs, so the median says more of the machine than of checkpoints. The fastest run alone will not do
 * either: one lucky run on one side moved the ratio of two minima by 19 % where a repetition found −1 %.
 *
 * @param often CPU-seconds of runs with a checkpoint every second, at least two
 * @param once CPU-seconds of runs with one checkpoint at their end, at least two
 */
export function checkpointCost(often: readonly number[], once: readonly number[]): CheckpointCost {
  if (often.length < 2 || once.length < 2) throw new RangeError('two runs are needed')
  const sorted = often.toSorted(ascending)
  const base = fastestQuarter(once.toSorted(ascending))
  return { ratio: fastestQuarter(sorted) / base, max: fastestQuarter(sorted.slice(1)) / base }
}

/**
 * Whether more runs are wanted: one more or less would move the cost over a bound, or it is over it already, which a
 * few undisturbed runs on the other side may do.
 */
export function isOpen({ max }: CheckpointCost, bound: number): boolean {
  return bound < max
}

/** The mean of the first quarter, rounded up. */
function fastestQuarter(sorted: readonly number[]): number {
  const fastest = sorted.slice(0, Math.ceil(sorted.length / 4))
  return fastest.reduce((sum, seconds) => sum + seconds, 0) / fastest.length
}

function ascending(left: number, right: number): number {
  return left - right
}
