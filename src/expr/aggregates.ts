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
  readonly type: DataType
  readonly nullable: boolean
}

/** The aggregates of this release, by Spark's names. */
export type AggregateName =
  | 'avg'
  | 'collect_list'
  | 'count'
  | 'max'
  | 'min'
  | 'rows_with_max'
  | 'sum'
