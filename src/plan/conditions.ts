import { booleanType, type DataType, isNumeric } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import { isImplicitlyCastable } from '../expr/coerce.ts'
import { type Expression, isNullable } from '../expr/expression.ts'
import { someExpression } from './expressions.ts'

/** Functions that have an answer for every argument; everything else may raise an error. */
const harmless = new Set([
  '=',
  '<=>',
  '<',
  '<=',
  '>',
  '>=',
  '!=',
  'and',
  'or',
  'not',
  'in',
  'isnull',
  'isnotnull',
  'isnan',
  'coalesce',
  'like',
  'startswith',
  'endswith',
  'contains',
  'lower',
  'upper',
  'length',
])

/** True when evaluating the expression may raise an error, so that it must not be tried on more rows. */
export function canRaise(expression: Expression): boolean {
  return someExpression(expression, (node) => {
    if (node.kind === 'cast') return !node.safe && !widens(node.input.type, node.type)
    return node.kind === 'udf' || (node.kind === 'call' && !harmless.has(node.name))
  })
}

function widens(from: DataType, to: DataType): boolean {
  return isNumeric(from) && isNumeric(to) && isImplicitlyCastable(from, to)
}

/** True when the same row always gives the same value, so that the expression may move. */
export function isDeterministic(expression: Expression): boolean {
  return !someExpression(expression, ({ kind }) => kind === 'udf')
}

/** The conditions that all have to hold, in order of evaluation. */
export function conjuncts(predicate: Expression): readonly Expression[] {
  return predicate.kind === 'call' && predicate.name === 'and'
    ? predicate.args.flatMap(conjuncts)
    : [predicate]
}

/** All conditions joined by AND, the first evaluated first. */
export function conjunction(conditions: readonly Expression[]): Expression {
  const [first, ...rest] = conditions
  if (first === undefined) throw new StreamError('INTERNAL', { what: 'a conjunction of nothing' })
  return rest.reduce(
    (left, right) => ({
      kind: 'call',
      name: 'and',
      args: [left, right],
      type: booleanType,
      nullable: isNullable(left) || isNullable(right),
    }),
    first,
  )
}
