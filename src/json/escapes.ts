import { found } from './numbers.ts'
import { hexDigit, skipEscape } from './plain-text.ts'

/**
 * Decodes the string that starts after the quote at `at - 1` into `to`, escapes included, and returns
 * the index after its closing quote. `to` must have room for as many bytes as the text has.
 */
export function unescapeText(bytes: Uint8Array, at: number, to: Uint8Array, toAt: number): number {
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
