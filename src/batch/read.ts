import { unreachable } from '../core/error.ts'
import { type Batch, type BytesColumn, type Column, isValid } from './batch.ts'
import { i128At } from './i128.ts'
import type { DataType } from './schema.ts'
import type { Value } from './value.ts'

/** A byte order mark at the start is a character like any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** One value of a column; `row` is the physical row. For edges and references, not for hot loops. */
export function valueAt(column: Column, type: DataType, row: number): Value {
  if (column.layout === 'void' || !isValid(column.validity, row)) return null
  switch (column.layout) {
    case 'bits':
      return (((column.values[row >> 3] ?? 0) >> (row & 7)) & 1) === 1
    case 'i8':
    case 'i16':
    case 'i32':
    case 'f32':
      return column.values[row] ?? 0
    case 'f64': {
      const value = column.values[row] ?? 0
      return type.kind === 'long' || type.kind === 'decimal' ? BigInt(value) : value
    }
    case 'i64':
      return column.values[row] ?? 0n
    case 'i128':
      return i128At(column.values, row)
    case 'bytes':
      return type.kind === 'binary' ? bytesAt(column, row).slice() : textAt(column, row)
    case 'dictionary':
      return textAt(column.dictionary, column.codes[row] ?? 0)
    case 'list': {
      const element = type.kind === 'array' ? type.element : mismatch(column, type)
      return between(column.offsets, row, (at) => valueAt(column.child, element, at))
    }
    case 'map': {
      const map = type.kind === 'map' ? type : mismatch(column, type)
      return {
        entries: between(column.offsets, row, (at) => [
          valueAt(column.keys, map.key, at),
          valueAt(column.values, map.value, at),
        ]),
      }
    }
    case 'struct': {
      const fields = type.kind === 'struct' ? type.fields : mismatch(column, type)
      return fields.map((field, index) => {
        const child = column.children[index]
        return child === undefined ? null : valueAt(child, field.type, row)
      })
    }
    default:
      return unreachable(column)
  }
}

/** The live rows of a batch as lists of values, in order. */
export function rowsOf(batch: Batch): Value[][] {
  const rows: Value[][] = []
  forEachRow(batch, (row) => {
    rows.push(rowAt(batch, row))
  })
  return rows
}

/** The values of one physical row. */
export function rowAt(batch: Batch, row: number): Value[] {
  return batch.schema.map((field, index) => {
    const column = batch.columns[index]
    return column === undefined ? null : valueAt(column, field.type, row)
  })
}

/** Calls with every live physical row, ascending. */
export function forEachRow(batch: Batch, call: (row: number) => void): void {
  const { selection, rowCount } = batch
  if (selection === undefined) {
    for (let row = 0; row < rowCount; row++) call(row)
    return
  }
  for (let index = 0; index < selection.length; index++) call(selection[index] as number)
}

/** A view of the bytes of one row; valid as long as the column. */
export function bytesAt(column: BytesColumn, row: number): Uint8Array {
  return column.data.subarray(column.offsets[row], column.offsets[row + 1])
}

/** The text of one row. */
export function textAt(column: BytesColumn, row: number): string {
  return textBetween(column.data, column.offsets[row] ?? 0, column.offsets[row + 1] ?? 0)
}

/** The text of some bytes; what is no UTF-8 in it becomes U+FFFD. */
export function textBetween(data: Uint8Array, start: number, end: number): string {
  if (end - start > 32) return decoder.decode(data.subarray(start, end))
  // Short ASCII texts, the usual case for keys, are quicker by hand than through the decoder.
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = data[at] as number
    if (byte > 127) return decoder.decode(data.subarray(start, end))
    text += String.fromCharCode(byte)
  }
  return text
}

function between<T>(offsets: Int32Array, row: number, read: (at: number) => T): T[] {
  const items: T[] = []
  const end = offsets[row + 1] ?? 0
  for (let at = offsets[row] ?? 0; at < end; at++) items.push(read(at))
  return items
}

function mismatch(column: Column, type: DataType): never {
  throw new TypeError(`a column of layout ${column.layout} cannot hold ${type.kind}`)
}
