import { Malformed } from '../malformed.ts'

/** A zero byte, then the id of the schema as four bytes, the highest first. */
export const frameBytes = 5

const magic = 0

/** The id in front of a framed value. @throws Malformed when there is no frame */
export function framedId(bytes: Uint8Array): number {
  if (bytes.length < frameBytes) {
    throw new Malformed(`${bytes.length} bytes are too few for the header of a schema registry`)
  }
  if (bytes[0] !== magic) {
    throw new Malformed(`the first byte is ${bytes[0]}, and that of a framed value is 0`)
  }
  const [, first = 0, second = 0, third = 0, fourth = 0] = bytes
  return ((first << 24) | (second << 16) | (third << 8) | fourth) >>> 0
}

/** The value behind a header with this id. */
export function framed(id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, frameBytes)
  const bytes = new Uint8Array(length)
  bytes.set([magic, id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255])
  let at = frameBytes
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
