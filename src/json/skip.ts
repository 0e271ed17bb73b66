import { skipText, type Text } from './plain-text.ts'

/** Skips any value, strictly; containers that nest deeper than 64 are left to the reference. */
export function skip(from: Text, at: number): number {
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

/** From the first byte of a number to the byte after it, by the grammar of JSON. */
export function skipNumber(bytes: Uint8Array, start: number): number {
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
