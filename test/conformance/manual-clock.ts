import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'

/** Time that moves only by `advance`; what is due at once still happens by itself. */
export interface ManualClock extends Clock {
  advance(ms: number): void
}

/** Starts at 0, as the cases ask for. */
export function manualClock(): ManualClock {
  const real = systemClock()
  const waiting = new Set<{ readonly dueMs: number; readonly call: () => void }>()
  let nowMs = 0
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, call, options) {
      if (delayMs <= 0) return real.after(0, call, options)
      const timer = { dueMs: nowMs + delayMs, call }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
    yield: () => real.yield(),
    advance(ms) {
      const target = nowMs + ms
      for (;;) {
        const due = [...waiting].filter(({ dueMs }) => dueMs <= target)
        const next = due.sort((a, b) => a.dueMs - b.dueMs)[0]
        if (next === undefined) break
        waiting.delete(next)
        nowMs = Math.max(nowMs, next.dueMs)
        next.call()
      }
      nowMs = target
    },
  }
}
