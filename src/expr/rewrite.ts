import { unreachable } from '../core/error.ts'
import type { Expression } from './expression.ts'

/** Rebuilds an expression bottom-up. Returns it itself if nothing changed, so `===` means "same". */
export function rewriteExpression(
  expression: Expression,
  rule: (node: Expression) => Expression,
): Expression {
  switch (expression.kind) {
    case 'column':
    case 'literal':
    case 'now':
      return rule(expression)
    case 'call':
    case 'udf': {
      const args = rewriteAll(expression.args, rule)
      return rule(args === expression.args ? expression : { ...expression, args })
    }
    case 'cast':
    case 'field': {
      const input = rewriteExpression(expression.input, rule)
      return rule(input === expression.input ? expression : { ...expression, input })
    }
    case 'case':
      return rule(rewriteCase(expression, rule))
    default:
      return unreachable(expression)
  }
}

function rewriteAll(
  all: readonly Expression[],
  rule: (node: Expression) => Expression,
): readonly Expression[] {
  const rewritten = all.map((one) => rewriteExpression(one, rule))
  return rewritten.every((one, index) => one === all[index]) ? all : rewritten
}

type Case = Extract<Expression, { kind: 'case' }>

function rewriteCase(expression: Case, rule: (node: Expression) => Expression): Case {
  const parts = expression.branches.flatMap((branch) => [branch.when, branch.then])
  const rewritten = rewriteAll(parts, rule)
  const { otherwise: last } = expression
  const otherwise = last === undefined ? undefined : rewriteExpression(last, rule)
  if (rewritten === parts && otherwise === last) return expression
  const branches = expression.branches.map((branch, index) => ({
    when: rewritten[2 * index] ?? branch.when,
    then: rewritten[2 * index + 1] ?? branch.then,
  }))
  return { ...expression, branches, otherwise }
}
