import type { ByteWriter } from '../batch/byte-writer.ts'

const shortMax = 32

/**
 * Writes a short ASCII text, the usual case for keys and codes, behind one byte that says its length; quicker
 * than through the encoder. False, with nothing written, for any other text.
 */
export function writeShortText(output: ByteWriter, text: string, lengthByte: number): boolean {
  const { length } = text
  if (length > shortMax) return false
  output.reserve(length + 1)
  const { bytes } = output
  const start = output.length + 1
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 127) return false
    bytes[start + index] = code
  }
  bytes[start - 1] = lengthByte
  output.length = start + length
  return true
}
