import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { AsyncLimits } from '../flow/async-function.ts'

/** How `mapAsync` calls its function. */
export interface MapAsyncOptions {
  /** Rows that each lane waits for at a time. Default 100. */
  readonly capacity?: number
  /** How long one call may take; then its signal is aborted and the call has failed. Default `'10 seconds'`. */
  readonly timeout?: string
  /** Whether rows come out in the order in which they went in. Default true; with false as calls end. */
  readonly ordered?: boolean
  readonly retry?: {
    /** Calls for one row at most, the first included. Default 3. */
    readonly attempts?: number
    /** The wait before the first retry, doubled for each further one, less up to half by chance. Default `'200 ms'`. */
    readonly delay?: string
    /** The longest such wait. Default `'10 seconds'`. */
    readonly maxDelay?: string
  }
  /** What becomes of a row whose last call failed: the query fails (default), or it is left out and counted. */
  readonly onError?: 'fail' | 'drop'
}

/**
 * The options with their defaults.
 * @throws StreamError `CONFIG_INVALID`, `DURATION_INVALID`
 */
export function asyncLimits(options: MapAsyncOptions = {}): AsyncLimits {
  const { capacity = 100, timeout = '10 seconds', ordered = true, retry = {} } = options
  const { onError = 'fail' } = options
  const { attempts = 3, delay = '200 ms', maxDelay = '10 seconds' } = retry
  checkCount('capacity', capacity)
  checkCount('retry.attempts', attempts)
  if (typeof ordered !== 'boolean') throw invalid('ordered', ordered, 'true or false')
  if (!['fail', 'drop'].includes(onError)) throw invalid('onError', onError, "'fail' or 'drop'")
  const timeoutMs = parseDuration(timeout) / 1000
  if (timeoutMs <= 0) throw invalid('timeout', timeout, 'a duration above zero')
  const delayMs = parseDuration(delay) / 1000
  const delayMsMax = parseDuration(maxDelay) / 1000
  return { capacity, timeoutMs, ordered, attempts, delayMs, delayMsMax, onError }
}

function checkCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalid(option, value, 'a whole number from 1 up')
  }
}

function invalid(option: string, value: unknown, expected: string): StreamError<'CONFIG_INVALID'> {
  const details = { option: `${option} of mapAsync`, value: String(value), expected }
  return new StreamError('CONFIG_INVALID', details)
}
