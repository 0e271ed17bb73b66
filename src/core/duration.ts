import { StreamError } from './error.ts'

/** A length of time as written: months have no fixed length, so they stay apart. */
export interface Interval {
  readonly months: number
  /** Everything else: weeks and days too, as a day is always 24 hours here. */
  readonly micros: number
}

const second = 1_000_000
const day = 86_400 * second

const unitMicros: Readonly<Record<string, number>> = {
  microsecond: 1,
  us: 1,
  millisecond: 1_000,
  ms: 1_000,
  second,
  sec: second,
  s: second,
  minute: 60 * second,
  min: 60 * second,
  hour: 3_600 * second,
  hr: 3_600 * second,
  h: 3_600 * second,
  day,
  d: day,
  week: 7 * day,
}

const unitMonths: Readonly<Record<string, number>> = { month: 1, year: 12 }

const part = /^\s*([+-]?)\s*(\d+)(?:\.(\d{1,6}))?\s*([a-z]+)\s*/

/**
 * Reads a list of numbers with units, each with its own sign: `1 hour 30 minutes`, `1 year -13 months`,
 * `interval 1.5 seconds`, `500 ms`. Only seconds and shorter units take a fraction, as in Spark.
 * @throws StreamError `DURATION_INVALID`
 */
export function parseInterval(text: string): Interval {
  let rest = text.trim().toLowerCase()
  if (/^interval\b/.test(rest)) rest = rest.slice('interval'.length)
  let months = 0
  let micros = 0
  let parts = 0
  while (rest.trim() !== '') {
    const match = part.exec(rest)
    if (match === null) throw invalid(text, `"${rest.trim()}" is not a number and a unit`)
    const [whole, sign, digits = '', fraction = '', unit = ''] = match
    const factor = sign === '-' ? -1 : 1
    const known = unitOf(unit)
    if (known === undefined) throw invalid(text, `there is no unit "${unit}"`)
    if (fraction !== '' && (known.months > 0 || known.micros > second)) {
      throw invalid(text, 'only seconds and shorter units take a fraction')
    }
    const scaled = Number(digits) * known.micros + fractionMicros(fraction, known.micros)
    months += factor * Number(digits) * known.months
    micros += factor * scaled
    parts += 1
    rest = rest.slice(whole.length)
  }
  if (parts === 0) throw invalid(text, 'it is empty')
  if (!Number.isSafeInteger(months) || !Number.isSafeInteger(micros)) {
    throw invalid(text, 'it is too long')
  }
  return { months, micros }
}

/**
 * Reads a duration of fixed length as microseconds.
 * @throws StreamError `DURATION_INVALID`, also for months and years, and for negative durations unless allowed
 */
export function parseDuration(text: string, options: { readonly negative?: boolean } = {}): number {
  const { months, micros } = parseInterval(text)
  if (months !== 0) {
    throw invalid(text, 'months and years have no fixed length; write days')
  }
  if (micros < 0 && options.negative !== true) throw invalid(text, 'it is negative')
  return micros
}

/** The same for text of any sign that comes with the data; `undefined` for what is no such duration. */
export function durationOrUndefined(text: string): number | undefined {
  try {
    return parseDuration(text, { negative: true })
  } catch (error) {
    if (error instanceof StreamError && error.code === 'DURATION_INVALID') return undefined
    throw error
  }
}

/** Microseconds of an interval whose months count 31 days each: how Spark measures watermark delays. */
export function intervalMicros({ months, micros }: Interval): number {
  return months * 31 * day + micros
}

/** The shortest text that `parseDuration` reads as the same number: `1 hour 30 minutes`. */
export function formatDuration(micros: number): string {
  if (micros === 0) return '0 seconds'
  const sign = micros < 0 ? '-' : ''
  let rest = Math.abs(micros)
  const parts: string[] = []
  for (const unit of ['day', 'hour', 'minute', 'second', 'millisecond', 'microsecond']) {
    const size = unitMicros[unit] ?? 1
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${sign}${count} ${unit}${count === 1 ? '' : 's'}`)
  }
  return parts.join(' ')
}

function unitOf(written: string): { readonly months: number; readonly micros: number } | undefined {
  for (const unit of [written, written.replace(/s$/, '')]) {
    const months = unitMonths[unit]
    if (months !== undefined) return { months, micros: 0 }
    const micros = unitMicros[unit]
    if (micros !== undefined) return { months: 0, micros }
  }
  return undefined
}

/** Digits of a fraction as microseconds; what is finer than a microsecond is cut off. */
function fractionMicros(digits: string, unit: number): number {
  return digits === '' ? 0 : Math.floor((Number(digits) * unit) / 10 ** digits.length)
}

function invalid(text: string, why: string): StreamError<'DURATION_INVALID'> {
  return new StreamError('DURATION_INVALID', { text, why })
}

/**
 * Milliseconds of a duration that users give as text or in milliseconds, rounded up.
 * @throws StreamError `DURATION_INVALID`
 */
export function milliseconds(duration: unknown): number {
  const text = typeof duration === 'number' ? `${duration} ms` : String(duration)
  return Math.ceil(parseDuration(text) / 1000)
}
