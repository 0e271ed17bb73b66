import type { Expression } from '../expr/expression.ts'
import { canRaise, conjuncts, isDeterministic } from './conditions.ts'
import { columnsRead, moveColumns } from './expressions.ts'
import { type Join, type JoinKey, type JoinType, schemaOf } from './logical.ts'

export type Side = 'left' | 'right'

/** Sides whose rows come out, with NULLs beside them, when they fail the condition of the join; others are gone. */
export const aloneSides: Readonly<Record<JoinType, readonly Side[]>> = {
  inner: [],
  leftOuter: ['left'],
  rightOuter: ['right'],
  fullOuter: ['left', 'right'],
  leftSemi: [],
  leftAnti: ['left'],
}

/** Conditions by what has to be there to try them. */
export interface SplitCondition {
  readonly left: readonly Expression[]
  /** Over the right columns alone. */
  readonly right: readonly Expression[]
  /** What needs a pair, and the conditions of the other sides. */
  readonly kept: readonly Expression[]
}

/**
 * Takes the conditions of some sides out of one over pairs, so that a row may be tried before it looks
 * for a partner. What can raise an error moves out of the condition of a join as in Spark, where what a join
 * keeps depends on it, unless it stands behind a condition of pairs, which may guard it. Out of a filter
 * above a join (`from`) it does not move: rows without a partner never came to it.
 */
export function splitCondition(
  { left }: Join,
  predicate: Expression | undefined,
  sides: readonly Side[],
  from: 'join' | 'filter' = 'join',
): SplitCondition {
  const width = schemaOf(left).length
  const split: Record<Side | 'kept', Expression[]> = { left: [], right: [], kept: [] }
  for (const part of predicate === undefined ? [] : conjuncts(predicate)) {
    const side = sideOf(part, width)
    const isUnguarded = from === 'join' && split.kept.length === 0
    const moves = isDeterministic(part) && (isUnguarded || !canRaise(part))
    if (side === undefined || !sides.includes(side) || !moves) split.kept.push(part)
    else if (side === 'left') split.left.push(part)
    else split.right.push(moveColumns(part, (index) => index - width))
  }
  return split
}

/** The key of a join that a condition over its pairs stands for; `undefined` if it is no equality of its sides. */
export function keyOf(part: Expression, width: number): JoinKey | undefined {
  if (part.kind !== 'call' || (part.name !== '=' && part.name !== '<=>')) return undefined
  const [first, second] = part.args
  if (first === undefined || second === undefined || !isDeterministic(part)) return undefined
  const sides = [sideOf(first, width), sideOf(second, width)].join()
  if (sides !== 'left,right' && sides !== 'right,left') return undefined
  const [left, right] = sides === 'left,right' ? [first, second] : [second, first]
  if (left.type.kind === 'void') return undefined
  const nullSafe = part.name === '<=>'
  return { left, right: moveColumns(right, (index) => index - width), nullSafe }
}

/** The side whose columns an expression reads; `undefined` if it reads both or none. */
function sideOf(expression: Expression, width: number): Side | undefined {
  const read = [...columnsRead(expression)]
  if (read.length === 0) return undefined
  if (read.every((index) => index < width)) return 'left'
  return read.every((index) => index >= width) ? 'right' : undefined
}
