import { fromEdge, toEdge } from '../batch/edge-row.ts'
import type { Value } from '../batch/value.ts'
import { isRunVoid } from '../codecs/registry/questions.ts'
import { reasonOf, StreamError, unreachable } from '../core/error.ts'
import { castValue } from './cast.ts'
import type { EvaluationContext, Expression } from './expression.ts'
import { functionNamed } from './functions.ts'

/**
 * The value of an expression for one row: the obvious reference that compiled code is held to, and
 * the fallback where it cannot go. ANSI: overflow, division by zero and bad casts raise.
 */
export function interpret(
  expression: Expression,
  row: (index: number) => Value,
  context: EvaluationContext,
): Value {
  const value = (part: Expression): Value => interpret(part, row, context)
  switch (expression.kind) {
    case 'column':
      return row(expression.index)
    case 'literal':
      return expression.value
    case 'now':
      return context.processingTime
    case 'cast': {
      const { input, type, safe } = expression
      return castValue(value(input), { from: input.type, to: type, safe })
    }
    case 'case': {
      const branch = expression.branches.find(({ when }) => value(when) === true)
      if (branch !== undefined) return value(branch.then)
      return expression.otherwise === undefined ? null : value(expression.otherwise)
    }
    case 'field': {
      const struct = value(expression.input)
      return Array.isArray(struct) ? (struct[expression.index] ?? null) : null
    }
    case 'call': {
      const called = functionNamed(expression.name)
      const types = { args: expression.args.map((arg) => arg.type), result: expression.type }
      if (called.lazy !== undefined) {
        return called.lazy(
          expression.args.map((arg) => () => value(arg)),
          types,
        )
      }
      const args = expression.args.map(value)
      return called.strict && args.includes(null) ? null : called.evaluate(args, types)
    }
    case 'udf':
      return callUser(expression, expression.args.map(value))
    default:
      return unreachable(expression)
  }
}

function callUser(
  { name, call, args, type }: Extract<Expression, { kind: 'udf' }>,
  values: readonly Value[],
): Value {
  // Its arguments may be NULL only because an answer is not there yet.
  if (isRunVoid()) return null
  const given = values.map((value, index) => toEdge(args[index]?.type ?? type, value))
  let result: unknown
  try {
    result = call(...given)
  } catch (cause) {
    throw new StreamError('USER_FUNCTION_FAILED', { name, why: reasonOf(cause) }, { cause })
  }
  return fromEdge(type, result)
}
