import { isUtf8 as isUtf8Buffer } from 'node:buffer'

/** True if the bytes are valid UTF-8; gigabytes a second, so that a whole chunk may be asked for. */
export function isUtf8(bytes: Uint8Array): boolean {
  return isUtf8Buffer(bytes)
}
