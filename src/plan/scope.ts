import type { Schema } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { windowName } from '../expr/names.ts'
import { resolveExpression } from '../expr/resolve.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { type LogicalPlan, schemaOf } from './logical.ts'
import { findParts, replaceParts } from './unresolved-tree.ts'

/** A plan with the names that may stand before its columns (`alias`). */
export interface Analyzed {
  readonly plan: LogicalPlan
  readonly qualifiers: readonly string[]
}

/** Resolves an expression that makes one value per row of `input`. */
export function bind(expression: UnresolvedExpression, input: Analyzed): Expression {
  refuseMisplaced(expression)
  const schema = schemaOf(input.plan)
  return resolveExpression(unqualified(expression, schema, input.qualifiers), { schema })
}

/** The expression without the frame's own name before its columns; a column of that name goes first. */
export function unqualified(
  expression: UnresolvedExpression,
  schema: Schema,
  qualifiers: readonly string[],
): UnresolvedExpression {
  if (qualifiers.length === 0) return expression
  return replaceParts(expression, (node) => {
    if (node.kind !== 'name' && node.kind !== 'star') return undefined
    const [first, ...rest] = node.path
    const isFrame = qualifiers.some((qualifier) => sameName(qualifier, first ?? ''))
    const isColumn = schema.some((field) => sameName(field.name, first ?? ''))
    if (!isFrame || isColumn || (node.kind === 'name' && rest.length === 0)) return undefined
    return { ...node, path: rest }
  })
}

const generators = ['explode', 'explode_outer', 'posexplode', 'posexplode_outer']

/** True for a call that makes several rows of one. */
export function isGenerator(expression: UnresolvedExpression): boolean {
  return expression.kind === 'call' && generators.includes(expression.name.toLowerCase())
}

/** True for a call of `window(time, size, …)` or `session_window(time, gap)`. */
export function isWindow(expression: UnresolvedExpression): boolean {
  return expression.kind === 'call' && windowName(expression.name) !== undefined
}

function refuseMisplaced(expression: UnresolvedExpression): void {
  const [found] = findParts(
    expression,
    (node) => node.kind === 'star' || isGenerator(node) || isWindow(node),
  )
  if (found === undefined) return
  if (found.kind === 'star') {
    throw new StreamError('EXPRESSION_MISPLACED', {
      expression: [...found.path, '*'].join('.'),
      why: 'a star stands for several columns',
      fix: 'Use it alone in a select list, or name one column.',
    })
  }
  throw new StreamError('EXPRESSION_MISPLACED', {
    expression: `${found.kind === 'call' ? found.name : found.kind}(…)`,
    why: 'it makes several rows of one or none, which only a step of its own can do',
    fix: 'Put it alone in a select list (a window also into groupBy), with an alias, and use that column in the next step.',
  })
}

/** A name that is not taken, for a column that the analysis puts in between. */
export function freshName(wanted: string, taken: readonly string[]): string {
  let name = wanted
  for (let next = 2; taken.some((other) => sameName(other, name)); next++) {
    name = `${wanted}#${next}`
  }
  return name
}

/** Column names are compared without letter case. */
export function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}
