import {
  type Column,
  col,
  concat,
  current_timestamp,
  lit,
  session_window,
  split,
  struct,
  timestamp_micros,
  unix_micros,
  when,
  window,
  window_time,
} from '../../src/functions.ts'
import type { CaseExpression } from './case.ts'

type Call = (...args: readonly CaseExpression[]) => Column

/** Every function of the case language that the engine has, as calls of the public API. */
export const calls: Readonly<Record<string, Call>> = {
  add: (a, b) => columnFrom(a).plus(columnFrom(b)),
  sub: (a, b) => columnFrom(a).minus(columnFrom(b)),
  mul: (a, b) => columnFrom(a).multiply(columnFrom(b)),
  mod: (a, b) => columnFrom(a).mod(columnFrom(b)),
  eq: (a, b) => columnFrom(a).eq(columnFrom(b)),
  lt: (a, b) => columnFrom(a).lt(columnFrom(b)),
  le: (a, b) => columnFrom(a).leq(columnFrom(b)),
  gt: (a, b) => columnFrom(a).gt(columnFrom(b)),
  ge: (a, b) => columnFrom(a).geq(columnFrom(b)),
  and: (...terms) => terms.map(columnFrom).reduce((all, term) => all.and(term)),
  or: (...terms) => terms.map(columnFrom).reduce((any, term) => any.or(term)),
  not: (a) => columnFrom(a).not(),
  is_null: (a) => columnFrom(a).isNull(),
  eq_null_safe: (a, b) => columnFrom(a).eqNullSafe(columnFrom(b)),
  contains: (a, b) => columnFrom(a).contains(columnFrom(b)),
  split: (a, separator) => split(columnFrom(a), textOf(separator)),
  // Members have no names in the cases, and a row of the edge keeps one value by name.
  struct: (...members) =>
    struct(...members.map((member, index) => columnFrom(member).alias(`col${index + 1}`))),
  to_string: (a) => columnFrom(a).cast('string'),
  to_int: (a) => columnFrom(a).cast('int'),
  to_long: (a) => columnFrom(a).cast('bigint'),
  ts: (seconds) => columnFrom(seconds).cast('timestamp'),
  secs: (time) => columnFrom(time).cast('bigint'),
  micros: (time) => unix_micros(columnFrom(time)),
  ts_str: (time) => columnFrom(time).cast('string'),
  add_ms: (time, ms) =>
    timestamp_micros(
      unix_micros(columnFrom(time)).plus(columnFrom(ms).cast('bigint').multiply(1000)),
    ),
  window: (time, size, slide, offset) =>
    window(columnFrom(time), duration(size), duration(slide), duration(offset)),
  session: (time, gap) => session_window(columnFrom(time), gapFrom(gap)),
  window_time: (from) => window_time(columnFrom(from)),
  field: (from, name) => columnFrom(from).getField(textOf(name)),
  now_secs: () => current_timestamp().cast('bigint'),
}

/** An expression of the case language as a column. */
export function columnFrom(expression: CaseExpression | undefined): Column {
  if (expression === undefined) throw new RangeError('an argument is missing')
  if (typeof expression !== 'object' || expression === null) return lit(expression)
  const [name, ...args] = expression
  switch (name) {
    case 'lit':
      return lit(textOf(args[0]))
    case 'col':
      return col(`\`${textOf(args[0])}\``)
    case 'case':
      return caseFrom(args)
    default: {
      const call = calls[String(name)]
      if (call === undefined) throw new RangeError(`the function ${name} was not looked for`)
      return call(...args)
    }
  }
}

/** `["case", [[condition, value] …], otherwise]`. */
function caseFrom([branches, otherwise]: readonly CaseExpression[]): Column {
  const pairs = Array.isArray(branches) ? branches : []
  const [first, ...more] = pairs.map((pair) => {
    const [condition, value] = Array.isArray(pair) ? pair : []
    return { condition: columnFrom(condition), value: columnFrom(value) }
  })
  if (first === undefined) return columnFrom(otherwise)
  const chain = more.reduce(
    (open, { condition, value }) => open.when(condition, value),
    when(first.condition, first.value),
  )
  return chain.otherwise(columnFrom(otherwise))
}

/** A gap in milliseconds, the same for all rows or worked out for each. */
function gapFrom(ms: CaseExpression | undefined): string | Column {
  if (typeof ms === 'number') return duration(ms)
  return concat(columnFrom(ms).cast('string'), lit(' milliseconds'))
}

function duration(ms: CaseExpression | undefined): string {
  return `${Number(ms ?? 0)} milliseconds`
}

function textOf(expression: CaseExpression | undefined): string {
  if (Array.isArray(expression) && expression[0] === 'lit') return textOf(expression[1])
  return String(expression)
}
