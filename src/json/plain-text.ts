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

/**
 * Copies plain bytes up to the first stop and returns its index. Writing past the end of `to` is
 * silently nothing, as the language defines it: the caller sees it by the length, grows and repeats.
 */
export function copyText(from: Text, at: number, to: Text, toAt: number): number {
  const { bytes, view } = from
  const target = to.bytes
  let read = at
  let write = toAt
  const last = Math.min(bytes.length - 4, target.length - 4 - toAt + at)
  while (read <= last) {
    const word = view.getInt32(read, true)
    if (stopBits(word) !== 0) break
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
 * The highest bit of each of the four bytes that is below 0x20, `"` or `\`: the subtractions borrow into the
 * highest bit of a byte that is zero, and of the one above it at most. So the lowest bit is always right.
 */
function stopBits(word: number): number {
  const quote = word ^ 0x22222222
  const slash = word ^ 0x5c5c5c5c
  const below = (word - 0x20202020) & ~word
  return (below | ((quote - 0x01010101) & ~quote) | ((slash - 0x01010101) & ~slash)) & 0x80808080
}

/** Where the first stop at or after `at` is. */
export function findStop({ bytes, view }: Text, at: number): number {
  let index = at
  const last = bytes.length - 8
  while (index <= last) {
    const bits = stopBits(view.getInt32(index, true))
    if (bits !== 0) return index + ((31 - Math.clz32(bits & -bits)) >>> 3)
    const more = stopBits(view.getInt32(index + 4, true))
    if (more !== 0) return index + 4 + ((31 - Math.clz32(more & -more)) >>> 3)
    index += 8
  }
  while (stops[bytes[index] as number] === 0) index++
  return index
}

/** From the byte after the opening quote to the byte after the closing one. */
export function skipText(from: Text, at: number): number {
  const { bytes } = from
  let index = findStop(from, at)
  while (bytes[index] === 0x5c) {
    index = skipEscape(bytes, index)
    if (index < 0) return -1
    index = findStop(from, index)
  }
  return bytes[index] === 0x22 ? index + 1 : -1
}

/** From the byte after the opening quote to the byte after the closing one; −1 if there are escapes. */
export function plainKey(bytes: Uint8Array, at: number): number {
  let index = at
  while (stops[bytes[index] as number] === 0) index++
  return bytes[index] === 0x22 ? index + 1 : -1
}

/** From the backslash to the byte after the escape. */
export function skipEscape(bytes: Uint8Array, at: number): number {
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

/** The value of a hexadecimal digit, or −1. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
