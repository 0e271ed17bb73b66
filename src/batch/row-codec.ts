import { type Column, isValid } from './batch.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { ColumnBuilder } from './column-builder.ts'
import { valueAt } from './read.ts'
import type { DataType } from './schema.ts'
import { ByteReader, encodeValue } from './value-codec.ts'

/**
 * Whole rows as compact bytes, from columns and back into columns without a value in between: a bit per
 * column that is set for NULL, then the columns that are not. Text has its length in seven-bit groups
 * before it; decimals and nested types are those of `encodeValue`.
 */
export interface RowCodec {
  encode(columns: readonly Column[], row: number, writer: ByteWriter): void
  /** Appends the row that begins at `at`, one value to each builder. */
  decode(bytes: RowBytes, at: number, builders: readonly ColumnBuilder[]): void
}

/** The same bytes twice, so that no view is made per row. */
export interface RowBytes {
  readonly bytes: Uint8Array
  readonly view: DataView
}

const float = new Float32Array(1)
const floatBits = new Uint32Array(float.buffer)

export function rowCodec(types: readonly DataType[]): RowCodec {
  const count = types.length
  const nullBytes = (count + 7) >> 3
  return {
    encode(columns, row, writer) {
      const head = writer.length
      for (let index = 0; index < nullBytes; index++) writer.byte(0)
      for (let index = 0; index < count; index++) {
        const column = columns[index] as Column
        if (column.layout === 'void' || !isValid(column.validity, row)) {
          const at = head + (index >> 3)
          writer.bytes[at] = (writer.bytes[at] as number) | (1 << (index & 7))
        } else encodeCell(writer, types[index] as DataType, column, row)
      }
    },

    decode({ bytes, view }, start, builders) {
      let at = start + nullBytes
      for (let index = 0; index < count; index++) {
        const builder = builders[index] as ColumnBuilder
        const isNull = ((bytes[start + (index >> 3)] as number) >> (index & 7)) & 1
        if (isNull === 1) builder.appendNull()
        else at = decodeCell({ bytes, view }, at, types[index] as DataType, builder)
      }
    },
  }
}

function encodeCell(writer: ByteWriter, type: DataType, column: Column, row: number): void {
  switch (column.layout) {
    case 'i8':
      return writer.byte((column.values[row] as number) & 255)
    case 'i16':
    case 'i32':
      return writer.u32((column.values[row] as number) >>> 0)
    case 'f32':
      float[0] = column.values[row] as number
      return writer.u32(floatBits[0] as number)
    case 'f64': {
      const value = column.values[row] as number
      if (type.kind === 'long') {
        writer.u32(value >>> 0)
        writer.u32(Math.floor(value / 4_294_967_296) >>> 0)
      } else if (type.kind === 'decimal') encodeValue(writer, type, BigInt(value))
      else writer.f64(value)
      return
    }
    case 'i64':
      return writer.i64(column.values[row] as bigint)
    case 'bits':
      return writer.byte(((column.values[row >> 3] as number) >> (row & 7)) & 1)
    case 'bytes':
      return encodeText(
        writer,
        column.data,
        column.offsets[row] as number,
        column.offsets[row + 1] as number,
      )
    case 'dictionary': {
      const { data, offsets } = column.dictionary
      const code = column.codes[row] as number
      return encodeText(writer, data, offsets[code] as number, offsets[code + 1] as number)
    }
    default:
      return encodeValue(writer, type, valueAt(column, type, row))
  }
}

function encodeText(writer: ByteWriter, data: Uint8Array, start: number, end: number): void {
  let rest = end - start
  for (; rest > 127; rest >>>= 7) writer.byte((rest & 127) | 128)
  writer.byte(rest)
  writer.raw(data, start, end)
}

/** Appends one cell; the answer is where the next one begins. */
function decodeCell(
  { bytes, view }: RowBytes,
  at: number,
  type: DataType,
  builder: ColumnBuilder,
): number {
  switch (type.kind) {
    case 'byte':
      builder.appendNumber(view.getInt8(at))
      return at + 1
    case 'short':
    case 'int':
    case 'date':
      builder.appendNumber(view.getInt32(at, true))
      return at + 4
    case 'float':
      builder.appendNumber(view.getFloat32(at, true))
      return at + 4
    case 'double':
    case 'timestamp':
      builder.appendNumber(view.getFloat64(at, true))
      return at + 8
    case 'long': {
      const near = view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true)
      if (Number.isSafeInteger(near)) builder.appendNumber(near)
      else builder.append(view.getBigInt64(at, true))
      return at + 8
    }
    case 'boolean':
      builder.appendBoolean(bytes[at] === 1)
      return at + 1
    case 'string':
    case 'binary': {
      let length = 0
      let from = at
      let shift = 0
      for (; (bytes[from] as number) > 127; from++, shift += 7) {
        length |= ((bytes[from] as number) & 127) << shift
      }
      length |= (bytes[from++] as number) << shift
      builder.appendUtf8(bytes, from, from + length)
      return from + length
    }
    default: {
      const reader = new ByteReader(bytes, at)
      builder.append(reader.value(type))
      return reader.at
    }
  }
}
