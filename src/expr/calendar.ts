import { civilFromDays, daysFromCivil, daysInMonth } from '../batch/time-text.ts'
import { StreamError } from '../core/error.ts'

export const microsPerSecond = 1_000_000
export const microsPerMinute = 60_000_000
export const microsPerHour = 3_600_000_000
export const microsPerDay = 86_400_000_000

/** The day number of a time. */
export function dayOf(micros: number): number {
  return Math.floor(micros / microsPerDay)
}

/** Microseconds since midnight. */
export function microsOfDay(micros: number): number {
  return micros - dayOf(micros) * microsPerDay
}

/** Holds a computed time to the range in which microseconds are exact. */
export function checkedTime(micros: number): number {
  if (Number.isSafeInteger(micros)) return micros + 0
  throw new StreamError('TIMESTAMP_OUT_OF_RANGE', { value: micros })
}

/** The same day of another month, or its last day if it has none such. */
export function addMonths(days: number, months: number): number {
  const { year, month, day } = civilFromDays(days)
  const index = year * 12 + month - 1 + months
  const newYear = Math.floor(index / 12)
  const newMonth = index - newYear * 12 + 1
  return checkedDay(daysFromCivil(newYear, newMonth, Math.min(day, daysInMonth(newYear, newMonth))))
}

/** A DATE has 32 bits. */
export function checkedDay(days: number | undefined): number {
  if (days !== undefined && days >= -2_147_483_648 && days <= 2_147_483_647) return days
  throw new StreamError('ARITHMETIC_OVERFLOW', {
    operation: 'the computation of a date',
    type: 'DATE',
    values: String(days),
  })
}

/** A time plus calendar months and microseconds. */
export function addInterval(micros: number, months: number, more: number): number {
  const shifted =
    months === 0 ? micros : addMonths(dayOf(micros), months) * microsPerDay + microsOfDay(micros)
  return checkedTime(shifted + more)
}

const truncations: Readonly<Record<string, (days: number) => number>> = {
  week: (days) => days - weekday(days),
  month: (days) => days - civilFromDays(days).day + 1,
  mon: (days) => days - civilFromDays(days).day + 1,
  mm: (days) => days - civilFromDays(days).day + 1,
  quarter: (days) => {
    const { year, month } = civilFromDays(days)
    return daysFromCivil(year, Math.floor((month - 1) / 3) * 3 + 1, 1) ?? days
  },
  year: startOfYear,
  yyyy: startOfYear,
  yy: startOfYear,
}

const unitMicros: Readonly<Record<string, number>> = {
  microsecond: 1,
  millisecond: 1000,
  second: microsPerSecond,
  minute: microsPerMinute,
  hour: microsPerHour,
  day: microsPerDay,
  dd: microsPerDay,
}

/** The length of a unit that `date_trunc` cuts to by division; `undefined` for calendar units. */
export function fixedUnit(unit: string): number | undefined {
  return unitMicros[unit.toLowerCase()]
}

/** The start of the unit that holds a day; `undefined` for an unknown unit. */
export function truncateDay(days: number, unit: string): number | undefined {
  return truncations[unit.toLowerCase()]?.(days)
}

/** The start of the unit that holds a time; `undefined` for an unknown unit. */
export function truncateTime(micros: number, unit: string): number | undefined {
  const fixed = fixedUnit(unit)
  if (fixed !== undefined) return Math.floor(micros / fixed) * fixed
  const days = truncateDay(dayOf(micros), unit)
  return days === undefined ? undefined : days * microsPerDay
}

function startOfYear(days: number): number {
  return daysFromCivil(civilFromDays(days).year, 1, 1) ?? days
}

/** 0 = Monday. */
export function weekday(days: number): number {
  return (((days + 3) % 7) + 7) % 7
}

/** 1 to 366. */
export function dayOfYear(days: number): number {
  return days - startOfYear(days) + 1
}

/** ISO 8601 week: the week belongs to the year that holds its Thursday. */
export function weekOfYear(days: number): number {
  const thursday = days - weekday(days) + 3
  return Math.floor((dayOfYear(thursday) - 1) / 7) + 1
}

/** Whole months and the rest as part of 31 days, as Spark's `months_between`. */
export function monthsBetween(left: number, right: number, roundOff: boolean): number {
  const a = civilFromDays(dayOf(left))
  const b = civilFromDays(dayOf(right))
  const months = (a.year - b.year) * 12 + a.month - b.month
  const bothLast = a.day === daysInMonth(a.year, a.month) && b.day === daysInMonth(b.year, b.month)
  if (a.day === b.day || bothLast) return months
  const seconds = (micros: number): number => Math.floor(microsOfDay(micros) / microsPerSecond)
  const rest = (a.day - b.day) * 86_400 + seconds(left) - seconds(right)
  const exact = months + rest / (31 * 86_400)
  return roundOff ? Math.floor(exact * 1e8 + 0.5) / 1e8 : exact
}

const countedMicros: Readonly<Record<string, number>> = {
  ...unitMicros,
  week: 7 * microsPerDay,
}

const countedMonths: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 }

function unitOf(unit: string): string {
  return unit.toLowerCase().replace(/s$/, '')
}

/** Whole units from one time to another, towards zero; `undefined` for an unknown unit. */
export function unitsBetween(unit: string, from: number, to: number): number | undefined {
  const fixed = countedMicros[unitOf(unit)]
  if (fixed !== undefined) return Math.trunc((to - from) / fixed) + 0
  const months = countedMonths[unitOf(unit)]
  return months === undefined ? undefined : Math.trunc(wholeMonths(from, to) / months) + 0
}

function wholeMonths(from: number, to: number): number {
  const a = civilFromDays(dayOf(from))
  const b = civilFromDays(dayOf(to))
  const months = (b.year - a.year) * 12 + b.month - a.month
  const position = (day: number, micros: number): number => day * microsPerDay + microsOfDay(micros)
  const ahead = position(b.day, to) - position(a.day, from)
  if (months > 0 && ahead < 0) return months - 1
  return months < 0 && ahead > 0 ? months + 1 : months
}

/** A time plus a number of units; `undefined` for an unknown unit. */
export function addUnits(unit: string, count: number, micros: number): number | undefined {
  const fixed = countedMicros[unitOf(unit)]
  if (fixed !== undefined) return checkedTime(micros + count * fixed)
  const months = countedMonths[unitOf(unit)]
  return months === undefined ? undefined : addInterval(micros, count * months, 0)
}
