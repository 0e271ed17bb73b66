import { milliseconds } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'

/** When epochs run, as the engine sees it. Intervals in milliseconds. */
export type TriggerSpec =
  /** 0 = as soon as the previous epoch ends. */
  | { readonly kind: 'processingTime'; readonly intervalMs: number }
  | { readonly kind: 'availableNow' }
  | { readonly kind: 'once' }
  /** The native path: rows flow at once, the interval is that of the checkpoints. */
  | { readonly kind: 'continuous'; readonly intervalMs: number }

/** A trigger as users write it, PySpark's keyword as the key. Durations are text, or milliseconds. */
export type TriggerOptions =
  | { readonly processingTime: string | number }
  | { readonly availableNow: true }
  | { readonly once: true }
  | { readonly continuous: string | number }
  | { readonly realTime: string | number }

/**
 * Triggers by name, as in Scala: `Trigger.ProcessingTime('10 seconds')` is `{ processingTime: '10 seconds' }`.
 *
 * @example
 * ```ts
 * import { Trigger } from 'millrace/streaming'
 *
 * const everyMinute = Trigger.ProcessingTime('1 minute')
 * const onceThenStop = Trigger.AvailableNow()
 * console.log(everyMinute, onceThenStop)
 * ```
 */
export const Trigger = {
  /** An epoch at every multiple of the interval on the clock; `0` = one after the other. */
  ProcessingTime: (interval: string | number): TriggerOptions => ({ processingTime: interval }),
  /** Everything that is there at the start, in as many epochs as the limits ask for; then it ends. */
  AvailableNow: (): TriggerOptions => ({ availableNow: true }),
  /** Everything in one epoch, without limits; then it ends. Deprecated in Spark: use `AvailableNow`. */
  Once: (): TriggerOptions => ({ once: true }),
  /** Rows flow as soon as they are read; a checkpoint at every interval. Every operator is allowed. */
  Continuous: (interval: string | number): TriggerOptions => ({ continuous: interval }),
  /** The same as `Continuous`, by Spark 4.1's name; the default interval is 5 minutes. */
  RealTime: (interval: string | number = '5 minutes'): TriggerOptions => ({ realTime: interval }),
} as const

/**
 * Checks what a user wrote.
 * @throws StreamError `CONFIG_INVALID` unless exactly one trigger is named, `DURATION_INVALID`
 */
export function triggerSpec(options: TriggerOptions): TriggerSpec {
  const named = Object.entries(options).filter(([, value]) => value !== undefined)
  const [only] = named
  if (named.length !== 1 || only === undefined) throw wrong(options)
  const [kind, value] = only
  switch (kind) {
    case 'processingTime':
      return { kind, intervalMs: milliseconds(value) }
    case 'continuous':
    case 'realTime': {
      const intervalMs = milliseconds(value)
      if (intervalMs === 0) throw wrong(options)
      return { kind: 'continuous', intervalMs }
    }
    case 'availableNow':
    case 'once':
      if (value !== true) throw wrong(options)
      return { kind }
    default:
      throw wrong(options)
  }
}

function wrong(options: TriggerOptions): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', {
    option: 'trigger',
    value: JSON.stringify(options),
    expected:
      'one of { processingTime: duration }, { availableNow: true }, { once: true }, { continuous: duration longer than zero }',
  })
}
