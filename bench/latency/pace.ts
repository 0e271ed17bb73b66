import type { Clock } from '../../src/core/clock.ts'

/** An open loop: row i is due at the start plus i ÷ rate, whatever the receiver does. */
export interface Pace {
  readonly ratePerSecond: number
  readonly rows: number
  /** Milliseconds between looks at the clock. Below 1, which is too short for timers, the thread sleeps in between. */
  readonly tickMs: number
}

/** How far behind their due times rows were handed over, milliseconds by row. */
export type Lags = Float64Array

const never = new Int32Array(new SharedArrayBuffer(4))

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
      else if (pace.tickMs >= 1) clock.after(pace.tickMs, tick)
      else {
        Atomics.wait(never, 0, 0, pace.tickMs)
        void clock.yield().then(tick)
      }
    }
    tick()
  })
}
