import type { Clock } from './clock.ts'

/** The real time. The only file that reads it or starts a timer. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delayMs, call, options) {
      const timer = setTimeout(call, delayMs)
      if (options?.background === true) timer.unref()
      return () => clearTimeout(timer)
    },
    yield: () =>
      new Promise((resolve) => {
        setImmediate(resolve)
      }),
  }
}
