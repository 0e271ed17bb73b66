import { gunzipSync } from 'node:zlib'

/**
 * What was packed with gzip.
 * @throws Error when it was not, or is longer than `bytesMax`
 */
export function gunzip(packed: Uint8Array, bytesMax: number): Uint8Array {
  return gunzipSync(packed, { maxOutputLength: bytesMax })
}
