import { daysFromCivil } from '../batch/time-text.ts'

/**
 * The inner loops of the JSON scanner, apart from the generated code so that V8 compiles them once.
 * All of them rely on the `\n` that ends every line and, being below 0x20, stops every loop. A
 * negative result means "not the usual shape": the line is left to the reference decoder.
 */
export interface JsonBytes {
  /** Where the last call that found a number or time left it. */
  readonly found: Float64Array
  textOver(bytes: Uint8Array): Text
  copyText(from: Text, at: number, to: Text, toAt: number): number
  skip(from: Text, at: number): number
  skipText(from: Text, at: number): number
  /** Like `skipText`, but refuses escapes: an escaped key could be the name of a column. */
  plainKey(bytes: Uint8Array, at: number): number
  double(bytes: Uint8Array, at: number): number
  isoTime(bytes: Uint8Array, at: number, end: number): number
  unescape(bytes: Uint8Array, at: number, to: Uint8Array, toAt: number): number
}

/** Bytes and a second view of them that reads four at a time. */
export interface Text {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** Makes a `Text` of bytes. */
export function textOver(bytes: Uint8Array): Text {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}

/** 1 where a run of plain string bytes ends: control characters, `"` and `\`. */
const stops = new Uint8Array(256)
stops.fill(1, 0, 32)
stops[0x22] = 1
stops[0x5c] = 1

const found = new Float64Array(1)
const powers = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** The functions that generated scanners call. */
export const jsonBytes: JsonBytes = {
  found,
  textOver,
  copyText,
  skip,
  skipText,
  plainKey,
  double,
  isoTime,
  unescape: unescapeText,
}

/**
 * Copies plain bytes up to the first stop and returns its index. Writing past the end of `to` is
 * silently nothing, as the language defines it: the caller sees it by the length, grows and repeats.
 */
function copyText(from: Text, at: number, to: Text, toAt: number): number {
  const { bytes, view } = from
  const target = to.bytes
  let read = at
  let write = toAt
  const last = Math.min(bytes.length - 4, target.length - 4 - toAt + at)
  while (read <= last) {
    const word = view.getInt32(read, true)
    if (hasStop(word)) break
    to.view.setInt32(write, word, true)
    read += 4
    write += 4
  }
  let byte = bytes[read] as number
  while (stops[byte] === 0) {
    target[write++] = byte
    byte = bytes[++read] as number
  }
  return read
}

/**
 * True if one of the four bytes is below 0x20, `"` or `\`: the subtractions borrow into the highest bit
 * of a byte that is zero, and of one above it at most, which is then looked at byte by byte.
 */
function hasStop(word: number): boolean {
  const quote = word ^ 0x22222222
  const slash = word ^ 0x5c5c5c5c
  const below = (word - 0x20202020) & ~word
  return (
    ((below | ((quote - 0x01010101) & ~quote) | ((slash - 0x01010101) & ~slash)) & 0x80808080) !== 0
  )
}

/** From the byte after the opening quote to the byte after the closing one. */
function skipText({ bytes, view }: Text, at: number): number {
  let index = at
  const last = bytes.length - 4
  for (;;) {
    while (index <= last && !hasStop(view.getInt32(index, true))) index += 4
    while (stops[bytes[index] as number] === 0) index++
    const byte = bytes[index] as number
    if (byte === 0x22) return index + 1
    if (byte !== 0x5c) return -1
    index = skipEscape(bytes, index)
    if (index < 0) return -1
  }
}

function plainKey(bytes: Uint8Array, at: number): number {
  let index = at
  while (stops[bytes[index] as number] === 0) index++
  return bytes[index] === 0x22 ? index + 1 : -1
}

/** From the backslash to the byte after the escape. */
function skipEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2
    case 0x75: {
      for (let index = at + 2; index < at + 6; index++) {
        if (hexDigit(bytes[index] as number) < 0) return -1
      }
      return at + 6
    }
    default:
      return -1
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Skips any value, strictly; containers that nest deeper than 64 are left to the reference. */
function skip(from: Text, at: number): number {
  return skipValue(from, at, 0)
}

function skipValue(from: Text, at: number, depth: number): number {
  const { bytes } = from
  switch (bytes[at]) {
    case 0x22:
      return skipText(from, at + 1)
    case 0x6e:
      return isWord(bytes, at, 0x75, 0x6c, 0x6c) ? at + 4 : -1
    case 0x74:
      return isWord(bytes, at, 0x72, 0x75, 0x65) ? at + 4 : -1
    case 0x66:
      return isWord(bytes, at + 1, 0x6c, 0x73, 0x65) && bytes[at + 1] === 0x61 ? at + 5 : -1
    case 0x7b:
      return depth > 64 ? -1 : skipObject(from, at + 1, depth + 1)
    case 0x5b:
      return depth > 64 ? -1 : skipArray(from, at + 1, depth + 1)
    default:
      return skipNumber(bytes, at)
  }
}

function isWord(bytes: Uint8Array, at: number, a: number, b: number, c: number): boolean {
  return bytes[at + 1] === a && bytes[at + 2] === b && bytes[at + 3] === c
}

function skipSpace(bytes: Uint8Array, at: number): number {
  let index = at
  for (;;) {
    const byte = bytes[index]
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return index
    index++
  }
}

function skipObject(from: Text, start: number, depth: number): number {
  const { bytes } = from
  let at = skipSpace(bytes, start)
  if (bytes[at] === 0x7d) return at + 1
  for (;;) {
    if (bytes[at] !== 0x22) return -1
    at = skipText(from, at + 1)
    if (at < 0) return -1
    at = skipSpace(bytes, at)
    if (bytes[at] !== 0x3a) return -1
    at = skipValue(from, skipSpace(bytes, at + 1), depth)
    if (at < 0) return -1
    at = skipSpace(bytes, at)
    if (bytes[at] === 0x7d) return at + 1
    if (bytes[at] !== 0x2c) return -1
    at = skipSpace(bytes, at + 1)
  }
}

function skipArray(from: Text, start: number, depth: number): number {
  const { bytes } = from
  let at = skipSpace(bytes, start)
  if (bytes[at] === 0x5d) return at + 1
  for (;;) {
    at = skipValue(from, at, depth)
    if (at < 0) return -1
    at = skipSpace(bytes, at)
    if (bytes[at] === 0x5d) return at + 1
    if (bytes[at] !== 0x2c) return -1
    at = skipSpace(bytes, at + 1)
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function skipDigits(bytes: Uint8Array, at: number): number {
  let index = at
  while (isDigit(bytes[index])) index++
  return index
}

function skipNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === 0x2d ? start + 1 : start
  let at = skipDigits(bytes, first)
  if (at === first || (bytes[first] === 0x30 && at > first + 1)) return -1
  if (bytes[at] === 0x2e) {
    const fraction = at + 1
    at = skipDigits(bytes, fraction)
    if (at === fraction) return -1
  }
  if (((bytes[at] as number) | 0x20) !== 0x65) return at
  const sign = bytes[at + 1]
  const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
  at = skipDigits(bytes, exponent)
  return at === exponent ? -1 : at
}

/**
 * Reads a number. Up to 15 digits and a fraction of up to 22 are exact as integer divided by power of
 * ten (Clinger's fast path); everything else goes through the language's own parser.
 */
function double(bytes: Uint8Array, start: number): number {
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
function isoTime(bytes: Uint8Array, at: number, end: number): number {
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

/**
 * Decodes the string that starts after the quote at `at - 1` into `to`, escapes included, and returns
 * the index after its closing quote. `to` must have room for as many bytes as the text has.
 */
function unescapeText(bytes: Uint8Array, at: number, to: Uint8Array, toAt: number): number {
  let from = at
  let write = toAt
  for (;;) {
    const byte = bytes[from] as number
    if (byte === 0x22) {
      found[0] = write
      return from + 1
    }
    if (byte < 0x20) return -1
    if (byte !== 0x5c) {
      to[write++] = byte
      from++
      continue
    }
    const next = skipEscape(bytes, from)
    if (next < 0) return -1
    if (bytes[from + 1] !== 0x75) {
      to[write++] = plainEscape(bytes[from + 1] as number)
      from = next
      continue
    }
    let point = fourHex(bytes, from + 2)
    from = next
    if (point >= 0xd800 && point < 0xe000) {
      const low = point < 0xdc00 ? lowSurrogate(bytes, from) : -1
      if (low >= 0) from += 6
      point = low < 0 ? 0xfffd : 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
    }
    write = writePoint(to, write, point)
  }
}

function fourHex(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let index = at; index < at + 4; index++) {
    value = value * 16 + hexDigit(bytes[index] as number)
  }
  return value
}

/** The second half of a surrogate pair at `at`, or −1. */
function lowSurrogate(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0x5c || bytes[at + 1] !== 0x75 || skipEscape(bytes, at) < 0) return -1
  const unit = fourHex(bytes, at + 2)
  return unit >= 0xdc00 && unit < 0xe000 ? unit : -1
}

function plainEscape(byte: number): number {
  switch (byte) {
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return byte
  }
}

function writePoint(to: Uint8Array, at: number, point: number): number {
  let write = at
  if (point < 0x80) {
    to[write++] = point
  } else if (point < 0x800) {
    to[write++] = 0xc0 | (point >> 6)
    to[write++] = 0x80 | (point & 63)
  } else if (point < 0x10000) {
    to[write++] = 0xe0 | (point >> 12)
    to[write++] = 0x80 | ((point >> 6) & 63)
    to[write++] = 0x80 | (point & 63)
  } else {
    to[write++] = 0xf0 | (point >> 18)
    to[write++] = 0x80 | ((point >> 12) & 63)
    to[write++] = 0x80 | ((point >> 6) & 63)
    to[write++] = 0x80 | (point & 63)
  }
  return write
}
