// Over 400 lines: one table of functions, read by looking a name up in it.

import { rescale } from '../batch/decimal-text.ts'
import {
  type DataType,
  dateType,
  doubleType,
  intType,
  longType,
  stringType,
  timestampType,
  typeText,
} from '../batch/schema.ts'
import { civilFromDays, daysFromCivil, daysInMonth, parseTimestamp } from '../batch/time-text.ts'
import type { Value } from '../batch/value.ts'
import { durationOrUndefined } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import {
  addInterval,
  addMonths,
  addUnits,
  checkedDay,
  checkedTime,
  dayOf,
  dayOfYear,
  fixedUnit,
  microsOfDay,
  microsPerDay,
  microsPerHour,
  microsPerMinute,
  microsPerSecond,
  monthsBetween,
  truncateDay,
  truncateTime,
  unitsBetween,
  weekday,
  weekOfYear,
} from './calendar.ts'
import { castValue, toDouble } from './cast.ts'
import { type CallTypes, type Emitter, type ScalarFunction, strict } from './signature.ts'
import { timePattern } from './time-pattern.ts'
import { localToUtc, zoneOffset } from './time-zone.ts'
import { bigintOf, booleanOf, listOf, numberOf, textOf } from './value-of.ts'

const defaultPattern = 'yyyy-MM-dd HH:mm:ss'

/** Dates and times. The session's time zone is UTC. */
export const timeFunctions: readonly ScalarFunction[] = [
  dateField('year', (days) => civilFromDays(days).year),
  dateField('quarter', (days) => Math.floor((civilFromDays(days).month - 1) / 3) + 1),
  dateField('month', (days) => civilFromDays(days).month),
  dateField('day dayofmonth', (days) => civilFromDays(days).day),
  dateField('dayofyear', dayOfYear),
  dateField('dayofweek', (days) => ((weekday(days) + 1) % 7) + 1),
  dateField('weekday', weekday),
  dateField('weekofyear', weekOfYear),
  timeField('hour', microsPerHour, 24),
  timeField('minute', microsPerMinute, 60),
  timeField('second', microsPerSecond, 60),
  named('dayname', 'EEE'),
  named('monthname', 'MMM'),
  strict('date_add dateadd', [dateType, intType], dateType, ([date, days]) =>
    checkedDay(numberOf(date) + numberOf(days)),
  ),
  strict('date_sub', [dateType, intType], dateType, ([date, days]) =>
    checkedDay(numberOf(date) - numberOf(days)),
  ),
  strict(
    'datediff date_diff',
    [dateType, dateType],
    intType,
    ([end, start]) => checkedDay(numberOf(end) - numberOf(start)),
    {
      emit: ([end, start], _, emitter) => {
        const days = emitter.local(`${end} - ${start}`)
        emitter.bailIf(`!(${days} >= -2147483648 && ${days} <= 2147483647)`)
        return days
      },
    },
  ),
  strict('add_months', [dateType, intType], dateType, ([date, months]) =>
    addMonths(numberOf(date), numberOf(months)),
  ),
  strict('last_day', [dateType], dateType, ([date]) => {
    const { year, month, day } = civilFromDays(numberOf(date))
    return numberOf(date) - day + daysInMonth(year, month)
  }),
  strict(
    'next_day',
    [dateType, stringType],
    dateType,
    ([date, name]) => nextDay(numberOf(date), textOf(name)),
    { nullable: true },
  ),
  strict(
    'make_date',
    [intType, intType, intType],
    dateType,
    ([year, month, day]) =>
      daysFromCivil(numberOf(year), numberOf(month), numberOf(day)) ??
      invalidTime(`${year}-${month}-${day}`, 'DATE'),
  ),
  strict(
    'make_timestamp',
    [
      intType,
      intType,
      intType,
      intType,
      intType,
      { kind: 'decimal', precision: 16, scale: 6 },
      stringType,
    ],
    timestampType,
    makeTimestamp,
    { optional: 1 },
  ),
  strict(
    'months_between',
    [timestampType, timestampType, { kind: 'boolean' }],
    doubleType,
    ([a, b, round]) =>
      monthsBetween(numberOf(a), numberOf(b), round === undefined || booleanOf(round)),
    { optional: 1 },
  ),
  strict(
    'timestampdiff timestamp_diff',
    [stringType, timestampType, timestampType],
    longType,
    ([unit, from, to]) => {
      const count = unitsBetween(textOf(unit), numberOf(from), numberOf(to))
      return count === undefined ? unknownUnit(textOf(unit)) : BigInt(count)
    },
  ),
  strict(
    'timestampadd timestamp_add',
    [stringType, intType, timestampType],
    timestampType,
    ([unit, count, from]) =>
      addUnits(textOf(unit), numberOf(count), numberOf(from)) ?? unknownUnit(textOf(unit)),
  ),
  strict(
    'timestamp_add_interval',
    [timestampType, intType, longType],
    timestampType,
    ([time, months, micros]) =>
      addInterval(numberOf(time), numberOf(months), Number(bigintOf(micros))),
    { emit: emitAddInterval },
  ),
  strict('date_add_interval', [dateType, intType, intType], dateType, ([date, months, days]) =>
    checkedDay(addMonths(numberOf(date), numberOf(months)) + numberOf(days)),
  ),
  strict(
    'date_trunc',
    [stringType, timestampType],
    timestampType,
    ([unit, time]) => truncateTime(numberOf(time), textOf(unit)) ?? null,
    { nullable: true, emit: emitDateTrunc },
  ),
  strict(
    'trunc',
    [dateType, stringType],
    dateType,
    ([date, unit]) => truncateDay(numberOf(date), textOf(unit)) ?? null,
    { nullable: true },
  ),
  strict(
    'date_format',
    [timestampType, stringType],
    stringType,
    ([time, pattern]) => timePattern(textOf(pattern)).format(numberOf(time)),
    {
      emit: ([time], _, emitter) => {
        const pattern = emitter.literal(1)
        if (typeof pattern !== 'string') return undefined
        return `${emitter.constant(lazyFormat(pattern))}(${time})`
      },
    },
  ),
  strict(
    'to_timestamp',
    [stringType, stringType],
    timestampType,
    ([text, pattern]) =>
      parsedTime(textOf(text), pattern) ?? invalidTime(textOf(text), 'TIMESTAMP', pattern),
    { optional: 1 },
  ),
  strict(
    'try_to_timestamp',
    [stringType, stringType],
    timestampType,
    ([text, pattern]) => parsedTime(textOf(text), pattern) ?? null,
    { optional: 1, nullable: true },
  ),
  strict(
    'to_date',
    [stringType, stringType],
    dateType,
    ([text = null, pattern]) => {
      if (pattern === undefined) return castValue(text, { from: stringType, to: dateType })
      const time = parsedTime(textOf(text), pattern)
      return time === undefined ? invalidTime(textOf(text), 'DATE', pattern) : dayOf(time)
    },
    { optional: 1 },
  ),
  acceptsTime(
    strict(
      'unix_timestamp to_unix_timestamp',
      [stringType, stringType],
      longType,
      ([time, pattern], types) => {
        if (types.args[0]?.kind === 'timestamp') return secondsOf(numberOf(time))
        const parsed = timePattern(pattern === undefined ? defaultPattern : textOf(pattern)).parse(
          textOf(time),
        )
        return secondsOf(parsed ?? invalidTime(textOf(time), 'TIMESTAMP', pattern))
      },
      { optional: 1 },
    ),
  ),
  strict(
    'from_unixtime',
    [longType, stringType],
    stringType,
    ([seconds, pattern]) =>
      timePattern(pattern === undefined ? defaultPattern : textOf(pattern)).format(
        checkedTime(Number(bigintOf(seconds) * 1_000_000n)),
      ),
    { optional: 1 },
  ),
  strict('timestamp_seconds', ['numeric'], timestampType, ([seconds = null], types) =>
    secondsToTime(seconds, types),
  ),
  strict(
    'timestamp_millis',
    [longType],
    timestampType,
    ([millis]) => checkedTime(Number(bigintOf(millis) * 1000n)),
    { emit: ([millis], _, emitter) => emitTime(`${millis} * 1000`, emitter) },
  ),
  strict(
    'timestamp_micros',
    [longType],
    timestampType,
    ([micros]) => checkedTime(Number(bigintOf(micros))),
    { emit: ([micros]) => micros },
  ),
  strict('unix_seconds', [timestampType], longType, ([time]) => secondsOf(numberOf(time)), {
    emit: ([time]) => `Math.floor(${time} / 1000000)`,
  }),
  strict(
    'unix_millis',
    [timestampType],
    longType,
    ([time]) => BigInt(Math.floor(numberOf(time) / 1000)),
    { emit: ([time]) => `Math.floor(${time} / 1000)` },
  ),
  strict('unix_micros', [timestampType], longType, ([time]) => BigInt(numberOf(time)), {
    emit: ([time]) => time,
  }),
  strict('unix_date', [dateType], intType, ([date]) => numberOf(date), { emit: ([date]) => date }),
  strict('date_from_unix_date', [intType], dateType, ([days]) => numberOf(days), {
    emit: ([days]) => days,
  }),
  strict('from_utc_timestamp', [timestampType, stringType], timestampType, ([time, zone]) =>
    checkedTime(numberOf(time) + zoneOffset(textOf(zone), numberOf(time))),
  ),
  strict('to_utc_timestamp', [timestampType, stringType], timestampType, ([time, zone]) =>
    checkedTime(localToUtc(textOf(zone), numberOf(time))),
  ),
  // The gap of a session as microseconds. As in Spark, text that is no duration is NULL, not an error.
  strict(
    'duration_micros',
    [stringType],
    longType,
    ([text]) => {
      const micros = durationOrUndefined(textOf(text))
      return micros === undefined ? null : BigInt(micros)
    },
    { nullable: true },
  ),
  {
    ...strict('window_time', ['struct'], timestampType, ([window]) => {
      const [, end = null] = listOf(window)
      return end === null ? null : numberOf(end) - 1
    }),
    typing: ([window]) => {
      const fields = window?.type.kind === 'struct' ? window.type.fields : []
      const isWindow = fields.length === 2 && fields.every(({ type }) => type.kind === 'timestamp')
      return window !== undefined && isWindow
        ? { args: [window.type], result: timestampType, nullable: window.nullable }
        : {
            expected: 'a window',
            actual: window === undefined ? 'nothing' : typeText(window.type).toUpperCase(),
            suggestion: 'struct<start:timestamp,end:timestamp>',
          }
    },
  },
]

function dateField(names: string, field: (days: number) => number): ScalarFunction {
  return strict(names, [dateType], intType, ([date]) => field(numberOf(date)), {
    emit: ([date], _, emitter) => `${emitter.constant(field)}(${date})`,
  })
}

function timeField(name: string, unit: number, count: number): ScalarFunction {
  return strict(
    name,
    [timestampType],
    intType,
    ([time]) => Math.floor(microsOfDay(numberOf(time)) / unit) % count,
    {
      emit: ([time], _, emitter) => {
        const units = emitter.local(`Math.floor(${time} / ${unit})`)
        return `(${units} - Math.floor(${units} / ${count}) * ${count})`
      },
    },
  )
}

function named(name: string, pattern: string): ScalarFunction {
  return strict(name, [dateType], stringType, ([date]) =>
    timePattern(pattern).format(numberOf(date) * microsPerDay),
  )
}

/** Text, dates and times: the latter two as TIMESTAMP. */
function acceptsTime(form: ScalarFunction): ScalarFunction {
  return {
    ...form,
    typing: (args) => {
      const kind = args[0]?.type.kind
      if (kind !== 'timestamp' && kind !== 'date') return form.typing(args)
      const rest = args.slice(1).map((): DataType => stringType)
      const nullable = args.some((argument) => argument.nullable)
      return { args: [timestampType, ...rest], result: longType, nullable }
    },
  }
}

function secondsOf(micros: number): bigint {
  return BigInt(Math.floor(micros / microsPerSecond))
}

function parsedTime(text: string, pattern: Value | undefined): number | undefined {
  return pattern === undefined ? parseTimestamp(text) : timePattern(textOf(pattern)).parse(text)
}

function invalidTime(text: string, type: string, pattern?: Value): never {
  throw new StreamError('CAST_INVALID_INPUT', {
    value: JSON.stringify(text),
    from: 'STRING',
    to: pattern === undefined ? type : `${type} by the pattern ${String(pattern)}`,
  })
}

function unknownUnit(unit: string): never {
  throw new StreamError('CONFIG_INVALID', {
    option: 'unit',
    value: unit,
    expected: 'MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR',
  })
}

const dayPrefixes = ['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su']

function nextDay(days: number, name: string): number | null {
  const wanted = dayPrefixes.indexOf(name.trim().toLowerCase().slice(0, 2))
  if (wanted < 0) return null
  return days + ((wanted - weekday(days) + 6) % 7) + 1
}

function makeTimestamp(args: readonly Value[]): Value {
  const [year, month, day, hour, minute] = args.slice(0, 5).map((value) => numberOf(value))
  const micros = Number(bigintOf(args[5]))
  const zone = args[6]
  const days = daysFromCivil(year ?? 0, month ?? 0, day ?? 0)
  // 60 seconds are the next minute, as in Spark.
  const inRange = (hour ?? 0) >= 0 && (hour ?? 0) < 24 && (minute ?? 0) >= 0 && (minute ?? 0) < 60
  if (days === undefined || !inRange || micros < 0 || micros > 60_000_000) {
    return invalidTime(args.slice(0, 6).map(String).join(', '), 'TIMESTAMP')
  }
  const local =
    days * microsPerDay + (hour ?? 0) * microsPerHour + (minute ?? 0) * microsPerMinute + micros
  return checkedTime(zone === undefined ? local : localToUtc(textOf(zone), local))
}

function secondsToTime(seconds: Value, types: CallTypes): Value {
  const [type = doubleType] = types.args
  if (type.kind === 'decimal') {
    return checkedTime(Number(rescale(bigintOf(seconds), type.scale, 6)))
  }
  if (type.kind === 'long') return checkedTime(Number(bigintOf(seconds) * 1_000_000n))
  return checkedTime(Math.trunc((toDouble(seconds, type) ?? Number.NaN) * microsPerSecond))
}

/** Made at the first row, so that a bad pattern is an error of the row as in the interpreter. */
function lazyFormat(pattern: string): (micros: number) => string {
  return (micros) => timePattern(pattern).format(micros)
}

function emitTime(code: string, emitter: Emitter): string {
  const time = emitter.local(code)
  emitter.bailIf(`!(${time} >= -9007199254740991 && ${time} <= 9007199254740991)`)
  return time
}

function emitAddInterval(
  [time = '', , micros = '']: readonly string[],
  _: CallTypes,
  emitter: Emitter,
): string | undefined {
  return emitter.literal(1) === 0 ? emitTime(`${time} + ${micros}`, emitter) : undefined
}

function emitDateTrunc(
  [, time = '']: readonly string[],
  _: CallTypes,
  emitter: Emitter,
): string | undefined {
  const unit = emitter.literal(0)
  const fixed = typeof unit === 'string' ? fixedUnit(unit) : undefined
  return fixed === undefined ? undefined : `Math.floor(${time} / ${fixed}) * ${fixed}`
}
