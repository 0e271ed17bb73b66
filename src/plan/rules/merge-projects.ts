import type { Expression } from '../../expr/expression.ts'
import { rewriteExpression } from '../../expr/rewrite.ts'
import { isDeterministic } from '../conditions.ts'
import { type LogicalPlan, type NamedExpression, schemaOf } from '../logical.ts'
import { isPlain } from './push-filter.ts'

/**
 * A projection of a projection becomes one, as after a chain of `withColumn`, unless something would
 * be computed twice. A projection that changes nothing goes away.
 */
export function mergeProjects(node: LogicalPlan): LogicalPlan {
  if (node.kind !== 'project') return node
  const { input } = node
  if (changesNothing(node.columns, input)) return input
  if (input.kind !== 'project') return node
  const uses = usesOf(node.columns.map(({ expression }) => expression))
  const once = input.columns.every(
    ({ expression }, index) =>
      isPlain(expression) || ((uses.get(index) ?? 0) <= 1 && isDeterministic(expression)),
  )
  if (!once) return node
  const columns = node.columns.map(({ name, expression }) => ({
    name,
    expression: rewriteExpression(expression, (part) =>
      part.kind === 'column' ? (input.columns[part.index]?.expression ?? part) : part,
    ),
  }))
  return { ...node, input: input.input, columns }
}

function changesNothing(columns: readonly NamedExpression[], input: LogicalPlan): boolean {
  const schema = schemaOf(input)
  return (
    columns.length === schema.length &&
    columns.every(
      ({ name, expression }, index) =>
        expression.kind === 'column' && expression.index === index && name === schema[index]?.name,
    )
  )
}

function usesOf(expressions: readonly Expression[]): ReadonlyMap<number, number> {
  const uses = new Map<number, number>()
  for (const expression of expressions) {
    rewriteExpression(expression, (part) => {
      if (part.kind === 'column') uses.set(part.index, (uses.get(part.index) ?? 0) + 1)
      return part
    })
  }
  return uses
}
