import * as zlib from 'node:zlib'

/** What was packed with zstd; throws when it was not, or is longer than `bytesMax`. */
export type UnpackZstd = (packed: Uint8Array, bytesMax: number) => Uint8Array

/** Node's own, which it has from 22.15 on. */
export function nodeZstd(): UnpackZstd | undefined {
  const unpack: unknown = Reflect.get(zlib, 'zstdDecompressSync')
  if (typeof unpack !== 'function') return undefined
  return (packed, bytesMax) => unpack(packed, { maxOutputLength: bytesMax })
}
