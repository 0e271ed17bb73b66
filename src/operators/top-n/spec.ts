import type { DataType, Schema } from '../../batch/schema.ts'

/** One column of an order of rows. */
export interface OrderKey {
  readonly column: number
  readonly type: DataType
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** The numbering of rows within partitions, as plain data; columns are numbers of the input batch. */
export interface RankSpec {
  readonly keys: readonly { readonly column: number; readonly type: DataType }[]
  readonly order: readonly OrderKey[]
  /** No row gets a higher number: those are left out. */
  readonly limit: number
  /** Columns of the input, from the first, that go on; the number comes behind them. */
  readonly kept: number
  readonly output: Schema
}

/** The best rows of each partition of a stream. */
export interface TopNSpec extends RankSpec {
  readonly operator: string
  readonly mode: 'append' | 'update' | 'complete'
  /** The event time that is a column of the partition, which closes it; absent = it never closes. */
  readonly timeColumn?: number
  /** How far this operator is behind the watermark of the query. */
  readonly watermarkShift: number
}
