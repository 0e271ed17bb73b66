import type { ByteWriter } from '../../batch/byte-writer.ts'
import { writeShortText } from '../short-text.ts'

const encoder = new TextEncoder()
const float = new Float32Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** Numbers whose doubles JavaScript's numbers hold. */
const shortMax = 2 ** 52

/** An int or long: small numbers of either sign take few bytes. */
export function writeLong(output: ByteWriter, value: number | bigint): void {
  const near = Number(value)
  if (Math.abs(near) < shortMax) {
    let bits = near < 0 ? -2 * near - 1 : 2 * near
    for (; bits > 127; bits = Math.floor(bits / 128)) output.byte((bits % 128) | 128)
    return output.byte(bits)
  }
  const whole = BigInt(value)
  let bits = BigInt.asUintN(64, (whole << 1n) ^ (whole >> 63n))
  for (; bits > 127n; bits >>= 7n) output.byte(Number(bits & 127n) | 128)
  output.byte(Number(bits))
}

export function writeBytes(output: ByteWriter, bytes: Uint8Array): void {
  writeLong(output, bytes.length)
  output.raw(bytes)
}

export function writeText(output: ByteWriter, text: string): void {
  if (!writeShortText(output, text, text.length * 2)) writeBytes(output, encoder.encode(text))
}

/** The lowest byte first; so are the numbers of the machines that Node runs on. */
export function writeFloat(output: ByteWriter, value: number): void {
  float[0] = value
  output.raw(floatBytes)
}
