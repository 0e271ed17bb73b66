import { closest } from '../core/closest.ts'
import { durationOrUndefined } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'

/** What `withWatermark` may be told besides the delay. None of it is Spark's. */
export interface WatermarkOptions {
  /**
   * Rows that come too late for a stateful step: `output` (default) hands them out by `query.lateRows()` and
   * the option `lateRowsPath`, `drop` only counts them.
   */
  readonly late?: 'output' | 'drop'
  /**
   * Rows whose event time is NULL: `drop` (default) leaves them out and counts them, `deadLetter` delivers
   * them to the dead letters, `keep` lets them pass, as Spark does: such a row is never late, and what it is
   * counted in is never forgotten and never emitted by append.
   */
  readonly nullTime?: 'drop' | 'keep' | 'deadLetter'
  /**
   * Rows whose event time is more than this beyond the processing time of their epoch, such as `'1 hour'`,
   * are left out and counted, and go to the dead letters where the query has a `deadLetterPath`. They
   * never move the watermark. Default: no limit, as in Spark.
   */
  readonly maxFutureSkew?: string
  /**
   * A source partition that brought no row for so long, such as `'1 minute'`, no longer holds the watermark
   * back. Default: the option `idleTimeout` of the source; without that, partitions are never idle.
   */
  readonly idleTimeout?: string
}

/** The options of a watermark, read. */
export interface WatermarkRules {
  readonly late: 'output' | 'drop'
  readonly nullTime: 'drop' | 'keep' | 'deadLetter'
  readonly maxFutureSkewMicros?: number
  readonly idleTimeoutMicros?: number
}

const latePolicies = ['output', 'drop'] as const
const nullPolicies = ['drop', 'keep', 'deadLetter'] as const

/**
 * Reads the options of a watermark.
 * @throws StreamError `OPTION_UNKNOWN`, `CONFIG_INVALID`
 */
export function watermarkRules(options: WatermarkOptions = {}): WatermarkRules {
  const { late = 'output', nullTime = 'drop', maxFutureSkew, idleTimeout, ...rest } = options
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    const known = ['late', 'nullTime', 'maxFutureSkew', 'idleTimeout']
    throw new StreamError('OPTION_UNKNOWN', {
      format: 'withWatermark',
      option: unknown,
      closest: closest(unknown, known),
    })
  }
  const skew = optionalDuration('maxFutureSkew', maxFutureSkew)
  const idle = optionalDuration('idleTimeout', idleTimeout)
  return {
    late: oneOf('late', late, latePolicies),
    nullTime: oneOf('nullTime', nullTime, nullPolicies),
    ...(skew === undefined ? {} : { maxFutureSkewMicros: skew }),
    ...(idle === undefined ? {} : { idleTimeoutMicros: idle }),
  }
}

function oneOf<Word extends string>(option: string, given: Word, words: readonly Word[]): Word {
  // Programs without types may hand in anything.
  if (words.includes(given)) return given
  throw new StreamError('CONFIG_INVALID', {
    option,
    value: String(given),
    expected: `one of ${words.join(', ')}`,
  })
}

function optionalDuration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const micros = durationOrUndefined(text)
  if (micros !== undefined && micros >= 0) return micros
  throw new StreamError('CONFIG_INVALID', {
    option,
    value: text,
    expected: "a duration such as '10 minutes', not negative,",
  })
}
