import type { Clock } from '../../src/core/clock.ts'

/** An open loop: row i is due at the start plus i ÷ rate, whatever the receiver does. */
export interface Pace {
  readonly ratePerSecond: number
  readonly rows: number
  /** Milliseconds between looks at the clock; 0 = at every turn of the event loop, which takes a whole core. */
  readonly tickMs: number
}

/** How far behind their due times rows were handed over, milliseconds by row. */
export type Lags = Float64Array

/**
 * Hands out every row at the first tick at or after its due time, with that due time (milliseconds of
 * the clock's `monotonic`): a receiver that stalls finds the rows dated as if it had not, so waiting is
 * never left out of a latency. Resolves with the lags of the loop itself: where they are large the run
 * is void, as the rows were late before anybody could handle them.
 */
export function paceRows(
  clock: Clock,
  pace: Pace,
  send: (row: number, dueMs: number) => void,
): Promise<Lags> {
  const lags = new Float64Array(pace.rows)
  const startMs = clock.monotonic()
  let next = 0
  return new Promise((resolve) => {
    const tick = (): void => {
      const nowMs = clock.monotonic()
      while (next < pace.rows) {
        const dueMs = startMs + (next * 1000) / pace.ratePerSecond
        if (dueMs > nowMs) break
        lags[next] = nowMs - dueMs
        send(next, dueMs)
        next++
      }
      if (next === pace.rows) resolve(lags)
      else if (pace.tickMs === 0) void clock.yield().then(tick)
      else clock.after(pace.tickMs, tick)
    }
    tick()
  })
}
