import type { Expression } from '../../expr/expression.ts'
import { rewriteExpression } from '../../expr/rewrite.ts'
import { canRaise, conjunction, conjuncts, isDeterministic } from '../conditions.ts'
import { columnAt, columnsRead } from '../expressions.ts'
import { type Filter, type LogicalPlan, type Project, schemaOf } from '../logical.ts'
import { throughJoin } from './push-join-condition.ts'

/**
 * Filters sink towards the scan, so that less is computed, exploded and assigned to windows.
 *
 * Never below a watermark: it counts the rows before later filters, as in Spark, and a filtered row
 * that no longer raised it would change what is late. Never below an aggregation either: its state
 * would depend on the filter, which may be changed between two runs.
 */
export function pushFilter(node: LogicalPlan): LogicalPlan {
  if (node.kind !== 'filter') return node
  const { input } = node
  switch (input.kind) {
    case 'project':
      return split(
        node,
        (condition) => throughProject(condition, input),
        (pushed) => ({
          ...input,
          input: { kind: 'filter', input: input.input, predicate: pushed },
        }),
      )
    case 'generate':
    case 'window':
    case 'session': {
      const width = schemaOf(input.input).length
      // These drop rows (no elements, no time), which must raise no error below that they do not above.
      const below = (condition: Expression): Expression | undefined =>
        !canRaise(condition) && [...columnsRead(condition)].every((index) => index < width)
          ? condition
          : undefined
      return split(node, below, (pushed) => ({
        ...input,
        input: { kind: 'filter', input: input.input, predicate: pushed },
      }))
    }
    case 'sort':
      return split(
        node,
        (condition) => condition,
        (pushed) => ({
          ...input,
          input: { kind: 'filter', input: input.input, predicate: pushed },
        }),
      )
    case 'union':
      return split(
        node,
        (condition) => condition,
        (pushed) => ({
          ...input,
          inputs: input.inputs.map((one) => ({
            kind: 'filter',
            input: one,
            predicate: overInput(pushed, one),
          })),
        }),
      )
    case 'join': {
      const pushed = throughJoin(node.predicate, input)
      if (pushed === undefined) return node
      const { join, kept } = pushed
      return kept.length === 0
        ? join
        : { kind: 'filter', input: join, predicate: conjunction(kept) }
    }
    default:
      return node
  }
}

/** Pushes the conditions that `move` has a form for below the input; the others stay. */
function split(
  node: Filter,
  move: (condition: Expression) => Expression | undefined,
  push: (pushed: Expression) => LogicalPlan,
): LogicalPlan {
  const pushed: Expression[] = []
  const kept: Expression[] = []
  for (const condition of conjuncts(node.predicate)) {
    const moved = isDeterministic(condition) ? move(condition) : undefined
    // A condition that stays may be what keeps a later one from raising an error.
    const guarded = kept.length > 0 && canRaise(condition)
    if (moved === undefined || guarded) kept.push(condition)
    else pushed.push(moved)
  }
  if (pushed.length === 0) return node
  const plan = push(conjunction(pushed))
  return kept.length === 0 ? plan : { kind: 'filter', input: plan, predicate: conjunction(kept) }
}

/** The condition over what the projection reads; only where that costs no second computation. */
function throughProject(condition: Expression, project: Project): Expression | undefined {
  const read = [...columnsRead(condition)].map((index) => project.columns[index]?.expression)
  if (!read.every((expression) => expression !== undefined && isPlain(expression))) return undefined
  if (!project.columns.every(({ expression }) => isDeterministic(expression))) return undefined
  return rewriteExpression(condition, (node) =>
    node.kind === 'column' ? (project.columns[node.index]?.expression ?? node) : node,
  )
}

/** The condition over one input of a union, whose columns have their own names and nullability. */
function overInput(condition: Expression, input: LogicalPlan): Expression {
  const schema = schemaOf(input)
  return rewriteExpression(condition, (node) =>
    node.kind === 'column' ? columnAt(schema, node.index) : node,
  )
}

/** A column, a field of one, or a constant: nothing is computed. */
export function isPlain(expression: Expression): boolean {
  if (expression.kind === 'field') return isPlain(expression.input)
  return expression.kind === 'column' || expression.kind === 'literal'
}
