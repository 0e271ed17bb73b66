const millisPerDay = 86_400_000

/**
 * Reads a time in UTC as Spark's cast does: `2024-05-01`, `2024-05-01 10:00:00.123456`, ISO with `T`,
 * `Z` or an offset such as `+02:00`. Microseconds since 1970, or `undefined` if it is none.
 */
export function parseTimestamp(text: string): number | undefined {
  const match =
    /^\s*([+-]?\d{4,6})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?)?\s*$/i.exec(
      text,
    )
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction, zone] = match
  const days = daysFromCivil(Number(year), Number(month ?? 1), Number(day ?? 1))
  if (days === undefined) return undefined
  const seconds = Number(hour ?? 0) * 3600 + Number(minute ?? 0) * 60 + Number(second ?? 0)
  if (Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) {
    return undefined
  }
  const offset = zoneSeconds(zone)
  if (offset === undefined) return undefined
  // Spark truncates what is finer than a microsecond.
  const microsOfSecond = Number((fraction ?? '').padEnd(6, '0').slice(0, 6))
  const micros = (days * 86_400 + seconds - offset) * 1_000_000 + microsOfSecond
  return Number.isSafeInteger(micros) ? micros : undefined
}

/** Reads a date: `2024-05-01`, `2024-05`, `2024`, or the date part of a time. Days since 1970. */
export function parseDate(text: string): number | undefined {
  const match = /^\s*([+-]?\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ].*)?)?)?\s*$/.exec(text)
  if (match === null) return undefined
  const days = daysFromCivil(Number(match[1]), Number(match[2] ?? 1), Number(match[3] ?? 1))
  // A year of seven digits may lie beyond the last DATE.
  return days !== undefined && (days | 0) === days ? days : undefined
}

/** `2016-03-27 09:00:05.4`: UTC, without trailing zeros of the fraction, as Spark casts to text. */
export function formatTimestamp(micros: number): string {
  const millis = Math.floor(micros / 1000)
  const date = formatDate(Math.floor(millis / millisPerDay))
  const ofDay = millis - Math.floor(millis / millisPerDay) * millisPerDay
  const microsOfSecond = micros - Math.floor(micros / 1_000_000) * 1_000_000
  const clock = [Math.floor(ofDay / 3_600_000), Math.floor(ofDay / 60_000) % 60]
    .concat(Math.floor(ofDay / 1000) % 60)
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
  const fraction = String(microsOfSecond).padStart(6, '0').replace(/0+$/, '')
  return `${date} ${clock}${fraction === '' ? '' : `.${fraction}`}`
}

/** `2016-03-27`. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days)
  const text = String(Math.abs(year)).padStart(4, '0')
  const sign = year < 0 ? '-' : year > 9999 ? '+' : ''
  return `${sign}${text}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** Days since 1970-01-01 of a date of the Gregorian calendar; `undefined` if there is no such date. */
export function daysFromCivil(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * 146_097 + dayOfEra + dayOfYear - 719_468
}

/** The Gregorian date of a day number. */
export function civilFromDays(days: number): {
  readonly year: number
  readonly month: number
  readonly day: number
} {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  }
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Seconds east of UTC; `undefined` if it is no offset. */
function zoneSeconds(zone: string | undefined): number | undefined {
  if (zone === undefined || /^(z|utc|gmt)$/i.test(zone)) return 0
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone)
  if (match === null) return undefined
  const hours = Number(match[2])
  const minutes = Number(match[3] ?? 0)
  if (hours > 18 || minutes > 59) return undefined
  return (match[1] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60)
}
