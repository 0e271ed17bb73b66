import { type Expression, isNullable } from '../../expr/expression.ts'
import { canRaise, conjunction, isDeterministic } from '../conditions.ts'
import { isTimeRange } from '../join-bounds.ts'
import {
  aloneSides,
  keyOf,
  type Side,
  type SplitCondition,
  splitCondition,
} from '../join-conditions.ts'
import {
  isStreaming,
  type Join,
  type JoinKey,
  type JoinType,
  type LogicalPlan,
  schemaOf,
} from '../logical.ts'

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
 * part of the condition, where a range of times says how long rows must be kept, and of the keys.
 */
export function throughJoin(
  predicate: Expression,
  join: Join,
): { readonly join: Join; readonly kept: readonly Expression[] } | undefined {
  const split = splitCondition(join, predicate, keptSides[join.type], 'filter')
  const { merged, kept } =
    join.type === 'inner' ? merge(join, split.kept) : { merged: [], ...split }
  if (split.left.length + split.right.length + merged.length === 0) return undefined
  const pushed = withFilters(join, split)
  return { join: merged.length === 0 ? pushed : withConditions(pushed, merged), kept }
}

/** Takes out of the conditions of a filter above an inner join those that may be tried in it. */
function merge(join: Join, conditions: readonly Expression[]) {
  const merged: Expression[] = []
  const kept: Expression[] = []
  // Where the condition is NULL a filter above would not be tried any more.
  const isNull = join.condition !== undefined && isNullable(join.condition)
  for (const part of conditions) {
    // Sums of times, in a range, can leave what a TIMESTAMP holds; others stay where bad rows are told apart.
    const isSafe = !canRaise(part) || (!isNull && kept.length === 0 && isTimeRange(part, join))
    if (isSafe && isDeterministic(part)) merged.push(part)
    else kept.push(part)
  }
  return { merged, kept }
}

/** An inner join under more conditions. */
function withConditions(join: Join, conditions: readonly Expression[]): Join {
  const width = schemaOf(join.left).length
  // What is in state goes by the keys, so a filter may add none to those that a join of streams has.
  const isKeyed = join.keys.length > 0 && isStreaming(join.left) && isStreaming(join.right)
  const keys: JoinKey[] = []
  const rest = join.condition === undefined ? [] : [join.condition]
  for (const part of conditions) {
    const key = isKeyed ? undefined : keyOf(part, width)
    if (key === undefined) rest.push(part)
    else keys.push(key)
  }
  const { condition: _, ...others } = join
  return {
    ...others,
    keys: [...join.keys, ...keys],
    ...(rest.length === 0 ? {} : { condition: conjunction(rest) }),
  }
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
