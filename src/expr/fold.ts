import { type Expression, noContext } from './expression.ts'
import { interpret } from './interpret.ts'

/**
 * Replaces subtrees of constants by their value. What raises is left as it is, so that it raises only
 * if a row gets there; user functions and `current_timestamp` are never evaluated early.
 */
export function fold(expression: Expression): Expression {
  const folded = mapParts(expression, fold)
  if (folded.kind === 'literal' || !isConstant(folded)) return folded
  try {
    const value = interpret(folded, () => null, noContext)
    return { kind: 'literal', value, type: folded.type }
  } catch {
    return folded
  }
}

function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case 'literal':
      return true
    case 'call':
      return expression.args.length > 0 && expression.args.every((arg) => arg.kind === 'literal')
    case 'cast':
      return expression.input.kind === 'literal'
    default:
      return false
  }
}

/** The same node over changed parts. */
export function mapParts(
  expression: Expression,
  change: (part: Expression) => Expression,
): Expression {
  switch (expression.kind) {
    case 'call':
    case 'udf':
      return { ...expression, args: expression.args.map(change) }
    case 'cast':
    case 'field':
      return { ...expression, input: change(expression.input) }
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map(({ when, then }) => ({
          when: change(when),
          then: change(then),
        })),
        otherwise: expression.otherwise === undefined ? undefined : change(expression.otherwise),
      }
    default:
      return expression
  }
}
