import type { Schema } from './schema.ts'

/**
 * A bit per row, least significant first, 1 = present (Arrow's validity layout).
 * Absent means that no row is null.
 */
export type Validity = Uint8Array

/**
 * One column in Arrow's physical layout. `layout` names the representation, not the SQL type:
 *
 * | layout | SQL types | arrays |
 * |---|---|---|
 * | `bits` | boolean | bit per row |
 * | `i8 i16 i32` | byte, short, int and date | one number per row |
 * | `f32` | float | |
 * | `f64` | double; timestamp in whole microseconds; long while every value is a safe integer; decimal while the unscaled value is one | |
 * | `i64` | long otherwise | BigInt64Array |
 * | `i128` | decimal otherwise, unscaled | two limbs per row, low first |
 * | `bytes` | string (UTF-8), binary | row i is `data[offsets[i] … offsets[i+1])` |
 * | `dictionary` | string | `codes` index the rows of `dictionary` |
 * | `list` | array | row i is child rows `offsets[i] … offsets[i+1]` |
 * | `map` | map | like `list`, over keys and values |
 * | `struct` | struct | one child column per field |
 * | `void` | void | all null |
 *
 * Values in null rows are unspecified but in range (codes, offsets). Columns are never written to
 * after their batch was built, so sharing them between batches is safe.
 */
export type Column =
  | { readonly layout: 'bits'; readonly values: Uint8Array; readonly validity?: Validity }
  | { readonly layout: 'i8'; readonly values: Int8Array; readonly validity?: Validity }
  | { readonly layout: 'i16'; readonly values: Int16Array; readonly validity?: Validity }
  | { readonly layout: 'i32'; readonly values: Int32Array; readonly validity?: Validity }
  | { readonly layout: 'f32'; readonly values: Float32Array; readonly validity?: Validity }
  | { readonly layout: 'f64'; readonly values: Float64Array; readonly validity?: Validity }
  | { readonly layout: 'i64'; readonly values: BigInt64Array; readonly validity?: Validity }
  | { readonly layout: 'i128'; readonly values: BigInt64Array; readonly validity?: Validity }
  | BytesColumn
  | {
      readonly layout: 'dictionary'
      readonly codes: Int32Array
      readonly dictionary: BytesColumn
      readonly validity?: Validity
    }
  | {
      readonly layout: 'list'
      readonly offsets: Int32Array
      readonly child: Column
      readonly validity?: Validity
    }
  | {
      readonly layout: 'map'
      readonly offsets: Int32Array
      readonly keys: Column
      readonly values: Column
      readonly validity?: Validity
    }
  | {
      readonly layout: 'struct'
      readonly children: readonly Column[]
      readonly validity?: Validity
    }
  | { readonly layout: 'void' }

export interface BytesColumn {
  readonly layout: 'bytes'
  readonly offsets: Int32Array
  readonly data: Uint8Array
  readonly validity?: Validity
}

/** Physical row numbers that are part of a batch, ascending. */
export type Selection = Int32Array

/**
 * The unit of all flow: columns of equal length under an optional selection.
 *
 * `rowCount` is the length of the columns; the rows that count are those of `selection`, or all.
 * Immutable once built.
 */
export interface Batch {
  readonly schema: Schema
  readonly rowCount: number
  readonly columns: readonly Column[]
  readonly selection?: Selection
  /** The source partition that every row came from, where known; watermarks are kept per partition. */
  readonly partition?: string
  /** Sources that read in parallel: which part of the partition in this epoch, such as which file. */
  readonly part?: number
  /** Where the rows stand among those of the epoch; only in plans with an operator that depends on it. */
  readonly order?: RowOrder
  /** What the source could not decode; it goes no further than the first step behind the source. */
  readonly rejected?: readonly RejectedRecord[]
  /** Rows that the source left out before these because nobody wants them; they are counted as read. */
  readonly leftOut?: number
}

/** A record that a source could not decode. */
export interface RejectedRecord {
  /** How many rows of the batch come before it. */
  readonly before: number
  /** Where it stands, such as the path of its file. */
  readonly position: string
  /** What is wrong with it. */
  readonly why: string
  /** Its text; base64 of its bytes if they are no text, which `why` then says. */
  readonly record: string
}

/** The place of rows in an epoch: by origin first, then by ordinal. */
export interface RowOrder {
  /** Source and source partition. */
  readonly origin: string
  /** By physical row; equal for rows that were made from one row. */
  readonly ordinals: Float64Array
  /** Where a row stands among those that were made from one row; absent = there is one of each. */
  readonly siblings?: Float64Array
}

/** More rows than are made from one row at a time. */
const siblingsMax = 2 ** 21

/** The order of rows, each of which was made from a row with an order of its own: as number `position`. */
export function siblingOrder(order: RowOrder, positions: ArrayLike<number>): RowOrder {
  const before = order.siblings
  return {
    ...order,
    siblings: Float64Array.from(
      positions,
      (position, row) =>
        (before === undefined ? 0 : (before[row] as number)) * siblingsMax + position,
    ),
  }
}

/** Where the rows came from: what a batch made from this one, physical row by physical row, keeps of it. */
export function originOf({ partition, order }: Batch): Pick<Batch, 'partition' | 'order'> {
  return {
    ...(partition === undefined ? {} : { partition }),
    ...(order === undefined ? {} : { order }),
  }
}

/** The same for a batch made row by row from these physical rows, in this order. */
export function originOfRows(
  { partition, order }: Batch,
  rows: ArrayLike<number>,
): Pick<Batch, 'partition' | 'order'> {
  const pick = (values: Float64Array): Float64Array =>
    Float64Array.from(rows, (row) => values[row] as number)
  return {
    ...(partition === undefined ? {} : { partition }),
    ...(order === undefined
      ? {}
      : {
          order: {
            origin: order.origin,
            ordinals: pick(order.ordinals),
            ...(order.siblings === undefined ? {} : { siblings: pick(order.siblings) }),
          },
        }),
  }
}

/** How many rows the batch really has. */
export function liveRows(batch: Batch): number {
  return batch.selection === undefined ? batch.rowCount : batch.selection.length
}

/** The rows that count by their physical numbers, ascending; not to be written to. */
export function rowNumbers({ selection, rowCount }: Batch): Selection {
  if (selection !== undefined) return selection
  const rows = new Int32Array(rowCount)
  for (let row = 0; row < rowCount; row++) rows[row] = row
  return rows
}

/** True when the row of this validity bitmap holds a value. */
export function isValid(validity: Validity | undefined, row: number): boolean {
  return validity === undefined || (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 1
}

/** The same columns, fewer rows. */
export function select(batch: Batch, selection: Selection): Batch {
  return { ...batch, selection }
}
