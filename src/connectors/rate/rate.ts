/** How many rows which second has. */
export interface Rate {
  readonly rowsPerSecond: number
  /** Seconds in which the speed grows by the same number of rows from one to the next. */
  readonly rampUpSeconds: number
}

/**
 * How many rows there are before second `seconds`, counted from the start. As in Spark the first second
 * already has some: with 10 rows per second after 4 seconds they have 2, 4, 6, 8, 10, 10.
 */
export function rowsBefore({ rowsPerSecond, rampUpSeconds }: Rate, seconds: number): number {
  const growth = Math.floor(rowsPerSecond / (rampUpSeconds + 1))
  const growing = Math.min(seconds, rampUpSeconds)
  return ((growing + 1) * growing * growth) / 2 + (seconds - growing) * rowsPerSecond
}

/** The second that a row falls in: the last one that begins at or before it. */
export function secondOf(rate: Rate, row: number): number {
  let low = 0
  // Even the steady speed alone has passed the row by then.
  let high = rate.rampUpSeconds + Math.floor(row / rate.rowsPerSecond) + 1
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (rowsBefore(rate, middle) <= row) low = middle
    else high = middle
  }
  return low
}
