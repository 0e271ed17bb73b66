import type { Column } from '../../batch/batch.ts'

type Numbers = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

/** The plain numbers of a column, if its layout is one. */
export function numbersOf(column: Column): Numbers | undefined {
  switch (column.layout) {
    case 'i8':
    case 'i16':
    case 'i32':
    case 'f32':
    case 'f64':
      return column.values
    default:
      return undefined
  }
}

/** The nulls of a column; none of a missing one, all of a `void` one. */
export function validityOf(column: Column | undefined): Uint8Array | undefined {
  if (column === undefined) return undefined
  return column.layout === 'void' ? new Uint8Array(0) : column.validity
}
