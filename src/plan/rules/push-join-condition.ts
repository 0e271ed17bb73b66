import type { Expression } from '../../expr/expression.ts'
import { canRaise, conjunction, isDeterministic } from '../conditions.ts'
import { aloneSides, type Side, type SplitCondition, splitCondition } from '../join-conditions.ts'
import type { Join, JoinType, LogicalPlan } from '../logical.ts'

/** Sides of which a filter above a join may be tried before it: their rows come out as they are. */
const keptSides: Readonly<Record<JoinType, readonly Side[]>> = {
  inner: ['left', 'right'],
  leftOuter: ['left'],
  rightOuter: ['right'],
  fullOuter: [],
  leftSemi: ['left'],
  leftAnti: ['left'],
}

/** Conditions of a join that read one side only become filters of that side, where its rows may go. */
export function pushJoinCondition(node: LogicalPlan): LogicalPlan {
  if (node.kind !== 'join' || node.condition === undefined) return node
  const alone = aloneSides[node.type]
  const dropped = (['left', 'right'] as const).filter((side) => !alone.includes(side))
  const split = splitCondition(node, node.condition, dropped)
  if (split.left.length === 0 && split.right.length === 0) return node
  const { condition: _, ...rest } = node
  const { kept } = split
  return {
    ...withFilters(rest, split),
    ...(kept.length === 0 ? {} : { condition: conjunction(kept) }),
  }
}

/**
 * A filter above a join, as far as it may be tried on one of its sides. Of an inner join the rest becomes
 * part of the condition, where a range of times says how long rows must be kept.
 */
export function throughJoin(
  predicate: Expression,
  join: Join,
): { readonly join: Join; readonly kept: readonly Expression[] } | undefined {
  const split = splitCondition(join, predicate, keptSides[join.type])
  const merged = join.type === 'inner' ? split.kept.filter(canMove) : []
  if (split.left.length + split.right.length + merged.length === 0) return undefined
  const kept = split.kept.filter((part) => !merged.includes(part))
  const pushed = withFilters(join, split)
  if (merged.length === 0) return { join: pushed, kept }
  const condition = conjunction([...(join.condition ? [join.condition] : []), ...merged])
  return { join: { ...pushed, condition }, kept }
}

/** Where the condition is NULL a filter above would not be tried any more. */
function canMove(part: Expression): boolean {
  return isDeterministic(part) && !canRaise(part)
}

function withFilters(join: Join, split: SplitCondition): Join {
  return {
    ...join,
    left: filtered(join.left, split.left),
    right: filtered(join.right, split.right),
  }
}

function filtered(input: LogicalPlan, conditions: readonly Expression[]): LogicalPlan {
  if (conditions.length === 0) return input
  return { kind: 'filter', input, predicate: conjunction(conditions) }
}
