import type { Clock } from '../src/core/clock.ts'

/** A clock that stands still until a test moves it. */
export interface SimulatedClock extends Clock {
  /** Moves both clocks on and fires every timer that is due on the way, in order. */
  advance(byMs: number): void
  /** Moves the wall clock alone, as an administrator would; timers do not notice. */
  jump(byMs: number): void
  /** Stops the wall clock, or lets it go on from where it stopped; timers do not notice. */
  freeze(isFrozen: boolean): void
  /** How long until the next timer fires; `undefined` when none is set. */
  untilNextTimer(): number | undefined
}

interface Timer {
  readonly dueMs: number
  readonly call: () => void
}

/**
 * The clock of a simulation. `wait` decides when `yield` goes on; by default at the next microtask.
 * Timers that are due at the same moment fire in the order in which they were set.
 */
export function createSimulatedClock(
  options: { readonly startMs?: number; readonly wait?: () => Promise<void> } = {},
): SimulatedClock {
  let elapsedMs = 0
  let offsetMs = options.startMs ?? 0
  let frozenMs: number | undefined
  const timers = new Set<Timer>()
  const earliest = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (first === undefined || timer.dueMs < first.dueMs) first = timer
    }
    return first
  }
  return {
    now: () => frozenMs ?? offsetMs + elapsedMs,
    monotonic: () => elapsedMs,
    after(delayMs, call) {
      const timer: Timer = { dueMs: elapsedMs + Math.max(0, delayMs), call }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    yield: options.wait ?? (() => Promise.resolve()),
    advance(byMs) {
      const endMs = elapsedMs + byMs
      for (
        let timer = earliest();
        timer !== undefined && timer.dueMs <= endMs;
        timer = earliest()
      ) {
        timers.delete(timer)
        elapsedMs = timer.dueMs
        timer.call()
      }
      elapsedMs = endMs
    },
    jump(byMs) {
      offsetMs += byMs
      if (frozenMs !== undefined) frozenMs += byMs
    },
    freeze(isFrozen) {
      if (!isFrozen && frozenMs !== undefined) offsetMs = frozenMs - elapsedMs
      frozenMs = isFrozen ? (frozenMs ?? offsetMs + elapsedMs) : undefined
    },
    untilNextTimer() {
      const timer = earliest()
      return timer === undefined ? undefined : timer.dueMs - elapsedMs
    },
  }
}
