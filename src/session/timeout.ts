import type { Clock } from '../core/clock.ts'
import { parseDuration } from '../core/duration.ts'
import type { Timeout } from '../dataframe/streaming-query.ts'

/** Milliseconds of a timeout given as text, or as seconds like in PySpark. */
export function timeoutMs(timeout: Timeout): number {
  if (typeof timeout === 'number') return timeout * 1000
  return parseDuration(timeout) / 1000
}

/** True if the promise settled first, whether well or not. */
export function within(clock: Clock, promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false))
    const done = (): void => {
      cancel()
      resolve(true)
    }
    promise.then(done, done)
  })
}
