import { parseType } from '../batch/ddl.ts'
import {
  booleanType,
  dateType,
  intType,
  isIntegral,
  longType,
  type Schema,
  stringType,
  timestampType,
  typeText,
} from '../batch/schema.ts'
import { closest } from '../core/closest.ts'
import { StreamError, unreachable } from '../core/error.ts'
import { canCast } from './cast.ts'
import { commonTypeOf } from './coerce.ts'
import { type Expression, isNullable } from './expression.ts'
import { defaultName, isAggregate } from './names.ts'
import { call, castTo, mismatch } from './typed-call.ts'
import type { UnresolvedExpression } from './unresolved.ts'

export { call, castTo } from './typed-call.ts'

/** What names may refer to. */
export interface Scope {
  readonly schema: Schema
  /** What a path means that begins with the name of a frame; `undefined` if it does not. */
  readonly qualified?: (path: readonly string[]) => QualifiedColumn | undefined
  /** How errors name a column. Default: by its name alone. */
  readonly label?: (index: number) => string
}

/** A column, and the path of fields inside of it. */
export interface QualifiedColumn {
  readonly index: number
  readonly rest: readonly string[]
}

type UnresolvedCall = Extract<UnresolvedExpression, { kind: 'call' }>

/**
 * Turns names into column numbers, looks up functions, puts in the implicit casts of ANSI mode.
 * @throws StreamError `COLUMN_NOT_FOUND`, `AMBIGUOUS_COLUMN`, `FUNCTION_NOT_FOUND`,
 * `FUNCTION_ARGUMENTS`, `DATATYPE_MISMATCH`, `AGGREGATE_MISPLACED`
 */
export function resolveExpression(expression: UnresolvedExpression, scope: Scope): Expression {
  switch (expression.kind) {
    case 'name':
      return resolveName(expression.path, scope)
    case 'literal':
      return { kind: 'literal', value: expression.value, type: expression.type }
    case 'alias':
    case 'sort':
      return resolveExpression(expression.input, scope)
    case 'field':
      return fieldOf(resolveExpression(expression.input, scope), expression.name)
    case 'cast': {
      const input = resolveExpression(expression.input, scope)
      if (!canCast(input.type, expression.type)) {
        throw mismatch(defaultName(expression), {
          expected: `a value that can be cast to ${typeText(expression.type).toUpperCase()}`,
          actual: typeText(input.type).toUpperCase(),
          suggestion: 'string',
        })
      }
      return castTo(input, expression.type, expression.safe)
    }
    case 'case':
      return resolveCase(expression, scope)
    case 'udf': {
      const args = expression.args.map((arg) => resolveExpression(arg, scope))
      return { ...expression, args }
    }
    case 'call':
      return resolveCall(expression, scope)
    case 'star':
    case 'interval':
    case 'over':
      throw new StreamError('EXPRESSION_MISPLACED', {
        expression: defaultName(expression),
        why: 'it is not a value of a column',
        fix: 'Use an interval only to be added to a time, and a star only in a select list.',
      })
    default:
      return unreachable(expression)
  }
}

function resolveName(path: readonly string[], scope: Scope): Expression {
  const { schema, label } = scope
  const qualified = scope.qualified?.(path)
  if (qualified !== undefined) return columnOf(qualified, schema)
  const [first = '', ...rest] = path
  const wanted = first.toLowerCase()
  const found = schema.flatMap(({ name }, index) => (name.toLowerCase() === wanted ? [index] : []))
  const available = schema.map(({ name }, at) => label?.(at) ?? name)
  const [index] = found
  if (found.length > 1) {
    throw new StreamError('AMBIGUOUS_COLUMN', { column: first, available: available.join(', ') })
  }
  const field = index === undefined ? undefined : schema[index]
  if (index === undefined || field === undefined) {
    const now = rest.length === 0 ? nowNamed(wanted) : undefined
    if (now !== undefined) return now
    throw new StreamError('COLUMN_NOT_FOUND', {
      column: path.join('.'),
      available: available.join(', '),
      closest: closest(first, available),
    })
  }
  return columnOf({ index, rest }, schema)
}

function columnOf({ index, rest }: QualifiedColumn, schema: Schema): Expression {
  const field = schema[index]
  if (field === undefined) throw new StreamError('INTERNAL', { what: `no column ${index}` })
  const { name, type, nullable } = field
  return rest.reduce<Expression>(fieldOf, { kind: 'column', index, name, type, nullable })
}

/** What SQL calls without brackets, and with them; a column of that name goes first. */
function nowNamed(name: string): Expression | undefined {
  switch (name) {
    case 'current_timestamp':
    case 'localtimestamp':
      return { kind: 'now', type: timestampType }
    case 'current_date':
      return castTo({ kind: 'now', type: timestampType }, dateType)
    default:
      return undefined
  }
}

/** `struct.name`; on an array of structs the field of every element, as in Spark, is not offered. */
function fieldOf(input: Expression, name: string): Expression {
  const { type } = input
  if (type.kind === 'map') {
    return call('element_at', [input, { kind: 'literal', value: name, type: { kind: 'string' } }])
  }
  const fields = type.kind === 'struct' ? type.fields : []
  const index = fields.findIndex((field) => field.name.toLowerCase() === name.toLowerCase())
  const field = fields[index]
  if (field !== undefined)
    return { kind: 'field', input, index, name: field.name, type: field.type }
  const available = fields.map((each) => each.name)
  throw new StreamError('COLUMN_NOT_FOUND', {
    column: name,
    available: available.join(', ') || `no fields, as it is ${typeText(type).toUpperCase()}`,
    closest: closest(name, available),
  })
}

function resolveCase(
  expression: Extract<UnresolvedExpression, { kind: 'case' }>,
  scope: Scope,
): Expression {
  const whens = expression.branches.map(({ when }) => resolveExpression(when, scope))
  const thens = expression.branches.map((branch) => resolveExpression(branch.then, scope))
  const rest = expression.otherwise && resolveExpression(expression.otherwise, scope)
  const wrong = whens.find(({ type }) => type.kind !== 'boolean' && type.kind !== 'void')
  if (wrong !== undefined) {
    throw mismatch(defaultName(expression), {
      expected: 'BOOLEAN conditions',
      actual: typeText(wrong.type).toUpperCase(),
      suggestion: 'boolean',
    })
  }
  const results = rest === undefined ? thens : [...thens, rest]
  const type = commonTypeOf(results.map((result) => result.type))
  if (type === undefined) {
    throw mismatch(defaultName(expression), {
      expected: 'branches of one type',
      actual: results.map((result) => typeText(result.type).toUpperCase()).join(' and '),
      suggestion: 'string',
    })
  }
  return {
    kind: 'case',
    branches: whens.map((when, index) => {
      const result = thens[index]
      return {
        when: castTo(when, booleanType),
        then: castTo(result ?? when, type),
      }
    }),
    otherwise: rest === undefined ? undefined : castTo(rest, type),
    type,
  }
}

function resolveCall(expression: UnresolvedCall, scope: Scope): Expression {
  const name = expression.name.toLowerCase()
  const rewritten = specialCall(name, expression, scope)
  if (rewritten !== undefined) return rewritten
  if (isAggregate(expression)) {
    throw new StreamError('AGGREGATE_MISPLACED', {
      aggregate: defaultName(expression),
      where: 'an expression over single rows',
    })
  }
  const args = expression.args.map((arg) => resolveExpression(arg, scope))
  return call(name, args, defaultName(expression))
}

/** Calls that are not rows of the catalogue: they become other nodes. */
function specialCall(
  name: string,
  expression: UnresolvedCall,
  scope: Scope,
): Expression | undefined {
  const { args } = expression
  const [first, second, third] = args
  switch (name) {
    case 'current_timestamp':
    case 'now':
    case 'localtimestamp':
      return { kind: 'now', type: timestampType }
    case 'current_date':
    case 'curdate':
      return castTo({ kind: 'now', type: timestampType }, dateType)
    case '+':
    case '-':
      return addInterval(name, first, second, scope) ?? addDays(name, expression, scope)
    case 'between': {
      if (first === undefined || second === undefined || third === undefined) return undefined
      const bounds = [
        { kind: 'call' as const, name: '>=', args: [first, second] },
        { kind: 'call' as const, name: '<=', args: [first, third] },
      ]
      return resolveCall({ kind: 'call', name: 'and', args: bounds }, scope)
    }
    case 'date_part':
    case 'datepart':
      return datePart(first, second, scope)
    case 'timestampdiff':
    case 'timestampadd':
    case 'datediff':
    case 'dateadd':
      return third === undefined ? undefined : withUnit(name, expression, scope)
    case 'struct':
      return structOf(args.map(defaultName), args, scope)
    case 'named_struct': {
      const names = args.filter((_, index) => index % 2 === 0)
      const values = args.filter((_, index) => index % 2 === 1)
      const texts = names.map((each) =>
        each.kind === 'literal' && typeof each.value === 'string' ? each.value : undefined,
      )
      if (texts.includes(undefined) || names.length !== values.length) return undefined
      return structOf(
        texts.map((text) => text ?? ''),
        values,
        scope,
      )
    }
    case 'if':
    case 'iff':
      if (first === undefined || second === undefined || third === undefined) return undefined
      return resolveCase(
        { kind: 'case', branches: [{ when: first, then: second }], otherwise: third },
        scope,
      )
    case 'nvl2': {
      if (first === undefined || second === undefined) return undefined
      const when = { kind: 'call' as const, name: 'isnotnull', args: [first] }
      return resolveCase(
        { kind: 'case', branches: [{ when, then: second }], otherwise: third },
        scope,
      )
    }
    case 'nullif': {
      if (first === undefined || second === undefined) return undefined
      const when = { kind: 'call' as const, name: '=', args: [first, second] }
      const nothing = { kind: 'literal' as const, value: null, type: { kind: 'void' as const } }
      return resolveCase(
        { kind: 'case', branches: [{ when, then: nothing }], otherwise: first },
        scope,
      )
    }
    default:
      return castNamed(name, expression, scope)
  }
}

const castNames = new Set(
  'bigint binary boolean date decimal double float int smallint string timestamp tinyint'.split(
    ' ',
  ),
)

/** `int(a)` is a cast. */
function castNamed(name: string, { args }: UnresolvedCall, scope: Scope): Expression | undefined {
  const [input] = args
  if (input === undefined || args.length !== 1 || !castNames.has(name)) return undefined
  return resolveExpression({ kind: 'cast', input, type: parseType(name), safe: false }, scope)
}

/** A date plus or minus a number of days; other operands are plain arithmetic. */
function addDays(operator: '+' | '-', expression: UnresolvedCall, scope: Scope): Expression {
  const args = expression.args.map((arg) => resolveExpression(arg, scope))
  const [left, right] = args
  if (left?.type.kind === 'date' && right !== undefined && isIntegral(right.type)) {
    return call(operator === '+' ? 'date_add' : 'date_sub', [left, right], defaultName(expression))
  }
  if (operator === '+' && right?.type.kind === 'date' && left !== undefined) {
    if (isIntegral(left.type)) return call('date_add', [right, left], defaultName(expression))
  }
  return call(operator, args, defaultName(expression))
}

/** The functions that `date_part` and EXTRACT go by, under the names of their fields. */
const partNames: Readonly<Record<string, string>> = {
  y: 'year',
  yr: 'year',
  years: 'year',
  yrs: 'year',
  qtr: 'quarter',
  mon: 'month',
  mons: 'month',
  months: 'month',
  week: 'weekofyear',
  weeks: 'weekofyear',
  w: 'weekofyear',
  d: 'day',
  days: 'day',
  dow: 'dayofweek',
  doy: 'dayofyear',
  h: 'hour',
  hours: 'hour',
  m: 'minute',
  min: 'minute',
  minutes: 'minute',
  s: 'second',
  sec: 'second',
  seconds: 'second',
}

function datePart(
  part: UnresolvedExpression | undefined,
  time: UnresolvedExpression | undefined,
  scope: Scope,
): Expression | undefined {
  if (part?.kind !== 'literal' || typeof part.value !== 'string' || time === undefined) {
    return undefined
  }
  const field = part.value.toLowerCase()
  return call(partNames[field] ?? field, [resolveExpression(time, scope)])
}

/** `timestampdiff(HOUR, a, b)`: the unit may be a bare word. `datediff` and `dateadd` of three arguments are the same. */
function withUnit(name: string, expression: UnresolvedCall, scope: Scope): Expression {
  const [unit, ...rest] = expression.args
  const [word] = unit?.kind === 'name' ? unit.path : []
  const first: Expression =
    word !== undefined || unit === undefined
      ? { kind: 'literal', value: word ?? '', type: stringType }
      : resolveExpression(unit, scope)
  const args = [first, ...rest.map((arg) => resolveExpression(arg, scope))]
  const called = name.endsWith('diff') ? 'timestampdiff' : 'timestampadd'
  return call(called, args, defaultName(expression))
}

function structOf(
  names: readonly string[],
  values: readonly UnresolvedExpression[],
  scope: Scope,
): Expression {
  const args = values.map((value) => resolveExpression(value, scope))
  const fields = args.map((arg, index) => ({
    name: names[index] ?? `col${index + 1}`,
    type: arg.type,
    nullable: isNullable(arg),
  }))
  return { kind: 'call', name: 'struct', args, type: { kind: 'struct', fields }, nullable: false }
}

/** A time plus or minus an interval; `undefined` when neither side is one. */
function addInterval(
  operator: '+' | '-',
  left: UnresolvedExpression | undefined,
  right: UnresolvedExpression | undefined,
  scope: Scope,
): Expression | undefined {
  const [time, interval] = right?.kind === 'interval' ? [left, right] : [right, left]
  if (time === undefined || interval?.kind !== 'interval') return undefined
  if (operator === '-' && right?.kind !== 'interval') return undefined
  const sign = operator === '-' ? -1 : 1
  const input = resolveExpression(time, scope)
  const months = { kind: 'literal' as const, value: sign * interval.months, type: intType }
  const dayMicros = 86_400_000_000
  if (input.type.kind === 'date' && interval.micros % dayMicros === 0) {
    const days = (sign * interval.micros) / dayMicros
    return call('date_add_interval', [
      input,
      months,
      { kind: 'literal', value: days, type: intType },
    ])
  }
  const micros = { kind: 'literal' as const, value: BigInt(sign * interval.micros), type: longType }
  return call('timestamp_add_interval', [input, months, micros])
}
