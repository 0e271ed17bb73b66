import { unreachable } from '../core/error.ts'
import { exactJson } from '../core/exact-json.ts'
import { partsOf } from '../expr/names.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'

/** Replaces, from the top down, what `replace` has an answer for; what it replaced is not looked into. */
export function replaceParts(
  expression: UnresolvedExpression,
  replace: (node: UnresolvedExpression) => UnresolvedExpression | undefined,
): UnresolvedExpression {
  const replaced = replace(expression)
  if (replaced !== undefined) return replaced
  const into = (part: UnresolvedExpression): UnresolvedExpression => replaceParts(part, replace)
  switch (expression.kind) {
    case 'name':
    case 'star':
    case 'literal':
    case 'interval':
      return expression
    case 'call': {
      const args = expression.args.map(into)
      const { filter } = expression
      return { ...expression, args, ...(filter === undefined ? {} : { filter: into(filter) }) }
    }
    case 'udf':
      return { ...expression, args: expression.args.map(into) }
    case 'over': {
      const { args, partitionBy, orderBy } = expression
      return {
        ...expression,
        args: args.map(into),
        partitionBy: partitionBy.map(into),
        orderBy: orderBy.map(into),
      }
    }
    case 'cast':
    case 'field':
    case 'alias':
    case 'sort':
      return { ...expression, input: into(expression.input) }
    case 'case': {
      const branches = expression.branches.map((branch) => ({
        when: into(branch.when),
        then: into(branch.then),
      }))
      const { otherwise } = expression
      return { ...expression, branches, otherwise: otherwise && into(otherwise) }
    }
    default:
      return unreachable(expression)
  }
}

/** Every part for which the test holds, outermost first; what was found is not looked into. */
export function findParts(
  expression: UnresolvedExpression,
  test: (node: UnresolvedExpression) => boolean,
): readonly UnresolvedExpression[] {
  if (test(expression)) return [expression]
  return partsOf(expression).flatMap((part) => findParts(part, test))
}

/** What was given a name, or the expression itself. */
export function withoutAlias(expression: UnresolvedExpression): UnresolvedExpression {
  return expression.kind === 'alias' ? expression.input : expression
}

/** The call of that name, or `undefined`; function names have no letter case. */
export function callNamed(
  expression: UnresolvedExpression,
  ...names: readonly string[]
): Extract<UnresolvedExpression, { kind: 'call' }> | undefined {
  if (expression.kind !== 'call') return undefined
  return names.includes(expression.name.toLowerCase()) ? expression : undefined
}

/**
 * True when both were written alike, letter case of names apart. User functions are equal only when
 * they are the same function.
 */
export function sameExpression(left: UnresolvedExpression, right: UnresolvedExpression): boolean {
  if (left.kind === 'udf' && right.kind === 'udf' && left.call !== right.call) return false
  if (left.kind === 'call' && right.kind === 'call' && left.aggregator !== right.aggregator) {
    return false
  }
  const ownLeft = ownText(left)
  const leftParts = partsOf(left)
  const rightParts = partsOf(right)
  return (
    ownLeft === ownText(right) &&
    leftParts.length === rightParts.length &&
    leftParts.every((part, index) => {
      const other = rightParts[index]
      return other !== undefined && sameExpression(part, other)
    })
  )
}

/** What an expression is by itself, without its parts. */
function ownText(expression: UnresolvedExpression): string {
  switch (expression.kind) {
    case 'name':
    case 'star':
      return exactJson([expression.kind, expression.path.map((part) => part.toLowerCase())])
    case 'literal':
      return exactJson([
        expression.kind,
        expression.type,
        typeof expression.value,
        expression.value,
      ])
    case 'interval':
      return exactJson([expression.kind, expression.months, expression.micros])
    case 'call': {
      const { name, distinct = false, filter } = expression
      return exactJson([expression.kind, name.toLowerCase(), distinct, filter === undefined])
    }
    case 'udf':
      return exactJson([expression.kind, expression.name, expression.type])
    case 'over': {
      const { name, args, partitionBy } = expression
      return exactJson([expression.kind, name.toLowerCase(), args.length, partitionBy.length])
    }
    case 'cast':
      return exactJson([expression.kind, expression.type, expression.safe])
    case 'field':
      return exactJson([expression.kind, expression.name.toLowerCase()])
    case 'alias':
      return exactJson([expression.kind, expression.name, expression.more ?? []])
    case 'sort':
      return exactJson([expression.kind, expression.descending, expression.nullsFirst])
    case 'case':
      return exactJson([
        expression.kind,
        expression.branches.length,
        expression.otherwise === undefined,
      ])
    default:
      return unreachable(expression)
  }
}
