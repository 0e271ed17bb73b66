import { type Column, type ColumnOrLiteral, type ColumnOrName, callOf, nameOf } from './column.ts'
import { ofColumn, ofColumns, ofTwo, withValues } from './functions-core.ts'
import { literal } from './literal.ts'

/** The processing time of the epoch: the same for all its rows, and again when it is replayed. */
export const current_timestamp = (): Column => callOf('current_timestamp')
/** The same as `current_timestamp`. */
export const now = (): Column => callOf('current_timestamp')
/** The day of the processing time of the epoch, in UTC. */
export const current_date = (): Column => callOf('current_date')
/** Text as a time; without a format as `cast` reads it. */
export const to_timestamp = withValues<[format?: string]>('to_timestamp')
/** Like `to_timestamp`, with NULL for text that is no time. */
export const try_to_timestamp = withValues<[format?: string]>('try_to_timestamp')
/** Text as a date; without a format as `cast` reads it. */
export const to_date = withValues<[format?: string]>('to_date')
/** A time as text in a format such as `yyyy-MM-dd HH:mm:ss`. */
export const date_format = withValues<[format: string]>('date_format')
/** Whole seconds since 1970 of a time, or of text in a format. */
export const unix_timestamp = (time?: ColumnOrName, format?: string): Column =>
  callOf(
    'unix_timestamp',
    ...(time === undefined ? [] : [nameOf(time)]),
    ...(format === undefined ? [] : [literal(format)]),
  )
/** Seconds since 1970 as text. */
export const from_unixtime = withValues<[format?: string]>('from_unixtime')
/** Seconds since 1970 as a time. */
export const timestamp_seconds = ofColumn('timestamp_seconds')
/** Milliseconds since 1970 as a time. */
export const timestamp_millis = ofColumn('timestamp_millis')
/** Microseconds since 1970 as a time. */
export const timestamp_micros = ofColumn('timestamp_micros')
/** Whole seconds since 1970. */
export const unix_seconds = ofColumn('unix_seconds')
/** Whole milliseconds since 1970. */
export const unix_millis = ofColumn('unix_millis')
/** Microseconds since 1970. */
export const unix_micros = ofColumn('unix_micros')
/** Days since 1970. */
export const unix_date = ofColumn('unix_date')
/** Days since 1970 as a date. */
export const date_from_unix_date = ofColumn('date_from_unix_date')
/** A time cut to a unit: `date_trunc('hour', 'at')`. */
export const date_trunc = (unit: string, time: ColumnOrName): Column =>
  callOf('date_trunc', literal(unit), nameOf(time))
/** A date cut to a unit: `trunc('day', 'month')`. */
export const trunc = withValues<[unit: string]>('trunc')
/** Days later. */
export const date_add = withValues<[days: ColumnOrLiteral]>('date_add')
/** Days earlier. */
export const date_sub = withValues<[days: ColumnOrLiteral]>('date_sub')
/** Days from the second date to the first. */
export const datediff = ofTwo('datediff')
/** The same as `datediff`. */
export const date_diff = ofTwo('datediff')
/** Months later, on the last day of the month if need be. */
export const add_months = withValues<[months: ColumnOrLiteral]>('add_months')
/** Months from the second time to the first, with a fraction. */
export const months_between = (
  first: ColumnOrName,
  second: ColumnOrName,
  roundOff?: boolean,
): Column =>
  callOf(
    'months_between',
    nameOf(first),
    nameOf(second),
    ...(roundOff === undefined ? [] : [literal(roundOff)]),
  )
/** The last day of the month. */
export const last_day = ofColumn('last_day')
/** The next such day of the week: `next_day('day', 'Mon')`. */
export const next_day = withValues<[dayOfWeek: string]>('next_day')
/** A date of year, month and day. */
export const make_date = (year: ColumnOrName, month: ColumnOrName, day: ColumnOrName): Column =>
  callOf('make_date', nameOf(year), nameOf(month), nameOf(day))
/** A time of year, month, day, hour, minute and second. */
export const make_timestamp = ofColumns('make_timestamp')
/** A time a number of units later: `timestamp_add('HOUR', lit(2), 'at')`. */
export const timestamp_add = (unit: string, quantity: ColumnOrName, time: ColumnOrName): Column =>
  callOf('timestampadd', literal(unit), nameOf(quantity), nameOf(time))
/** Whole units from the first time to the second. */
export const timestamp_diff = (unit: string, start: ColumnOrName, end: ColumnOrName): Column =>
  callOf('timestampdiff', literal(unit), nameOf(start), nameOf(end))
/** A time of UTC as the clocks of a zone show it. */
export const from_utc_timestamp = withValues<[zone: ColumnOrLiteral]>('from_utc_timestamp')
/** The clocks of a zone as a time of UTC. */
export const to_utc_timestamp = withValues<[zone: ColumnOrLiteral]>('to_utc_timestamp')
/** Year. */
export const year = ofColumn('year')
/** Quarter, 1 to 4. */
export const quarter = ofColumn('quarter')
/** Month, 1 to 12. */
export const month = ofColumn('month')
/** Day of the month. */
export const day = ofColumn('day')
/** The same as `day`. */
export const dayofmonth = ofColumn('day')
/** Day of the year. */
export const dayofyear = ofColumn('dayofyear')
/** Day of the week, 1 = Sunday. */
export const dayofweek = ofColumn('dayofweek')
/** Day of the week, 0 = Monday. */
export const weekday = ofColumn('weekday')
/** ISO week of the year. */
export const weekofyear = ofColumn('weekofyear')
/** Hour, 0 to 23. */
export const hour = ofColumn('hour')
/** Minute. */
export const minute = ofColumn('minute')
/** Second. */
export const second = ofColumn('second')
/** `Mon` to `Sun`. */
export const dayname = ofColumn('dayname')
/** `Jan` to `Dec`. */
export const monthname = ofColumn('monthname')
/** The same as `date_add`. */
export const dateadd = withValues<[days: ColumnOrLiteral]>('date_add')
