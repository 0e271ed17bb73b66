import {
  booleanType,
  type DataType,
  doubleType,
  isIntegral,
  isNumeric,
  longType,
  typeText,
} from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { AggregateCall, AggregateName } from './aggregates.ts'
import type { Expression } from './expression.ts'
import { aggregateNamed, defaultName } from './names.ts'
import { castTo, resolveExpression, type Scope } from './resolve.ts'
import type { UnresolvedExpression } from './unresolved.ts'

/**
 * Resolves a call of an aggregate, with Spark's result types.
 * @throws StreamError `DATATYPE_MISMATCH`, `FUNCTION_ARGUMENTS`, `STREAMING_UNSUPPORTED` for DISTINCT
 */
export function resolveAggregate(expression: UnresolvedExpression, scope: Scope): AggregateCall {
  const text = defaultName(expression)
  const name = expression.kind === 'call' ? aggregateNamed(expression.name) : undefined
  if (expression.kind !== 'call' || name === undefined) {
    throw new StreamError('INTERNAL', { what: `${text} is not an aggregate` })
  }
  if (expression.distinct === true) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `The distinct aggregate ${text}`,
      fix: 'Group by the distinct columns first, and aggregate that.',
    })
  }
  const args = expression.args.map((arg) => resolveExpression(arg, scope))
  const called = typed(name as AggregateName, args, text)
  if (expression.filter === undefined) return called
  const filter = resolveExpression(expression.filter, scope)
  if (filter.type.kind !== 'boolean') throw wrong(text, 'a BOOLEAN filter', filter.type)
  return { ...called, filter: castTo(filter, booleanType) }
}

function typed(name: AggregateName, args: readonly Expression[], text: string): AggregateCall {
  const [first, second] = args
  const wanted = name === 'rows_with_max' ? 2 : 1
  if (first === undefined || args.length !== wanted) {
    throw new StreamError('FUNCTION_ARGUMENTS', {
      name,
      expected: `${wanted} arguments`,
      actual: args.length,
      expression: text,
    })
  }
  const { type } = first
  switch (name) {
    case 'count':
      // A constant that is not NULL counts rows; no column has to be looked at.
      return {
        name,
        args: first.kind === 'literal' && first.value !== null ? [] : args,
        type: longType,
        nullable: false,
      }
    case 'sum':
    case 'avg': {
      const input = isNumeric(type) ? first : castNumber(first, text)
      const result = name === 'sum' ? sumType(input.type) : averageType(input.type)
      return { name, args: [input], type: result, nullable: true }
    }
    case 'min':
    case 'max':
      if (type.kind === 'map') throw wrong(text, 'a type with an order', type)
      return { name, args, type, nullable: true }
    case 'collect_list':
      return {
        name,
        args,
        type: { kind: 'array', element: type, containsNull: false },
        nullable: false,
      }
    default:
      if (second?.type.kind === 'map') throw wrong(text, 'an order', second.type)
      return {
        name,
        args,
        type: { kind: 'array', element: type, containsNull: true },
        nullable: false,
      }
  }
}

function castNumber(input: Expression, text: string): Expression {
  const { kind } = input.type
  if (kind === 'string' || kind === 'void') return castTo(input, doubleType)
  throw wrong(text, 'a number', input.type)
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
