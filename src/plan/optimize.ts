import { foldConstants } from './expressions.ts'
import { type LogicalPlan, rewrite } from './logical.ts'
import { mapExpressions } from './map-expressions.ts'
import { mergeFilters } from './rules/merge-filters.ts'
import { mergeProjects } from './rules/merge-projects.ts'
import { pruneColumns } from './rules/prune-columns.ts'
import { pruneFields } from './rules/prune-fields.ts'
import { pushFilter } from './rules/push-filter.ts'
import { pushJoinCondition } from './rules/push-join-condition.ts'
import { shareScans } from './rules/share-scans.ts'
import { wantRows } from './rules/want-rows.ts'

const roundsMax = 32

const nodeRules: readonly ((node: LogicalPlan) => LogicalPlan)[] = [
  (node) => mapExpressions(node, foldConstants),
  dropTrueFilter,
  mergeFilters,
  pushFilter,
  pushJoinCondition,
  mergeProjects,
]

/**
 * A plan with the same answer that does less. Runs the rules until nothing changes, at most 32 times;
 * what the plan says after any number of rounds is right.
 */
export function optimize(plan: LogicalPlan): LogicalPlan {
  const smaller = untilRest(plan, nodeRules, (each) => pruneFields(pruneColumns(each)))
  return shareScans(wantRows(smaller))
}

/** A plan with the same answer and the same columns everywhere, with filters as far down as they go. */
export function pushFilters(plan: LogicalPlan): LogicalPlan {
  return untilRest(plan, [mergeFilters, pushFilter])
}

function untilRest(
  plan: LogicalPlan,
  rules: typeof nodeRules,
  last: (plan: LogicalPlan) => LogicalPlan = (same) => same,
): LogicalPlan {
  let current = plan
  for (let round = 0; round < roundsMax; round++) {
    const before = current
    for (const rule of rules) current = rewrite(current, rule)
    current = last(current)
    if (current === before) break
  }
  return current
}

function dropTrueFilter(node: LogicalPlan): LogicalPlan {
  const always =
    node.kind === 'filter' && node.predicate.kind === 'literal' && node.predicate.value === true
  return always ? node.input : node
}
