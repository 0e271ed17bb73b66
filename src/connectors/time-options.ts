import { parseDate, parseTimestamp } from '../batch/time-text.ts'
import { timePattern } from '../expr/time-pattern.ts'
import type { TimeReaders } from '../json/value.ts'
import { type CheckedOptions, optionOf, textOption } from './option-spec.ts'

const microsPerDay = 86_400_000_000

/** The pattern of times in text, when it is not ISO. */
export const timestampFormatOption = textOption({
  name: 'timestampFormat',
  description: 'How times are written, in letters such as yyyy-MM-dd HH:mm:ss. Default: ISO 8601.',
})

/** The pattern of dates in text, when it is not ISO. */
export const dateFormatOption = textOption({
  name: 'dateFormat',
  description: 'How dates are written, in letters such as dd.MM.yyyy. Default: ISO 8601.',
})

/** Readers by the patterns of the user; `undefined` when there is none, which is the fast case. */
export function timeReaders(options: CheckedOptions): TimeReaders | undefined {
  const timestamp = optionOf(options, timestampFormatOption)
  const date = optionOf(options, dateFormatOption)
  if (timestamp === undefined && date === undefined) return undefined
  return {
    timestamp: timestamp === undefined ? parseTimestamp : timePattern(timestamp).parse,
    date: date === undefined ? parseDate : (text) => dayOf(timePattern(date).parse(text)),
  }
}

/** How times become text. */
export interface TimeWriters {
  readonly timestamp: (micros: number) => string
  readonly date: (days: number) => string
}

/** Writers by the patterns of the user; what has no pattern is left to `standard`. */
export function timeWriters(options: CheckedOptions, standard: TimeWriters): TimeWriters {
  const timestamp = optionOf(options, timestampFormatOption)
  const date = optionOf(options, dateFormatOption)
  return {
    timestamp: timestamp === undefined ? standard.timestamp : timePattern(timestamp).format,
    date:
      date === undefined ? standard.date : (days) => timePattern(date).format(days * microsPerDay),
  }
}

function dayOf(micros: number | undefined): number | undefined {
  return micros === undefined ? undefined : Math.floor(micros / microsPerDay)
}
