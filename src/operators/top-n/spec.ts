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
  /**
   * Columns that say which row of an earlier epoch a row takes the place of: the rows are groups, which
   * change. Absent = every row is a new one.
   */
  readonly identity?: readonly { readonly column: number; readonly type: DataType }[]
  /** How far this operator is behind the watermark of the query. */
  readonly watermarkShift: number
}

/** The name under which every row of a ranking of changing rows is kept; `undefined` for other rankings. */
export function rowsOperatorOf({ operator, identity }: TopNSpec): string | undefined {
  return identity === undefined ? undefined : `${operator}-rows`
}

/** The longest list in state: rankings of changing rows keep more rows than they are asked for. */
export function listLimitOf({ identity, limit }: TopNSpec): number {
  return identity === undefined ? limit : 2 * limit + 8
}
