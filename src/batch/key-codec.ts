import { StreamError, unreachable } from '../core/error.ts'
import { type Column, isValid } from './batch.ts'
import type { ByteWriter } from './byte-writer.ts'
import { i128At } from './i128.ts'
import { valueAt } from './read.ts'
import type { DataType, Field } from './schema.ts'
import type { Value } from './value.ts'

// State keys are made of this layout: a change needs a migration.

const nullTag = 0
const presentTag = 1
const encoder = new TextEncoder()
const scratch = new DataView(new ArrayBuffer(8))
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Appends one key value so that unsigned bytes sort as SQL sorts the values, nulls first: a tag byte,
 * then integers and times as 8 bytes, big end first with the sign flipped; doubles with their bits
 * flipped to sort; decimals as 16 bytes; text and binary with 0 written as 0 255 and an end of 0 0;
 * structs as their fields; arrays as 1 before each element and 0 at the end.
 */
export function encodeKey(writer: ByteWriter, type: DataType, value: Value): void {
  if (value === null) {
    writer.byte(nullTag)
    return
  }
  writer.byte(presentTag)
  switch (type.kind) {
    case 'boolean':
      return writer.byte(value === true ? 1 : 0)
    case 'byte':
    case 'short':
    case 'int':
    case 'date':
    case 'timestamp':
      return writer.sortableInteger(value as number)
    case 'long':
      return writer.sortableBigInteger(value as bigint)
    case 'float':
    case 'double':
      return writer.sortableDouble(value as number)
    case 'decimal':
      return encodeDecimal(writer, value as bigint)
    case 'string': {
      const bytes = encoder.encode(value as string)
      return encodeBytes(writer, bytes, 0, bytes.length)
    }
    case 'binary':
      return encodeBytes(writer, value as Uint8Array, 0, (value as Uint8Array).length)
    case 'struct': {
      const values = value as readonly Value[]
      type.fields.forEach((field, index) => {
        encodeKey(writer, field.type, values[index] ?? null)
      })
      return
    }
    case 'array':
      for (const item of value as readonly Value[]) {
        writer.byte(presentTag)
        encodeKey(writer, type.element, item)
      }
      return writer.byte(nullTag)
    case 'map':
    case 'void':
      return noKey(type)
    default:
      return unreachable(type)
  }
}

/** The same bytes, straight from a column. */
export function encodeKeyAt(writer: ByteWriter, type: DataType, column: Column, row: number): void {
  if (column.layout === 'void' || !isValid(column.validity, row)) {
    writer.byte(nullTag)
    return
  }
  switch (column.layout) {
    case 'f64':
      writer.byte(presentTag)
      if (type.kind === 'double') writer.sortableDouble(column.values[row] as number)
      else if (type.kind === 'decimal') encodeDecimal(writer, BigInt(column.values[row] as number))
      else writer.sortableInteger(column.values[row] as number)
      return
    case 'i128':
      writer.byte(presentTag)
      return encodeDecimal(writer, i128At(column.values, row))
    case 'bytes':
      writer.byte(presentTag)
      return encodeBytes(
        writer,
        column.data,
        column.offsets[row] as number,
        column.offsets[row + 1] as number,
      )
    case 'dictionary': {
      const code = column.codes[row] as number
      const { data, offsets } = column.dictionary
      writer.byte(presentTag)
      return encodeBytes(writer, data, offsets[code] as number, offsets[code + 1] as number)
    }
    case 'i8':
    case 'i16':
    case 'i32':
      writer.byte(presentTag)
      return writer.sortableInteger(column.values[row] as number)
    case 'struct': {
      if (type.kind !== 'struct') return noKey(type)
      writer.byte(presentTag)
      for (let field = 0; field < column.children.length; field++) {
        const { type: inner } = type.fields[field] as Field
        encodeKeyAt(writer, inner, column.children[field] as Column, row)
      }
      return
    }
    default:
      return encodeKey(writer, type, valueAt(column, type, row))
  }
}

/** Reads key values back, one after another. */
export class KeyReader {
  at = 0
  readonly #bytes: Uint8Array
  #knownView: DataView | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Made when a number of 64 bits is read: making it costs as much as reading a short key. */
  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes
    this.#knownView ??= new DataView(buffer, byteOffset, byteLength)
    return this.#knownView
  }

  /** The next value, which must have been written as `type`. */
  read(type: DataType): Value {
    if (this.#bytes[this.at++] === nullTag) return null
    switch (type.kind) {
      case 'boolean':
        return this.#bytes[this.at++] === 1
      case 'byte':
      case 'short':
      case 'int':
      case 'date':
      case 'timestamp':
        return this.integer()
      case 'long':
        return this.#bigInteger()
      case 'float':
      case 'double':
        return this.#double()
      case 'decimal': {
        const high = this.#bigInteger()
        const low = this.#view.getBigUint64(this.at, false)
        this.at += 8
        return (high << 64n) | low
      }
      case 'string':
        return decoder.decode(this.#text())
      case 'binary':
        return this.#text()
      case 'struct':
        return type.fields.map((field) => this.read(field.type))
      case 'array': {
        const items: Value[] = []
        while (this.#bytes[this.at++] === presentTag) items.push(this.read(type.element))
        return items
      }
      case 'map':
      case 'void':
        return noKey(type)
      default:
        return unreachable(type)
    }
  }

  /** A bare sortable integer, without tag. */
  integer(): number {
    const high = this.#word() ^ 0x80000000
    return high * 4_294_967_296 + (this.#word() >>> 0)
  }

  /** Four bytes, big end first. */
  #word(): number {
    const { at } = this
    const bytes = this.#bytes
    this.at = at + 4
    return (
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)
    )
  }

  #bigInteger(): bigint {
    const start = this.at
    const value = this.integer()
    if (Number.isSafeInteger(value)) return BigInt(value)
    this.at = start
    const bits = this.#view.getBigUint64(this.at, false) ^ 0x8000_0000_0000_0000n
    this.at += 8
    return BigInt.asIntN(64, bits)
  }

  #double(): number {
    const bits = this.#view.getBigUint64(this.at, false)
    const plain = bits >> 63n === 1n ? bits & 0x7fff_ffff_ffff_ffffn : BigInt.asUintN(64, ~bits)
    this.at += 8
    scratch.setBigUint64(0, plain)
    return scratch.getFloat64(0)
  }

  #text(): Uint8Array {
    const start = this.at
    const end = this.#bytes.indexOf(0, start)
    if (end >= 0 && this.#bytes[end + 1] !== 255) {
      this.at = end + 2
      return new Uint8Array(this.#bytes.subarray(start, end))
    }
    // It holds zeros, which are written as 0 255.
    const bytes: number[] = []
    for (;;) {
      const byte = this.#bytes[this.at++] ?? 0
      if (byte !== 0) bytes.push(byte)
      else if (this.#bytes[this.at++] === 255) bytes.push(0)
      else return Uint8Array.from(bytes)
    }
  }
}

function encodeBytes(writer: ByteWriter, data: Uint8Array, start: number, end: number): void {
  writer.reserve((end - start) * 2 + 2)
  const { bytes } = writer
  let to = writer.length
  for (let at = start; at < end; at++) {
    const byte = data[at] as number
    bytes[to++] = byte
    if (byte === 0) bytes[to++] = 255
  }
  bytes[to++] = 0
  bytes[to++] = 0
  writer.length = to
}

function encodeDecimal(writer: ByteWriter, value: bigint): void {
  writer.sortableBigInteger(BigInt.asIntN(64, value >> 64n))
  writer.reserve(8)
  const low = BigInt.asUintN(64, value)
  for (let shift = 56n; shift >= 0n; shift -= 8n) writer.byte(Number((low >> shift) & 255n))
}

function noKey(type: DataType): never {
  throw new StreamError('DATATYPE_MISMATCH', {
    expression: 'A grouping key',
    expected: 'a type with an order',
    actual: type.kind.toUpperCase(),
    suggestion: 'string',
  })
}
