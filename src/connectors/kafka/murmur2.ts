/** The hash by which Kafka's producers choose a partition for a key (`Utils.murmur2`), as a signed number. */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  let hash = 0x9747b28c ^ length
  let at = start
  for (; at + 4 <= end; at += 4) {
    let word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    word = Math.imul(word, multiplier)
    word ^= word >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier)
  }
  const left = end - at
  if (left > 2) hash ^= (bytes[at + 2] as number) << 16
  if (left > 1) hash ^= (bytes[at + 1] as number) << 8
  if (left > 0) hash = Math.imul(hash ^ (bytes[at] as number), multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

const multiplier = 0x5bd1e995
