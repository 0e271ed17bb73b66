import type { Expression } from '../../expr/expression.ts'
import { sideOf } from '../analyze-join.ts'
import { canRaise, conjunction, conjuncts, isDeterministic } from '../conditions.ts'
import { moveColumns } from '../expressions.ts'
import { type Join, type JoinType, type LogicalPlan, schemaOf } from '../logical.ts'

type Side = 'left' | 'right'

/** Sides whose rows are gone when they fail a condition of their own; the others come out with NULLs. */
const droppedSides: Readonly<Record<JoinType, readonly Side[]>> = {
  inner: ['left', 'right'],
  leftOuter: ['right'],
  rightOuter: ['left'],
  fullOuter: [],
  leftSemi: ['left', 'right'],
  leftAnti: ['right'],
}

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
  const split = splitBySide(node.condition, node, droppedSides[node.type])
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
  const split = splitBySide(predicate, join, keptSides[join.type])
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

interface Split {
  readonly left: readonly Expression[]
  /** Over the right columns alone. */
  readonly right: readonly Expression[]
  readonly kept: readonly Expression[]
}

function splitBySide(predicate: Expression, { left }: Join, sides: readonly Side[]): Split {
  const width = schemaOf(left).length
  const split: Record<Side | 'kept', Expression[]> = { left: [], right: [], kept: [] }
  for (const part of conjuncts(predicate)) {
    const side = sideOf(part, width)
    // A condition that stays may be what keeps a later one from raising an error.
    const guarded = split.kept.length > 0 && canRaise(part)
    if (side === undefined || !sides.includes(side) || guarded || !isDeterministic(part)) {
      split.kept.push(part)
    } else if (side === 'left') split.left.push(part)
    else split.right.push(moveColumns(part, (index) => index - width))
  }
  return split
}

function withFilters(join: Join, split: Split): Join {
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
