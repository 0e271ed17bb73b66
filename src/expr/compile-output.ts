import type { Column } from '../batch/batch.ts'
import { columnBuilder } from '../batch/build.ts'
import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'

/** Where a loop puts the values of one computed column, by physical row. Rows never set are unspecified. */
export interface OutputColumn {
  /** The array that numbers are put in directly; for other types `set` is called. */
  readonly numbers: Int8Array | Int16Array | Int32Array | Float32Array | Float64Array | undefined
  set(row: number, value: unknown): void
  setNull(row: number): void
  finish(): Column
}

/** An output for values of `type` over `rowCount` physical rows. */
export function outputColumn(type: DataType, rowCount: number): OutputColumn {
  const nulls = nullBits(rowCount)
  switch (type.kind) {
    case 'byte':
      return numeric('i8', new Int8Array(rowCount), nulls)
    case 'short':
      return numeric('i16', new Int16Array(rowCount), nulls)
    case 'int':
    case 'date':
      return numeric('i32', new Int32Array(rowCount), nulls)
    case 'float':
      return numeric('f32', new Float32Array(rowCount), nulls)
    case 'long':
    case 'double':
    case 'decimal':
    case 'timestamp':
      return numeric('f64', new Float64Array(rowCount), nulls)
    case 'boolean':
      return bits(rowCount, nulls)
    case 'string':
      return texts(rowCount, nulls)
    default:
      return boxed(type, rowCount)
  }
}

interface NullBits {
  setNull(row: number): void
  validity(): { readonly validity?: Uint8Array }
}

function nullBits(rowCount: number): NullBits {
  let bitmap: Uint8Array | undefined
  return {
    setNull(row) {
      bitmap ??= new Uint8Array((rowCount + 7) >> 3).fill(255)
      bitmap[row >> 3] = (bitmap[row >> 3] as number) & ~(1 << (row & 7))
    },
    validity: () => (bitmap === undefined ? {} : { validity: bitmap }),
  }
}

function numeric(
  layout: 'i8' | 'i16' | 'i32' | 'f32' | 'f64',
  numbers: NonNullable<OutputColumn['numbers']>,
  nulls: NullBits,
): OutputColumn {
  return {
    numbers,
    set(row, value) {
      numbers[row] = value as number
    },
    setNull: nulls.setNull,
    // The array was made for the layout above.
    finish: () => ({ layout, values: numbers, ...nulls.validity() }) as Column,
  }
}

function bits(rowCount: number, nulls: NullBits): OutputColumn {
  const values = new Uint8Array((rowCount + 7) >> 3)
  return {
    numbers: undefined,
    set(row, value) {
      if (value === true) values[row >> 3] = (values[row >> 3] as number) | (1 << (row & 7))
    },
    setNull: nulls.setNull,
    finish: () => ({ layout: 'bits', values, ...nulls.validity() }),
  }
}

/** Computed texts repeat (days, classes, names), so they are kept as codes of a dictionary. */
function texts(rowCount: number, nulls: NullBits): OutputColumn {
  const codes = new Int32Array(rowCount)
  const codeOf = new Map<string, number>()
  const dictionary = columnBuilder({ kind: 'string' })
  let last: unknown
  let lastCode = 0
  return {
    numbers: undefined,
    set(row, value) {
      if (value !== last) {
        const text = value as string
        const known = codeOf.get(text)
        lastCode = known ?? codeOf.size
        if (known === undefined) {
          codeOf.set(text, lastCode)
          dictionary.append(text)
        }
        last = value
      }
      codes[row] = lastCode
    },
    setNull: nulls.setNull,
    finish() {
      // Codes of rows never set are 0, which must name something.
      if (codeOf.size === 0) dictionary.append('')
      const made = dictionary.finish()
      if (made.layout !== 'bytes') return { layout: 'void' }
      return { layout: 'dictionary', codes, dictionary: made, ...nulls.validity() }
    },
  }
}

/** Values become columns as they come, row after row, so that no batch of them is kept. */
function boxed(type: DataType, rowCount: number): OutputColumn {
  const builder = columnBuilder(type)
  let next = 0
  const upTo = (row: number): void => {
    for (; next < row; next++) builder.appendNull()
  }
  return {
    numbers: undefined,
    set(row, value) {
      upTo(row)
      builder.append(value as Value)
      next = row + 1
    },
    setNull(row) {
      upTo(row + 1)
    },
    finish() {
      upTo(rowCount)
      return builder.finish()
    },
  }
}
