/** Murmur3 for 32 bits as Spark runs it, where the bytes of an odd tail are mixed one by one. */
export function murmur3Bytes(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const aligned = bytes.length - (bytes.length % 4)
  let hash = seed
  for (let at = 0; at < aligned; at += 4) hash = mix(hash, view.getInt32(at, true))
  for (let at = aligned; at < bytes.length; at++) hash = mix(hash, view.getInt8(at))
  return finish(hash, bytes.length)
}

export function murmur3Int(value: number, seed: number): number {
  return finish(mix(seed, value), 4)
}

export function murmur3Long(value: bigint, seed: number): number {
  const low = Number(BigInt.asIntN(32, value))
  const high = Number(BigInt.asIntN(32, value >> 32n))
  return finish(mix(mix(seed, low), high), 8)
}

function mix(hash: number, block: number): number {
  const scrambled = Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)
  return (Math.imul(rotate(hash ^ scrambled, 13), 5) + 0xe6546b64) | 0
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

const prime1 = 0x9e3779b185ebca87n
const prime2 = 0xc2b2ae3d27d4eb4fn
const prime3 = 0x165667b19e3779f9n
const prime4 = 0x85ebca77c2b2ae63n
const prime5 = 0x27d4eb2f165667c5n

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function rotate64(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (value >> (64n - bits))
}

function round(accumulator: bigint, lane: bigint): bigint {
  return wrap(rotate64(wrap(accumulator + lane * prime2), 31n) * prime1)
}

function avalanche(hash: bigint): bigint {
  let mixed = wrap((hash ^ (hash >> 33n)) * prime2)
  mixed = wrap((mixed ^ (mixed >> 29n)) * prime3)
  return mixed ^ (mixed >> 32n)
}

function takeLong(hash: bigint, lane: bigint): bigint {
  return wrap(rotate64(hash ^ round(0n, lane), 27n) * prime1 + prime4)
}

function takeInt(hash: bigint, lane: bigint): bigint {
  return wrap(rotate64(hash ^ wrap(lane * prime1), 23n) * prime2 + prime3)
}

/** xxHash64 of one 32-bit value, as Spark hashes INT. */
export function xxhashInt(value: number, seed: bigint): bigint {
  const start = wrap(wrap(seed) + prime5 + 4n)
  return avalanche(takeInt(start, BigInt.asUintN(32, BigInt(value))))
}

export function xxhashLong(value: bigint, seed: bigint): bigint {
  return avalanche(takeLong(wrap(wrap(seed) + prime5 + 8n), wrap(value)))
}

export function xxhashBytes(bytes: Uint8Array, seed: bigint): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let hash = wrap(wrap(seed) + prime5)
  if (bytes.length >= 32) {
    const lanes = [seed + prime1 + prime2, seed + prime2, seed, seed - prime1].map(wrap)
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane++) {
        lanes[lane] = round(lanes[lane] ?? 0n, view.getBigUint64(at + lane * 8, true))
      }
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes
    hash = wrap(rotate64(a, 1n) + rotate64(b, 7n) + rotate64(c, 12n) + rotate64(d, 18n))
    for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * prime1 + prime4)
  }
  hash = wrap(hash + BigInt(bytes.length))
  for (; at + 8 <= bytes.length; at += 8) hash = takeLong(hash, view.getBigUint64(at, true))
  if (at + 4 <= bytes.length) {
    hash = takeInt(hash, BigInt(view.getUint32(at, true)))
    at += 4
  }
  for (; at < bytes.length; at++) {
    hash = wrap(rotate64(hash ^ wrap(BigInt(bytes[at] ?? 0) * prime5), 11n) * prime1)
  }
  return avalanche(hash)
}

const crcTable = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** The checksum of zip and PNG, unsigned. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] ?? 0)
  return (crc ^ -1) >>> 0
}
