import { daysFromCivil } from '../batch/time-text.ts'
import { skipNumber } from './skip.ts'

/** Where `double`, `isoTime` and `unescapeText` leave what they found beside the index they return. */
export const found = new Float64Array(1)
const powers = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/**
 * Reads a number. Up to 15 digits and a fraction of up to 22 are exact as integer divided by power of
 * ten (Clinger's fast path); everything else goes through the language's own parser.
 */
export function double(bytes: Uint8Array, start: number): number {
  const isNegative = bytes[start] === 0x2d
  const first = isNegative ? start + 1 : start
  let at = first
  let mantissa = 0
  let digit = (bytes[at] as number) - 0x30
  while (digit >>> 0 <= 9) {
    mantissa = mantissa * 10 + digit
    digit = (bytes[++at] as number) - 0x30
  }
  if (at === first || (bytes[first] === 0x30 && at > first + 1)) return -1
  let digits = at - first
  let decimals = 0
  if (bytes[at] === 0x2e) {
    const fraction = ++at
    digit = (bytes[at] as number) - 0x30
    while (digit >>> 0 <= 9) {
      mantissa = mantissa * 10 + digit
      digit = (bytes[++at] as number) - 0x30
    }
    decimals = at - fraction
    if (decimals === 0) return -1
    digits += decimals
  }
  if (digits > 15 || decimals > 22 || ((bytes[at] as number) | 0x20) === 0x65) {
    const end = skipNumber(bytes, start)
    if (end > 0) found[0] = Number(asciiText(bytes, start, end))
    return end
  }
  const value = decimals === 0 ? mantissa : mantissa / (powers[decimals] as number)
  found[0] = isNegative ? -value : value
  return at
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number)
  return text
}

let lastDate = -1
let lastDays = 0

/** `YYYY-MM-DD`, `T` or a blank, `HH:MM:SS`, up to six decimals, `Z` or nothing, then the quote. */
export function isoTime(bytes: Uint8Array, at: number, end: number): number {
  if (at + 30 > end) return -1
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2)
  const date = (year * 100 + twoDigits(bytes, at + 5)) * 100 + twoDigits(bytes, at + 8)
  const hour = twoDigits(bytes, at + 11)
  const minute = twoDigits(bytes, at + 14)
  const second = twoDigits(bytes, at + 17)
  if (date < 0 || hour < 0 || minute < 0 || second < 0 || !isoMarks(bytes, at)) return -1
  if (hour > 23 || minute > 59 || second > 59) return -1
  const days = date === lastDate ? lastDays : daysOf(date)
  if (Number.isNaN(days)) return -1
  let index = at + 19
  let fraction = 0
  if (bytes[index] === 0x2e) {
    let scale = 100_000
    let digit = (bytes[++index] as number) - 0x30
    if (digit >>> 0 > 9) return -1
    while (digit >>> 0 <= 9) {
      if (scale < 1) return -1
      fraction += digit * scale
      scale /= 10
      digit = (bytes[++index] as number) - 0x30
    }
  }
  if (bytes[index] === 0x5a) index++
  if (bytes[index] !== 0x22) return -1
  found[0] = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
  return index + 1
}

function isoMarks(bytes: Uint8Array, at: number): boolean {
  const between = bytes[at + 10]
  return (
    bytes[at + 4] === 0x2d &&
    bytes[at + 7] === 0x2d &&
    (between === 0x54 || between === 0x20) &&
    bytes[at + 13] === 0x3a &&
    bytes[at + 16] === 0x3a
  )
}

/** So far below zero that no sum or product with it is a date. */
const notDigits = -1e12

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30
  const ones = (bytes[at + 1] as number) - 0x30
  return tens >>> 0 <= 9 && ones >>> 0 <= 9 ? tens * 10 + ones : notDigits
}

function daysOf(date: number): number {
  if (date < 0) return Number.NaN
  const year = Math.floor(date / 10_000)
  const days = daysFromCivil(year, Math.floor(date / 100) % 100, date % 100)
  // Years that do not fit the exact range of microseconds are refused by the reference.
  if (days === undefined || year < 1700 || year > 2250) return Number.NaN
  lastDate = date
  lastDays = days
  return days
}
