import { type Batch, type BytesColumn, type Column, isValid } from '../../batch/batch.ts'
import { i128At } from '../../batch/i128.ts'
import type { DataType } from '../../batch/schema.ts'
import type { OrderKey } from './spec.ts'

/** How many bytes of a text make its number: as many as a double holds exactly. */
const prefixBytes = 6

/**
 * A number for each row that is smaller the earlier the row stands in the order of one key; by physical
 * row. Rows with equal numbers are equal in that key, unless `isExact` says otherwise.
 */
export function orderNumbers(batch: Batch, key: OrderKey, rows: Int32Array): Float64Array {
  const column = batch.columns[key.column] as Column
  const numbers = new Float64Array(batch.rowCount)
  const ofNull = key.nullsFirst ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (column.layout === 'void') return numbers.fill(ofNull)
  const sign = key.descending ? -1 : 1
  fillNumbers(numbers, column, rows, sign)
  const { validity } = column
  if (validity !== undefined) {
    for (const row of rows) if (!isValid(validity, row)) numbers[row] = ofNull
  }
  return numbers
}

/** Whether two values of a type with this number are equal, or both NULL. */
export function isExact(type: DataType, number: number): boolean {
  switch (type.kind) {
    case 'boolean':
    case 'byte':
    case 'short':
    case 'int':
    case 'date':
    case 'timestamp':
    case 'void':
      return true
    case 'long':
    case 'decimal':
      return Math.abs(number) <= Number.MAX_SAFE_INTEGER || !Number.isFinite(number)
    case 'float':
    case 'double':
      return Number.isFinite(number)
    default:
      // Only NULL has no finite number.
      return !Number.isFinite(number)
  }
}

function fillNumbers(
  numbers: Float64Array,
  column: Exclude<Column, { layout: 'void' }>,
  rows: Int32Array,
  sign: number,
): void {
  switch (column.layout) {
    case 'i8':
    case 'i16':
    case 'i32': {
      const { values } = column
      for (const row of rows) numbers[row] = sign * (values[row] as number)
      return
    }
    case 'f32':
    case 'f64': {
      const { values } = column
      for (const row of rows) {
        const value = values[row] as number
        // NaN is above every number.
        numbers[row] = sign * (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)
      }
      return
    }
    case 'bits':
      for (const row of rows) {
        numbers[row] = sign * (((column.values[row >> 3] as number) >> (row & 7)) & 1)
      }
      return
    case 'i64':
      for (const row of rows) numbers[row] = sign * Number(column.values[row])
      return
    case 'i128':
      for (const row of rows) numbers[row] = sign * Number(i128At(column.values, row))
      return
    case 'bytes':
      for (const row of rows) numbers[row] = sign * prefixAt(column, row)
      return
    case 'dictionary':
      for (const row of rows) {
        numbers[row] = sign * prefixAt(column.dictionary, column.codes[row] as number)
      }
      return
    default:
      // Lists and structs are told apart by their bytes alone.
      for (const row of rows) numbers[row] = 0
  }
}

function prefixAt({ data, offsets }: BytesColumn, row: number): number {
  const start = offsets[row] as number
  const end = Math.min(offsets[row + 1] as number, start + prefixBytes)
  let number = 0
  for (let at = start; at < end; at++) number = number * 256 + (data[at] as number)
  return number * 256 ** (prefixBytes - (end - start))
}
