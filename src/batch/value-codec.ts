import { unreachable } from '../core/error.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DataType } from './schema.ts'
import type { MapValue, Value } from './value.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Appends a value compactly, without order; for state values. The reader must know the type. */
export function encodeValue(writer: ByteWriter, type: DataType, value: Value): void {
  if (value === null) {
    writer.byte(0)
    return
  }
  writer.byte(1)
  switch (type.kind) {
    case 'boolean':
      return writer.byte(value === true ? 1 : 0)
    case 'byte':
    case 'short':
    case 'int':
    case 'date':
    case 'timestamp':
    case 'float':
    case 'double':
      return writer.f64(value as number)
    case 'long':
      return writer.i64(value as bigint)
    case 'decimal':
      writer.i64(BigInt.asIntN(64, value as bigint))
      return writer.i64((value as bigint) >> 64n)
    case 'string':
      return encodeRaw(writer, encoder.encode(value as string))
    case 'binary':
      return encodeRaw(writer, value as Uint8Array)
    case 'array': {
      const items = value as readonly Value[]
      writer.u32(items.length)
      for (const item of items) encodeValue(writer, type.element, item)
      return
    }
    case 'struct': {
      const values = value as readonly Value[]
      type.fields.forEach((field, index) => {
        encodeValue(writer, field.type, values[index] ?? null)
      })
      return
    }
    case 'map': {
      const { entries } = value as MapValue
      writer.u32(entries.length)
      for (const [key, item] of entries) {
        encodeValue(writer, type.key, key)
        encodeValue(writer, type.value, item)
      }
      return
    }
    case 'void':
      return
    default:
      return unreachable(type)
  }
}

/** Reads what `encodeValue` and `ByteWriter` wrote, in the same order. */
export class ByteReader {
  at: number
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  byte(): number {
    return this.#view.getUint8(this.at++)
  }

  u32(): number {
    this.at += 4
    return this.#view.getUint32(this.at - 4, true)
  }

  f64(): number {
    this.at += 8
    return this.#view.getFloat64(this.at - 8, true)
  }

  i64(): bigint {
    this.at += 8
    return this.#view.getBigInt64(this.at - 8, true)
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  value(type: DataType): Value {
    if (this.byte() === 0) return null
    switch (type.kind) {
      case 'boolean':
        return this.byte() === 1
      case 'byte':
      case 'short':
      case 'int':
      case 'date':
      case 'timestamp':
      case 'float':
      case 'double':
        return this.f64()
      case 'long':
        return this.i64()
      case 'decimal': {
        const low = BigInt.asUintN(64, this.i64())
        return (this.i64() << 64n) | low
      }
      case 'string':
        return decoder.decode(this.raw(this.u32()))
      case 'binary':
        return this.raw(this.u32()).slice()
      case 'array':
        return Array.from({ length: this.u32() }, () => this.value(type.element))
      case 'struct':
        return type.fields.map((field) => this.value(field.type))
      case 'map':
        return {
          entries: Array.from(
            { length: this.u32() },
            () => [this.value(type.key), this.value(type.value)] as const,
          ),
        }
      case 'void':
        return null
      default:
        return unreachable(type)
    }
  }
}

function encodeRaw(writer: ByteWriter, bytes: Uint8Array): void {
  writer.u32(bytes.length)
  writer.raw(bytes)
}
