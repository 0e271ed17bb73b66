import { parseType } from '../batch/ddl.ts'
import { plainType } from '../batch/plain-type.ts'
import type { DataType } from '../batch/schema.ts'
import { type BadRowPolicy, badRowPolicy } from '../core/bad-row-policy.ts'
import { parseSelectItem } from '../expr/parse.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import {
  type Column,
  type ColumnOrLiteral,
  type ColumnOrName,
  callOf,
  columnOf,
  isColumn,
  nameOf,
  operandOf,
} from './column.ts'
import { type Literal, literal } from './literal.ts'

/** Makes a function of columns, given as columns or names, out of one of the catalogue. */
export function ofColumns(name: string): (...columns: readonly ColumnOrName[]) => Column {
  return (...columns) => callOf(name, ...columns.map(nameOf))
}

/** Makes a function of one column. */
export function ofColumn(name: string): (column: ColumnOrName) => Column {
  return (column) => callOf(name, nameOf(column))
}

/** Makes a function of two columns. */
export function ofTwo(name: string): (left: ColumnOrName, right: ColumnOrName) => Column {
  return (left, right) => callOf(name, nameOf(left), nameOf(right))
}

/** Makes a function of a column and plain values; values that are left out are not passed on. */
export function withValues<Values extends readonly (ColumnOrLiteral | undefined)[]>(
  name: string,
): (column: ColumnOrName, ...values: Values) => Column {
  return (column, ...values) =>
    callOf(
      name,
      nameOf(column),
      ...values.flatMap((value) => (value === undefined ? [] : [operandOf(value)])),
    )
}

/**
 * A column by name. `'data.id'` is a field of a struct; backquotes keep a dot inside a name:
 * `` col('`a.b`') ``.
 */
export function col(name: string): Column {
  return columnOf(nameOf(name))
}

/** The same as `col`. */
export const column: (name: string) => Column = col

/**
 * Not provided: rows have no number of their own.
 * @throws StreamError `NOT_PROVIDED` by the frame that is given it, with what to do instead
 */
export const monotonically_increasing_id = (): Column => callOf('monotonically_increasing_id')

/** A constant: text, number, bigint, boolean, `Date`, bytes, a list of these, or `null`. */
export function lit(value: ColumnOrLiteral): Column {
  return isColumn(value) ? value : columnOf(literal(value))
}

/**
 * SQL text as a column, for example `expr('price * 2')`.
 * @throws StreamError `PARSE_ERROR`
 */
export function expr(text: string): Column {
  return columnOf(parseSelectItem(text))
}

/** The value where the condition holds; more branches by `.when(…)`, the rest by `.otherwise(…)`. */
export function when(condition: Column, value: ColumnOrLiteral): Column {
  const branch = {
    when: condition.expression,
    then: operandOf(value),
  }
  return columnOf({ kind: 'case', branches: [branch], otherwise: undefined })
}

/**
 * The number of a row among those of its partition, from 1 up; INT. Needs a window:
 * `row_number().over(Window.partitionBy('player').orderBy(desc('score')))`.
 */
export function row_number(): Column {
  return callOf('row_number')
}

/** Ascending by that column, NULL first. */
export const asc = (column: ColumnOrName): Column => columnOf(nameOf(column)).asc()
/** Descending by that column, NULL last. */
export const desc = (column: ColumnOrName): Column => columnOf(nameOf(column)).desc()

/** The first value that is not NULL. */
export const coalesce = ofColumns('coalesce')
/** The second value where the first is NULL. */
export const nvl = ofTwo('coalesce')
/** The same as `nvl`. */
export const ifnull = ofTwo('coalesce')
/** True where the value is NULL. */
export const isnull = ofColumn('isnull')
/** True where the value is not NULL. */
export const isnotnull = ofColumn('isnotnull')
/** True where the value is NaN. */
export const isnan = ofColumn('isnan')
/** The second value where the first is NaN. */
export const nanvl = ofTwo('nanvl')
/** The largest of several columns, NULLs apart. */
export const greatest = ofColumns('greatest')
/** The smallest of several columns, NULLs apart. */
export const least = ofColumns('least')
/** Equal, where NULL equals NULL. */
export const equal_null = ofTwo('<=>')
/** The opposite of a condition. */
export const not = ofColumn('not')

/**
 * Event-time windows: a struct of `start` and `end`, half-open, aligned to 1970-01-01 UTC. A row falls
 * into one window, or into several when they overlap. Durations are text of fixed length.
 *
 * @param time - a TIMESTAMP, or the window of an earlier aggregation
 * @param windowDuration - for example `'10 minutes'`
 * @param slideDuration - how far windows lie apart; default: the window duration
 * @param startTime - moves all windows; shorter than the slide
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { col, window } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const clicks = spark.createDataFrame(
 *   [{ at: new Date('2024-05-01T10:07:00Z') }, { at: new Date('2024-05-01T10:12:00Z') }],
 *   'at TIMESTAMP',
 * )
 * await clicks.groupBy(window('at', '10 minutes')).count().orderBy(col('window.start')).show()
 * await spark.stop()
 * ```
 */
export function window(
  time: ColumnOrName,
  windowDuration: string,
  slideDuration?: string,
  startTime?: string,
): Column {
  const durations: UnresolvedExpression[] = [literal(windowDuration)]
  if (slideDuration !== undefined || startTime !== undefined) {
    durations.push(literal(slideDuration ?? windowDuration))
  }
  if (startTime !== undefined) durations.push(literal(startTime))
  return callOf('window', nameOf(time), ...durations)
}

/**
 * Sessions: windows that grow while rows keep coming. A row opens [time, time + gap); sessions of one
 * group that overlap or touch are one, from the first start to the last end. Grouped by it and by at
 * least one other key, a stream emits each session once the watermark reaches its end. A `select` of
 * it does not merge.
 *
 * Rows whose time or gap is NULL, or whose gap is zero or negative, are left out.
 *
 * @param time - a TIMESTAMP, or the window of an earlier aggregation
 * @param gap - for example `'5 minutes'`, or a column of such texts: a gap for each row
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { col, session_window } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const clicks = spark.createDataFrame(
 *   [
 *     { user: 'ada', at: new Date('2024-05-01T10:00:00Z') },
 *     { user: 'ada', at: new Date('2024-05-01T10:04:00Z') },
 *     { user: 'ada', at: new Date('2024-05-01T10:30:00Z') },
 *   ],
 *   'user STRING, at TIMESTAMP',
 * )
 * const visits = clicks.groupBy('user', session_window('at', '5 minutes')).count()
 * await visits.orderBy(col('session_window.start')).show()
 * await spark.stop()
 * ```
 */
export function session_window(time: ColumnOrName, gap: string | Column): Column {
  return callOf(
    'session_window',
    nameOf(time),
    typeof gap === 'string' ? literal(gap) : gap.expression,
  )
}

/** The last moment of a window, its end less one microsecond; event time again for further windows. */
export const window_time = ofColumn('window_time')

/** One row per element of an array, or per entry of a map; no row for NULL and empty ones. */
export const explode = ofColumn('explode')
/** Like `explode`, with a row of NULL for NULL and empty ones. */
export const explode_outer = ofColumn('explode_outer')
/** Like `explode`, with the position in front. */
export const posexplode = ofColumn('posexplode')
/** Like `posexplode`, with a row of NULL for NULL and empty ones. */
export const posexplode_outer = ofColumn('posexplode_outer')

/** A JavaScript function of row values; methods let it name the types of its arguments. */
export type UserFunction = { call(...args: readonly unknown[]): unknown }['call']

/** What a function of the user may be told. */
export interface FunctionOptions {
  /**
   * What becomes of rows that it throws for; default: as the option `badRows` of `writeStream` says. It counts
   * in streaming queries; a batch fails.
   */
  readonly badRows?: BadRowPolicy
}

/** The policy of a function, if it has one of its own. */
export function policyOf({ badRows }: FunctionOptions): { readonly badRows?: BadRowPolicy } {
  return badRows === undefined ? {} : { badRows: badRowPolicy(badRows) }
}

/**
 * Makes a column function of a JavaScript function. It sees values in the form they have in rows (LONG
 * as `bigint`, NULL as `null`) and must be deterministic, as an epoch may run again after a crash.
 *
 * @param type - of the result; default `'string'`
 * @param options - `badRows`: what becomes of rows that the function throws for; default as the query says
 * @throws StreamError `CONFIG_INVALID` for the options
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { col, udf } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const initials = udf((name: string) => name.split(' ').map((word) => word[0]).join(''), 'string')
 * const people = spark.createDataFrame([{ name: 'Ada Lovelace' }], 'name STRING')
 * await people.select(initials(col('name')).alias('initials')).show()
 * await spark.stop()
 * ```
 */
export function udf(
  call: UserFunction,
  type: string | DataType = 'string',
  options: FunctionOptions = {},
): (...columns: readonly ColumnOrName[]) => Column {
  const name = call.name === '' ? 'udf' : call.name
  const result = typeof type === 'string' ? parseType(type) : plainType(type)
  const policy = policyOf(options)
  return (...columns) =>
    columnOf({ kind: 'udf', name, call, args: columns.map(nameOf), type: result, ...policy })
}

/** A literal that is left out when it is `undefined`. */
export function optional(value: Literal | undefined): readonly UnresolvedExpression[] {
  return value === undefined ? [] : [literal(value)]
}
