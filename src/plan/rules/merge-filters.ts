import { isNullable } from '../../expr/expression.ts'
import { canRaise, conjunction } from '../conditions.ts'
import type { LogicalPlan } from '../logical.ts'

/** `filter(p, filter(q, x))` becomes `filter(q AND p, x)`: one pass over the batch, not two. */
export function mergeFilters(node: LogicalPlan): LogicalPlan {
  if (node.kind !== 'filter' || node.input.kind !== 'filter') return node
  const { predicate: inner, input } = node.input
  // Where q is NULL its rows are gone before p sees them; `q AND p` would evaluate p there.
  if (isNullable(inner) && canRaise(node.predicate)) return node
  // The inner predicate stays first: it guarded the outer one before the merge.
  return { kind: 'filter', input, predicate: conjunction([inner, node.predicate]) }
}
