import { type Batch, type Column, liveRows } from '../src/batch/batch.ts'
import { unreachable } from '../src/core/error.ts'

/**
 * About how much memory a batch holds, for credits. Parts of one batch share their columns, so each
 * part counts for its share of the rows.
 */
export function batchBytes(batch: Batch): number {
  if (batch.rowCount === 0) return 0
  let total = 0
  for (const column of batch.columns) total += columnBytes(column)
  return Math.ceil((total * liveRows(batch)) / batch.rowCount)
}

function columnBytes(column: Column): number {
  switch (column.layout) {
    case 'void':
      return 0
    case 'bytes':
      return column.offsets.byteLength + column.data.byteLength
    case 'dictionary':
      return column.codes.byteLength + columnBytes(column.dictionary)
    case 'list':
      return column.offsets.byteLength + columnBytes(column.child)
    case 'map':
      return column.offsets.byteLength + columnBytes(column.keys) + columnBytes(column.values)
    case 'struct':
      return column.children.reduce((sum, child) => sum + columnBytes(child), 0)
    case 'bits':
    case 'i8':
    case 'i16':
    case 'i32':
    case 'f32':
    case 'f64':
    case 'i64':
    case 'i128':
      return column.values.byteLength
    default:
      return unreachable(column)
  }
}
