/** The figures that are published of a set of latencies. */
export interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Of at least one value: the smallest value that the given share of all values does not exceed. */
export function percentilesOf(values: Float64Array): Percentiles {
  if (values.length === 0) throw new RangeError('there are no percentiles of nothing')
  const sorted = values.toSorted()
  const at = (share: number): number => {
    const rank = Math.max(1, Math.ceil(share * sorted.length))
    return sorted[rank - 1] ?? Number.NaN
  }
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) }
}

/** A generator that was itself later than this at its 99th percentile measured nothing. */
export const generatorLagMsMax = 1

/** How many rows of a run warm up: their latencies do not count. */
export function warmUpRows(rows: number): number {
  return Math.floor(rows / 10)
}
