import { StreamError } from '../../core/error.ts'
import type { TimeMode, Timers } from '../../flow/stateful-processor.ts'
import type { KeyState } from './key-state.ts'
import type { Figure } from './scope.ts'

/** The times of an epoch as a handler sees them, microseconds. */
export interface HandlerTimes {
  readonly mode: TimeMode
  readonly processingTime: number
  readonly watermark: number
}

/** Who watches the timers of a key. */
export interface TimerWatch {
  count(figure: Figure): void
  /** Told of each new timer. */
  registered(time: number): void
  /** Whether the handler that was given these timers is still running. */
  isRunning(): boolean
}

/** The timers of one key, for as long as the handler runs that is given them. */
export function timersOf(
  state: KeyState,
  times: HandlerTimes,
  { count, registered, isRunning }: TimerWatch,
): Timers {
  const { head } = state
  const mustRun = (): void => {
    if (!isRunning()) throw new StreamError('STATE_ACCESS_INVALID', { what: 'A timer' })
  }
  return {
    processingTimeMs: times.processingTime / 1000,
    watermarkMs: times.mode === 'eventTime' ? Math.max(0, times.watermark / 1000) : undefined,
    register(timeMs) {
      mustRun()
      if (times.mode === 'none') {
        throw new StreamError('TIMER_INVALID', {
          time: timeMs,
          why: 'no time passes in the time mode none',
          fix: "Use timeMode 'processingTime' or 'eventTime'.",
        })
      }
      const time = microsOf(timeMs)
      const at = placeOf(head.timers, time)
      // The same time twice is one timer (rule P2).
      if (head.timers[at] === time) return
      head.timers.splice(at, 0, time)
      registered(time)
      state.changed()
      count('numRegisteredTimers')
    },
    delete(timeMs) {
      mustRun()
      const time = microsOf(timeMs)
      const at = placeOf(head.timers, time)
      if (head.timers[at] !== time) return
      head.timers.splice(at, 1)
      state.changed()
      count('numDeletedTimers')
    },
    list() {
      mustRun()
      return head.timers.map((time) => time / 1000)
    },
  }
}

function microsOf(timeMs: number): number {
  const time = Math.round(timeMs * 1000)
  if (Number.isSafeInteger(time)) return time
  throw new StreamError('TIMER_INVALID', {
    time: timeMs,
    why: 'it is no time',
    fix: 'Give milliseconds since 1970, for example timers.processingTimeMs + 5000.',
  })
}

/** Where a time stands, or belongs, among ascending ones. */
function placeOf(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] as number) < time) low = middle + 1
    else high = middle
  }
  return low
}
