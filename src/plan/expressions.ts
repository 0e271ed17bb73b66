import type { Schema } from '../batch/schema.ts'
import { StreamError, unreachable } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { fold } from '../expr/fold.ts'

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

/** Computes what constants alone decide. Keeps what it cannot fold as the same object, so that a plan comes to rest. */
export function foldConstants(expression: Expression): Expression {
  return rewriteExpression(expression, (node) => {
    const parts = node.kind === 'call' ? node.args : node.kind === 'cast' ? [node.input] : []
    if (parts.length === 0 || parts.some((part) => part.kind !== 'literal')) return node
    const folded = fold(node)
    return folded.kind === 'literal' ? folded : node
  })
}

/** True when the test holds for the expression or any part of it. */
export function someExpression(
  expression: Expression,
  test: (node: Expression) => boolean,
): boolean {
  let found = false
  rewriteExpression(expression, (node) => {
    found ||= test(node)
    return node
  })
  return found
}

/** The positions of the columns an expression reads. */
export function columnsRead(expression: Expression): ReadonlySet<number> {
  const read = new Set<number>()
  rewriteExpression(expression, (node) => {
    if (node.kind === 'column') read.add(node.index)
    return node
  })
  return read
}

/** The same expression over columns that moved: `to` gives the new position of each. */
export function moveColumns(expression: Expression, to: (index: number) => number): Expression {
  return rewriteExpression(expression, (node) => {
    if (node.kind !== 'column') return node
    const index = to(node.index)
    return index === node.index ? node : { ...node, index }
  })
}

/** The column at a position, as an expression. */
export function columnAt(schema: Schema, index: number): Expression {
  const field = schema[index]
  if (field === undefined) {
    throw new StreamError('INTERNAL', { what: `no column ${index} among ${schema.length}` })
  }
  return { kind: 'column', index, name: field.name, type: field.type, nullable: field.nullable }
}
