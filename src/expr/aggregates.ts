import type { DataType } from '../batch/schema.ts'
import type { Expression } from './expression.ts'

/**
 * A resolved call of an aggregate function. `filter` (SQL's FILTER) keeps the rows for which it is true.
 * `avg` of integers is DOUBLE, of decimals DECIMAL(p+4, s+4); `sum` of integers is LONG, of decimals
 * DECIMAL(p+10, s); `count` is LONG and never null (Spark's rules).
 */
export interface AggregateCall {
  readonly name: AggregateName
  readonly args: readonly Expression[]
  readonly filter?: Expression
  /** Each combination of arguments counts once. */
  readonly distinct?: true
  /** `sum` and `avg` give NULL instead of raising when the result leaves its type. */
  readonly safe?: true
  /** `first` and `last` look past nulls. */
  readonly ignoreNulls?: true
  /** Of `percentile` and `percentile_approx`: between 0 and 1. */
  readonly percentages?: readonly number[]
  /**
   * `percentile_approx`: ranks are wrong by at most rows ÷ accuracy. `approx_count_distinct`: how many
   * bits of the hash choose the register.
   */
  readonly accuracy?: number
  readonly aggregator?: Aggregator
  readonly type: DataType
  readonly nullable: boolean
}

/** The aggregates of this release, by Spark's names; several names of Spark may be one here. */
export type AggregateName =
  | 'approx_count_distinct'
  | 'avg'
  | 'bit_and'
  | 'bit_or'
  | 'bit_xor'
  | 'collect_list'
  | 'corr'
  | 'count'
  | 'covar_pop'
  | 'covar_samp'
  | 'first'
  | 'kurtosis'
  | 'last'
  | 'max'
  | 'max_by'
  | 'min'
  | 'min_by'
  | 'mode'
  | 'percentile'
  | 'percentile_approx'
  | 'product'
  | 'rows_with_max'
  | 'skewness'
  | 'stddev_pop'
  | 'stddev_samp'
  | 'sum'
  | 'user'
  | 'var_pop'
  | 'var_samp'

/** A user's aggregate over values as they are in rows; the engine does not look into its buffers. */
export interface Aggregator {
  readonly name: string
  /** Arguments are cast to these; without them they come as they are. */
  readonly inputTypes?: readonly DataType[]
  readonly type: DataType
  zero(): unknown
  reduce(buffer: unknown, ...values: readonly unknown[]): unknown
  merge(left: unknown, right: unknown): unknown
  finish(buffer: unknown): unknown
}

const ordered: readonly AggregateName[] = [
  'collect_list',
  'first',
  'last',
  'max_by',
  'min_by',
  'user',
]

/** True when the answer depends on the order in which the rows of a group come. */
export function isOrdered({ name }: AggregateCall): boolean {
  return ordered.includes(name)
}
