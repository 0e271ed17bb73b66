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

/**
 * Waits until everything that has no need to wait is done: all promises that were settled, and what follows from
 * them. Much faster than a turn of the event loop, which gets none, so not for ever.
 */
export function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve)
  })
}
