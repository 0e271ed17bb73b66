import type { Clock } from '../../src/core/clock.ts'

/** A clock that stands still until `advance`, which also runs what is due. */
export interface HandClock extends Clock {
  advance(byMs: number): Promise<void>
  /** Calls that are still waiting. */
  waiting(): number
}

export function handClock(startMs = 1_000_000): HandClock {
  let now = startMs
  let waiting: { readonly atMs: number; readonly call: () => void }[] = []
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, call) {
      const timer = { atMs: now + delayMs, call }
      waiting.push(timer)
      return () => {
        waiting = waiting.filter((other) => other !== timer)
      }
    },
    yield: () => Promise.resolve(),
    async advance(byMs) {
      const until = now + byMs
      for (;;) {
        const due = waiting
          .filter((timer) => timer.atMs <= until)
          .toSorted((left, right) => left.atMs - right.atMs)[0]
        if (due === undefined) break
        now = due.atMs
        waiting = waiting.filter((other) => other !== due)
        due.call()
        await turns()
      }
      now = until
    },
    waiting: () => waiting.length,
  }
}

/** Enough turns of the microtask queue for any operation of a virtual disk. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
}
