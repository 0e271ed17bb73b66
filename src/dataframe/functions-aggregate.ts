import { parseType } from '../batch/ddl.ts'
import { plainType } from '../batch/plain-type.ts'
import type { DataType } from '../batch/schema.ts'
import type { Aggregator } from '../expr/aggregates.ts'
import { type Column, type ColumnOrName, callOf, columnOf, nameOf } from './column.ts'
import { ofColumn, ofTwo, withValues } from './functions-core.ts'
import { rowCount } from './grouped-data.ts'
import { literal } from './literal.ts'

/** How many rows there are; with a column those where it is not NULL. `'*'` counts all rows. */
export function count(column: ColumnOrName): Column {
  return column === '*' ? rowCount() : callOf('count', nameOf(column))
}
/** How many rows fulfil a condition. */
export const count_if = ofColumn('count_if')
/** The sum; whole numbers sum up to LONG, and beyond it raise `ARITHMETIC_OVERFLOW`. */
export const sum = ofColumn('sum')
/** The mean; DOUBLE for whole numbers. */
export const avg = ofColumn('avg')
/** The same as `avg`. */
export const mean = ofColumn('avg')
/** The sum, NULL where it leaves its type. */
export const try_sum = ofColumn('try_sum')
/** The mean, NULL where it leaves its type. */
export const try_avg = ofColumn('try_avg')
/** The product, as DOUBLE. */
export const product = ofColumn('product')
/** The smallest value. */
export const min = ofColumn('min')
/** The largest value. */
export const max = ofColumn('max')

/** How many distinct values, or combinations of values, there are. Exact: every one is kept in the state. */
export function count_distinct(column: ColumnOrName, ...more: readonly ColumnOrName[]): Column {
  return distinct('count', column, ...more)
}
/** The same as `count_distinct`. */
export const countDistinct: typeof count_distinct = count_distinct
/** The sum of the distinct values. Exact: every one is kept in the state. */
export const sum_distinct = (column: ColumnOrName): Column => distinct('sum', column)
/** The same as `sum_distinct`. */
export const sumDistinct: typeof sum_distinct = sum_distinct
/**
 * About how many distinct values there are, in a state of fixed size.
 *
 * @param relativeSd - the wanted relative standard deviation; default 0.05, for 512 bytes per group
 */
export const approx_count_distinct: (column: ColumnOrName, relativeSd?: number) => Column =
  withValues('approx_count_distinct')

/** The standard deviation of a sample; NULL of fewer than two rows. */
export const stddev = ofColumn('stddev')
/** The same as `stddev`. */
export const std = ofColumn('std')
/** The same as `stddev`. */
export const stddev_samp = ofColumn('stddev_samp')
/** The standard deviation of the whole. */
export const stddev_pop = ofColumn('stddev_pop')
/** The variance of a sample; NULL of fewer than two rows. */
export const variance = ofColumn('variance')
/** The same as `variance`. */
export const var_samp = ofColumn('var_samp')
/** The variance of the whole. */
export const var_pop = ofColumn('var_pop')
/** How far values lean to one side; NULL where all are equal. */
export const skewness = ofColumn('skewness')
/** How heavy the tails are, less the 3 of the normal distribution; NULL where all are equal. */
export const kurtosis = ofColumn('kurtosis')
/** Pearson's correlation; NULL of fewer than two pairs, and where a side has one value only. */
export const corr = ofTwo('corr')
/** The covariance of the whole. */
export const covar_pop = ofTwo('covar_pop')
/** The covariance of a sample; NULL of fewer than two pairs. */
export const covar_samp = ofTwo('covar_samp')

/** The value of the first row in order of arrival, NULL or not unless nulls are ignored. */
export const first: (column: ColumnOrName, ignoreNulls?: boolean) => Column = withValues('first')
/** The same as `first`. */
export const first_value: (column: ColumnOrName, ignoreNulls?: boolean) => Column =
  withValues('first_value')
/** The value of the last row in order of arrival, NULL or not unless nulls are ignored. */
export const last: (column: ColumnOrName, ignoreNulls?: boolean) => Column = withValues('last')
/** The same as `last`. */
export const last_value: (column: ColumnOrName, ignoreNulls?: boolean) => Column =
  withValues('last_value')
/** Some value of the group: the first. */
export const any_value: (column: ColumnOrName, ignoreNulls?: boolean) => Column =
  withValues('any_value')
/** The value of the row where `by` is the smallest, of the first of several such rows. */
export const min_by = (what: ColumnOrName, by: ColumnOrName): Column =>
  callOf('min_by', nameOf(what), nameOf(by))
/** The value of the row where `by` is the largest, of the first of several such rows. */
export const max_by = (what: ColumnOrName, by: ColumnOrName): Column =>
  callOf('max_by', nameOf(what), nameOf(by))
/** Not in Spark: the values of `what` in every row where `by` is the largest of the group, as a sorted array. */
export const rows_with_max = (what: ColumnOrName, by: ColumnOrName): Column =>
  callOf('rows_with_max', nameOf(what), nameOf(by))
/** The value that came most often, the smallest of several such. Keeps every distinct value. */
export const mode = ofColumn('mode')

/** All values that are not NULL, in the order in which they came. */
export const collect_list = ofColumn('collect_list')
/** The same as `collect_list`. */
export const array_agg = ofColumn('array_agg')
/** The distinct values that are not NULL, in the order in which they first came. */
export const collect_set = ofColumn('collect_set')

/** True when a condition holds for every row where it is not NULL. */
export const bool_and = ofColumn('bool_and')
/** The same as `bool_and`. */
export const every = ofColumn('every')
/** True when a condition holds for at least one row. */
export const bool_or = ofColumn('bool_or')
/** The same as `bool_or`. */
export const some = ofColumn('some')
/** The bits that all whole numbers have. */
export const bit_and = ofColumn('bit_and')
/** The bits that at least one whole number has. */
export const bit_or = ofColumn('bit_or')
/** The bits that an odd number of whole numbers has. */
export const bit_xor = ofColumn('bit_xor')

/** The middle value, between the two nearest, as DOUBLE. Exact: a group keeps all its values. */
export const median = ofColumn('median')
/**
 * Exact percentiles, between the two nearest values, as DOUBLE. A group keeps all its values.
 *
 * @param percentage - from 0 to 1; a list gives an array
 */
export const percentile = (column: ColumnOrName, percentage: number | readonly number[]): Column =>
  callOf('percentile', nameOf(column), literal(percentage))
/**
 * Values of the group near a percentile, in a state of limited size.
 *
 * @param percentage - from 0 to 1; a list gives an array
 * @param accuracy - ranks are wrong by at most rows ÷ accuracy; default 10,000
 */
export const percentile_approx = (
  column: ColumnOrName,
  percentage: number | readonly number[],
  accuracy = 10_000,
): Column => callOf('percentile_approx', nameOf(column), literal(percentage), literal(accuracy))
/** The same as `percentile_approx`. */
export const approx_percentile = (
  column: ColumnOrName,
  percentage: number | readonly number[],
  accuracy = 10_000,
): Column => callOf('approx_percentile', nameOf(column), literal(percentage), literal(accuracy))

/**
 * An aggregate of one's own, as Spark's `Aggregator`. Values come in the form that they have in rows (LONG
 * as `bigint`, NULL as `null`). Buffers are kept in the state between epochs, so they must be plain data:
 * objects, arrays, maps, sets, numbers, bigints, text, dates.
 *
 * Two laws make it right, and `aggregateLaw` of `millrace/properties` tests them: `merge` is associative, and
 * `zero()` merged with a buffer is that buffer. All functions must be deterministic, as an epoch may run
 * again. `reduce` and `merge` may change and return their first argument, never the others.
 */
export interface UserAggregate<Inputs extends readonly unknown[], Buffer, Result> {
  /** In names of result columns and in messages; default `'udaf'`. */
  readonly name?: string
  /** Arguments are cast to these, for example `['double']`; default: they come as they are. */
  readonly inputTypes?: readonly (string | DataType)[]
  /** Of what `finish` returns, for example `'double'`. */
  readonly returnType: string | DataType
  /** The buffer of no rows; a new one each time if it is changed in place. */
  zero(): Buffer
  /** The buffer with one more row. */
  reduce(buffer: Buffer, ...values: Inputs): Buffer
  /** The buffer of the rows of both. Panes and sessions are merged in order of event time. */
  merge(left: Buffer, right: Buffer): Buffer
  /** The answer; called as often as groups are put out, and leaves the buffer as it is. */
  finish(buffer: Buffer): Result
}

/**
 * Makes a column function of a user-defined aggregate, for `agg` with or without windows.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { udaf } from 'millrace/functions'
 *
 * const geometricMean = udaf({
 *   name: 'geometric_mean',
 *   inputTypes: ['double'],
 *   returnType: 'double',
 *   zero: () => ({ rows: 0, logs: 0 }),
 *   reduce: ({ rows, logs }, value: number | null) =>
 *     value === null ? { rows, logs } : { rows: rows + 1, logs: logs + Math.log(value) },
 *   merge: (left, right) => ({ rows: left.rows + right.rows, logs: left.logs + right.logs }),
 *   finish: ({ rows, logs }) => (rows === 0 ? null : Math.exp(logs / rows)),
 * })
 *
 * const spark = Session.builder.getOrCreate()
 * const growth = spark.createDataFrame([{ factor: 2 }, { factor: 8 }], 'factor DOUBLE')
 * await growth.agg(geometricMean('factor').alias('mean')).show()
 * await spark.stop()
 * ```
 */
export function udaf<Inputs extends readonly unknown[], Buffer, Result>(
  aggregate: UserAggregate<Inputs, Buffer, Result>,
): (...columns: readonly ColumnOrName[]) => Column {
  const { name = 'udaf', inputTypes, returnType } = aggregate
  const aggregator: Aggregator = {
    name,
    ...(inputTypes === undefined ? {} : { inputTypes: inputTypes.map(typeOf) }),
    type: typeOf(returnType),
    zero: () => aggregate.zero(),
    // The engine hands back what these functions returned, and values of the types that they ask for.
    reduce: (buffer, ...values) =>
      aggregate.reduce(buffer as Buffer, ...(values as readonly unknown[] as Inputs)),
    merge: (left, right) => aggregate.merge(left as Buffer, right as Buffer),
    finish: (buffer) => aggregate.finish(buffer as Buffer),
  }
  return (...columns) => columnOf({ kind: 'call', name, args: columns.map(nameOf), aggregator })
}

function typeOf(type: string | DataType): DataType {
  return typeof type === 'string' ? parseType(type) : plainType(type)
}

function distinct(name: string, ...columns: readonly ColumnOrName[]): Column {
  return columnOf({ kind: 'call', name, args: columns.map(nameOf), distinct: true })
}
