import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { unreachable } from '../../core/error.ts'
import { writeShortText } from '../short-text.ts'
import type { ProtoScalar } from './schema.ts'
import { tagOf, wireTypes } from './wire.ts'

export type WriteValue = (value: Value, output: ByteWriter) => void

const encoder = new TextEncoder()

/** Writes values of a type as a scalar, without a tag; `undefined` for a type that does not become one. */
export function scalarWriter(type: DataType, kind: ProtoScalar): WriteValue | undefined {
  const isShort = ['byte', 'short', 'int'].includes(type.kind)
  const isWhole = isShort || type.kind === 'long'
  switch (kind) {
    case 'int32':
    case 'uint32':
    case 'sint32':
    case 'fixed32':
    case 'sfixed32':
      return isShort ? shortWriter(kind) : undefined
    case 'int64':
    case 'uint64':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
      return isWhole ? longWriter(kind) : undefined
    case 'double':
      if (type.kind !== 'double' && type.kind !== 'float') return undefined
      return (value, output) => output.f64(Number(value))
    case 'float':
      if (type.kind !== 'float') return undefined
      return (value, output) => output.raw(floatBytes(Number(value)))
    case 'bool':
      if (type.kind !== 'boolean') return undefined
      return (value, output) => output.byte(value === true ? 1 : 0)
    case 'string':
      if (type.kind !== 'string') return undefined
      return (value, output) => writeText(output, String(value))
    case 'bytes':
      if (type.kind !== 'binary') return undefined
      return (value, output) => writeBytes(output, value as Uint8Array)
    default:
      return unreachable(kind)
  }
}

type Short = 'int32' | 'uint32' | 'sint32' | 'fixed32' | 'sfixed32'
type Long = 'int64' | 'uint64' | 'sint64' | 'fixed64' | 'sfixed64'

function shortWriter(kind: Short): WriteValue {
  switch (kind) {
    case 'uint32':
      return (value, output) => writeVarint(output, Number(value) >>> 0)
    case 'sint32':
      return (value, output) => {
        const number = Number(value)
        writeVarint(output, ((number << 1) ^ (number >> 31)) >>> 0)
      }
    case 'int32':
      return (value, output) => {
        const number = Number(value)
        // Negative ones have all 64 bits.
        writeVarint(output, number < 0 ? BigInt(number) : number)
      }
    default:
      return (value, output) => output.u32(Number(value) >>> 0)
  }
}

function longWriter(kind: Long): WriteValue {
  switch (kind) {
    case 'int64':
    case 'uint64':
      return (value, output) => writeVarint(output, whole(value))
    case 'sint64':
      return (value, output) => {
        const number = whole(value)
        writeVarint(output, (number << 1n) ^ (number >> 63n))
      }
    default:
      return (value, output) => output.i64(whole(value))
  }
}

/** Shorter types are numbers, LONG is a big integer. */
function whole(value: Value): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value))
}

/** An unsigned number; negative ones as the 64 bits that they are. */
export function writeVarint(output: ByteWriter, value: number | bigint): void {
  if (typeof value === 'number') {
    let bits = value
    for (; bits > 127; bits = Math.floor(bits / 128)) output.byte((bits % 128) | 128)
    return output.byte(bits)
  }
  let bits = BigInt.asUintN(64, value)
  for (; bits > 127n; bits >>= 7n) output.byte(Number(bits & 127n) | 128)
  output.byte(Number(bits))
}

function writeText(output: ByteWriter, text: string): void {
  if (!writeShortText(output, text, text.length)) writeBytes(output, encoder.encode(text))
}

function writeBytes(output: ByteWriter, bytes: Uint8Array): void {
  writeVarint(output, bytes.length)
  output.raw(bytes)
}

/** Microseconds as the fields of `google.protobuf.Timestamp`. */
export function timestampWriter(value: Value, output: ByteWriter): void {
  const micros = Number(value)
  const seconds = Math.floor(micros / 1_000_000)
  const nanos = (micros - seconds * 1_000_000) * 1000
  if (seconds !== 0) {
    writeVarint(output, tagOf(1, wireTypes.varint))
    writeVarint(output, BigInt(seconds))
  }
  if (nanos === 0) return
  writeVarint(output, tagOf(2, wireTypes.varint))
  writeVarint(output, nanos)
}

const float = new Float32Array(1)
const bytesOfFloat = new Uint8Array(float.buffer)

/** The lowest byte first, as in the memory of the machines that Node runs on. */
function floatBytes(value: number): Uint8Array {
  float[0] = value
  return bytesOfFloat
}
