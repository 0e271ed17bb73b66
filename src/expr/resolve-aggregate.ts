import {
  booleanType,
  type DataType,
  doubleType,
  isComparable,
  isIntegral,
  isNumeric,
  longType,
  typeText,
} from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import { aggregateNamed, type NamedAggregate } from './aggregate-names.ts'
import { accuracyOf, bitsOf, constantOf, flagOf, percentagesOf } from './aggregate-options.ts'
import type { AggregateCall, AggregateName, Aggregator } from './aggregates.ts'
import type { Expression } from './expression.ts'
import { defaultName, isAggregate } from './names.ts'
import { castTo, resolveExpression, type Scope } from './resolve.ts'
import type { UnresolvedExpression } from './unresolved.ts'

/**
 * Resolves a call of an aggregate, with Spark's result types.
 * @throws StreamError `DATATYPE_MISMATCH`, `FUNCTION_ARGUMENTS`
 */
export function resolveAggregate(expression: UnresolvedExpression, scope: Scope): AggregateCall {
  const text = defaultName(expression)
  if (expression.kind !== 'call' || !isAggregate(expression)) {
    throw new StreamError('INTERNAL', { what: `${text} is not an aggregate` })
  }
  const args = expression.args.map((arg) => resolveExpression(arg, scope))
  const called = distinctly(
    expression.distinct === true,
    expression.aggregator === undefined
      ? named(aggregateNamed(expression.name)?.name ?? 'count', args, text)
      : userCall(expression.aggregator, args, text),
    text,
  )
  if (expression.filter === undefined) return called
  const filter = resolveExpression(expression.filter, scope)
  if (filter.type.kind !== 'boolean') throw wrong(text, 'a BOOLEAN filter', filter.type)
  return { ...called, filter: castTo(filter, booleanType) }
}

/** DISTINCT changes nothing where a value that comes again changes nothing anyway. */
function distinctly(distinct: boolean, call: AggregateCall, text: string): AggregateCall {
  const same: readonly AggregateName[] = [
    'min',
    'max',
    'bit_and',
    'bit_or',
    'approx_count_distinct',
  ]
  if (!(distinct || call.distinct === true) || same.includes(call.name)) return call
  for (const { type } of call.args) if (!isComparable(type)) throw wrong(text, 'no MAP', type)
  // Constants are no columns, but `count(DISTINCT 1)` has to see its one value.
  return { ...call, distinct: true }
}

function named(
  name: NamedAggregate['name'],
  args: readonly Expression[],
  text: string,
): AggregateCall {
  const [most, least] = argumentCounts[name] ?? [1, 1]
  const [first, second] = args
  if (first === undefined || args.length > most || args.length < least) {
    const upTo = most === Number.POSITIVE_INFINITY ? 'or more' : `to ${most}`
    const expected = least === most ? `${most} arguments` : `${least} ${upTo} arguments`
    throw new StreamError('FUNCTION_ARGUMENTS', {
      name,
      expected,
      actual: args.length,
      expression: text,
    })
  }
  switch (name) {
    case 'count':
      return counted(args)
    case 'try_sum':
    case 'try_avg':
      return { ...plain(name === 'try_sum' ? 'sum' : 'avg', args, text), safe: true }
    case 'count_if':
      return counted([whereTrue(boolean(first, text))])
    case 'bool_and':
    case 'bool_or':
      return {
        name: name === 'bool_and' ? 'min' : 'max',
        args: [boolean(first, text)],
        type: booleanType,
        nullable: true,
      }
    case 'collect_list':
    case 'collect_set':
      return {
        name: 'collect_list',
        args: [first],
        type: { kind: 'array', element: first.type, containsNull: false },
        nullable: false,
        ...(name === 'collect_set' ? { distinct: true } : {}),
      }
    case 'median':
      return percentile(first, [0.5], doubleType, text)
    case 'percentile': {
      const { percentages, isList } = percentagesOf(second, text)
      const type = isList ? listOf(doubleType) : doubleType
      return percentile(first, percentages, type, text)
    }
    case 'percentile_approx':
      return percentileApprox(first, second, args[2], text)
    case 'approx_count_distinct':
      return distinctEstimate(first, bitsOf(second, text), text)
    case 'first':
    case 'last':
      return {
        name,
        args: [first],
        ...(flagOf(second, text) ? { ignoreNulls: true } : {}),
        type: first.type,
        nullable: true,
      }
    case 'mode':
      if (!isComparable(first.type)) throw wrong(text, 'no MAP', first.type)
      constantOf(second, text)
      return { name, args: [first], type: first.type, nullable: true }
    case 'min_by':
    case 'max_by':
    case 'rows_with_max':
      return extremeBy(name, first, second ?? first, text)
    default:
      return plain(name, args, text)
  }
}

function distinctEstimate(input: Expression, accuracy: number, text: string): AggregateCall {
  if (!isComparable(input.type)) throw wrong(text, 'no MAP', input.type)
  return { name: 'approx_count_distinct', args: [input], accuracy, type: longType, nullable: false }
}

/** Most and least arguments where that is not one. */
const argumentCounts: Readonly<Record<string, readonly [number, number]>> = {
  approx_count_distinct: [2, 1],
  corr: [2, 2],
  count: [Number.POSITIVE_INFINITY, 1],
  covar_pop: [2, 2],
  covar_samp: [2, 2],
  first: [2, 1],
  last: [2, 1],
  max_by: [2, 2],
  min_by: [2, 2],
  mode: [2, 1],
  percentile: [2, 2],
  percentile_approx: [3, 2],
  rows_with_max: [2, 2],
}

/** Aggregates of numbers and of values with an order, without options. */
function plain(name: AggregateName, args: readonly Expression[], text: string): AggregateCall {
  const [first] = args
  if (first === undefined) throw new StreamError('INTERNAL', { what: `${text} has no argument` })
  switch (name) {
    case 'sum':
    case 'avg': {
      const input = number(first, text)
      const result = name === 'sum' ? sumType(input.type) : averageType(input.type)
      return { name, args: [input], type: result, nullable: true }
    }
    case 'min':
    case 'max':
      if (!isComparable(first.type)) throw wrong(text, 'a type with an order', first.type)
      return { name, args: [first], type: first.type, nullable: true }
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor': {
      const { type } = first
      if (!isIntegral(type) && type.kind !== 'void') throw wrong(text, 'a whole number', type)
      const input = type.kind === 'void' ? castTo(first, longType) : first
      return { name, args: [input], type: input.type, nullable: true }
    }
    default: {
      const doubles = args.map((arg) => castTo(number(arg, text), doubleType))
      return { name, args: doubles, type: doubleType, nullable: true }
    }
  }
}

function counted(args: readonly Expression[]): AggregateCall {
  // A constant that is not NULL counts rows; no column has to be looked at.
  const columns = args.filter((arg) => arg.kind !== 'literal' || arg.value === null)
  return { name: 'count', args: columns, type: longType, nullable: false }
}

/** TRUE where the condition holds, else NULL. */
function whereTrue(condition: Expression): Expression {
  const then: Expression = { kind: 'literal', value: true, type: booleanType }
  return {
    kind: 'case',
    branches: [{ when: condition, then }],
    otherwise: undefined,
    type: booleanType,
  }
}

function percentile(
  input: Expression,
  percentages: readonly number[],
  type: DataType,
  text: string,
): AggregateCall {
  const doubles = castTo(number(input, text), doubleType)
  return { name: 'percentile', args: [doubles], percentages, type, nullable: true }
}

function percentileApprox(
  first: Expression,
  share: Expression | undefined,
  accuracy: Expression | undefined,
  text: string,
): AggregateCall {
  const { percentages, isList } = percentagesOf(share, text)
  const input = isOrderedNumber(first.type) ? first : number(first, text)
  return {
    name: 'percentile_approx',
    args: [input],
    percentages,
    accuracy: accuracyOf(accuracy, text),
    type: isList ? listOf(input.type) : input.type,
    nullable: true,
  }
}

function extremeBy(
  name: 'min_by' | 'max_by' | 'rows_with_max',
  value: Expression,
  order: Expression,
  text: string,
): AggregateCall {
  if (!isComparable(order.type)) throw wrong(text, 'an order', order.type)
  const args = [value, order]
  if (name !== 'rows_with_max') return { name, args, type: value.type, nullable: true }
  return {
    name,
    args,
    type: { kind: 'array', element: value.type, containsNull: true },
    nullable: false,
  }
}

function userCall(
  aggregator: Aggregator,
  given: readonly Expression[],
  text: string,
): AggregateCall {
  const { inputTypes, type } = aggregator
  if (inputTypes !== undefined && inputTypes.length !== given.length) {
    throw new StreamError('FUNCTION_ARGUMENTS', {
      name: aggregator.name,
      expected: `${inputTypes.length} arguments`,
      actual: given.length,
      expression: text,
    })
  }
  const args = given.map((arg, index) => castTo(arg, inputTypes?.[index] ?? arg.type))
  return { name: 'user', args, aggregator, type, nullable: true }
}

function boolean(input: Expression, text: string): Expression {
  const { kind } = input.type
  if (kind === 'boolean' || kind === 'void') return castTo(input, booleanType)
  throw wrong(text, 'a BOOLEAN', input.type)
}

function number(input: Expression, text: string): Expression {
  if (isNumeric(input.type)) return input
  const { kind } = input.type
  if (kind === 'string' || kind === 'void') return castTo(input, doubleType)
  throw wrong(text, 'a number', input.type)
}

function listOf(element: DataType): DataType {
  return { kind: 'array', element, containsNull: false }
}

function isOrderedNumber(type: DataType): boolean {
  return isNumeric(type) || type.kind === 'date' || type.kind === 'timestamp'
}

function sumType(type: DataType): DataType {
  if (isIntegral(type)) return longType
  if (type.kind !== 'decimal') return doubleType
  return { kind: 'decimal', precision: Math.min(38, type.precision + 10), scale: type.scale }
}

function averageType(type: DataType): DataType {
  if (type.kind !== 'decimal') return doubleType
  return {
    kind: 'decimal',
    precision: Math.min(38, type.precision + 4),
    scale: Math.min(37, type.scale + 4),
  }
}

function wrong(text: string, expected: string, type: DataType): StreamError<'DATATYPE_MISMATCH'> {
  return new StreamError('DATATYPE_MISMATCH', {
    expression: text,
    expected,
    actual: typeText(type).toUpperCase(),
    suggestion: 'double',
  })
}
