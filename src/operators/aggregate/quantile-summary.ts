/**
 * A sorted sample of numbers with bounds of the rank of each: the value at `at` is no smaller than
 * `low[at]` and no larger than all but `high[at]` of them. Neighbours lie so close that every rank is
 * known within `count ÷ accuracy` (Greenwald and Khanna; merging by bounds as in their paper of 2004).
 */
export interface QuantileSummary {
  readonly values: Float64Array
  readonly low: Float64Array
  readonly high: Float64Array
  /** How many numbers it stands for. */
  readonly count: number
}

/** The numbers themselves, as a summary that knows every rank exactly. */
export function exactSummary(numbers: readonly number[]): QuantileSummary {
  const values = Float64Array.from(numbers).sort()
  const ranks = Float64Array.from(values, (_, index) => index + 1)
  return { values, low: ranks, high: ranks, count: values.length }
}

/** The numbers of both; what either knows of a rank within its count, the result knows within the sum. */
export function mergeSummaries(left: QuantileSummary, right: QuantileSummary): QuantileSummary {
  if (left.count === 0) return right
  if (right.count === 0) return left
  const size = left.values.length + right.values.length
  const values = new Float64Array(size)
  const low = new Float64Array(size)
  const high = new Float64Array(size)
  let i = 0
  let j = 0
  for (let at = 0; at < size; at++) {
    const takesLeft =
      j === right.values.length ||
      (i < left.values.length && !isAfter(left.values[i] as number, right.values[j] as number))
    const [own, index, other, next] = takesLeft ? [left, i, right, j] : [right, j, left, i]
    values[at] = own.values[index] as number
    // At least the other's numbers up to its last value before; at most those below its next value.
    low[at] = (own.low[index] as number) + (next === 0 ? 0 : (other.low[next - 1] as number))
    const upTo = next === other.values.length ? other.count : (other.high[next] as number) - 1
    high[at] = (own.high[index] as number) + upTo
    if (takesLeft) i++
    else j++
  }
  return { values, low, high, count: left.count + right.count }
}

/** Fewer samples, so that ranks are still known within `count ÷ accuracy`; the ends always stay. */
export function compressed(summary: QuantileSummary, accuracy: number): QuantileSummary {
  const { values, low, high, count } = summary
  const gap = (2 * count) / accuracy
  const kept: number[] = []
  let at = 0
  while (at < values.length) {
    kept.push(at)
    let next = at + 1
    while (next + 1 < values.length && (high[next + 1] as number) - (low[at] as number) <= gap) {
      next++
    }
    at = next
  }
  const pick = (column: Float64Array): Float64Array =>
    Float64Array.from(kept, (index) => column[index] as number)
  return { values: pick(values), low: pick(low), high: pick(high), count }
}

/** The sampled value whose rank is surely nearest to `percentage` of all. */
export function quantileOf(
  { values, low, high, count }: QuantileSummary,
  percentage: number,
): number {
  const rank = Math.max(1, Math.ceil(percentage * count))
  let best = 0
  let bestError = Number.POSITIVE_INFINITY
  for (let at = 0; at < values.length; at++) {
    const error = Math.max(rank - (low[at] as number), (high[at] as number) - rank)
    if (error >= bestError) continue
    best = at
    bestError = error
  }
  return values[best] as number
}

/** NaN comes last, as everywhere in SQL. */
function isAfter(left: number, right: number): boolean {
  return left > right || (Number.isNaN(left) && !Number.isNaN(right))
}
