import { typeText } from '../batch/schema.ts'
import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { defaultName } from '../expr/names.ts'
import { expressionText } from '../expr/print.ts'
import { call } from '../expr/resolve.ts'
import { rewriteExpression } from '../expr/rewrite.ts'
import { refuseAggregates } from './analyze-aggregate.ts'
import { positionOf } from './analyze-select.ts'
import { conjunction, conjuncts } from './conditions.ts'
import { columnAt, foldConstants } from './expressions.ts'
import { keyOf } from './join-conditions.ts'
import {
  isStreaming,
  type Join,
  type JoinKey,
  keepsLeftOnly,
  type LogicalPlan,
  type NamedExpression,
  schemaOf,
} from './logical.ts'
import { type Analyzed, bind, movedQualifiers } from './scope.ts'
import type { UnresolvedJoin } from './unresolved-plan.ts'

/**
 * Resolves what must be true of a pair, and takes the equalities of one side with the other out of it.
 * @throws StreamError `COLUMN_NOT_FOUND`, `AMBIGUOUS_COLUMN`, `DATATYPE_MISMATCH`, `DURATION_INVALID`
 */
export function analyzeJoin(left: Analyzed, right: Analyzed, written: UnresolvedJoin): Analyzed {
  const { type, refresh, using } = written
  if (refresh !== undefined && isStreaming(left.plan) && isStreaming(right.plan)) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'refresh',
      value: refresh,
      expected:
        'no such option in a join of two streams: it says how often a side that does not stream is read',
    })
  }
  const base: Join = {
    kind: 'join',
    left: left.plan,
    right: right.plan,
    type,
    keys: [],
    ...(refresh === undefined ? {} : { refreshMicros: parseDuration(refresh) }),
  }
  const width = schemaOf(left.plan).length
  const both: Analyzed = {
    // Of the condition's own scope: it sees every column as it comes in.
    plan: { ...base, type: 'inner' },
    qualifiers: [
      ...left.qualifiers,
      ...movedQualifiers(right.qualifiers, (index) => index + width),
    ],
  }
  if (using !== undefined) return joinUsing({ base, both, left, right, using })
  const condition = written.condition === undefined ? undefined : conditionOf(written, both)
  const plan = withCondition(base, condition)
  return keepsLeftOnly(type) ? { plan, qualifiers: left.qualifiers } : { ...both, plan }
}

function conditionOf({ condition: written }: UnresolvedJoin, both: Analyzed): Expression {
  if (written === undefined) throw new StreamError('INTERNAL', { what: 'a join without condition' })
  refuseAggregates(written, 'join')
  const condition = bind(written, both)
  if (condition.type.kind === 'boolean' || condition.type.kind === 'void') return condition
  throw new StreamError('DATATYPE_MISMATCH', {
    expression: `join(…, ${defaultName(written)})`,
    expected: 'BOOLEAN',
    actual: typeText(condition.type).toUpperCase(),
    suggestion: 'boolean',
  })
}

/** Equalities between the sides become keys; everything else stays a condition over pairs. */
function withCondition(base: Join, condition: Expression | undefined): Join {
  if (condition === undefined) return base
  const width = schemaOf(base.left).length
  const keys: JoinKey[] = []
  const rest: Expression[] = []
  for (const part of conjuncts(condition)) {
    const key = keyOf(part, width)
    if (key === undefined) rest.push(part)
    else keys.push(key)
  }
  if (rest.length === 0) return { ...base, keys }
  return { ...base, keys, condition: conjunction(rest), written: textOf(rest, base) }
}

/** Conditions in words, the same in whatever order they were written; both sides may have columns of one name. */
function textOf(conditions: readonly Expression[], { left }: Join): string {
  const width = schemaOf(left).length
  const texts = conditions.map((condition) => {
    const named = rewriteExpression(condition, (node) =>
      node.kind === 'column'
        ? { ...node, name: `${node.index < width ? 'left' : 'right'}.${node.name}` }
        : node,
    )
    return expressionText(foldConstants(named))
  })
  return texts.toSorted().join(' and ')
}

interface Using {
  readonly base: Join
  readonly both: Analyzed
  readonly left: Analyzed
  readonly right: Analyzed
  readonly using: readonly string[]
}

/** The columns that are equal come once, first; then the others of the left side and of the right one. */
function joinUsing({ base, both, left, right, using }: Using): Analyzed {
  const leftSchema = schemaOf(left.plan)
  const rightSchema = schemaOf(right.plan)
  const pairs = using.map((name) => ({
    left: positionOf(left, name),
    right: positionOf(right, name),
  }))
  const keys = pairs.map((pair): JoinKey => {
    const equal = call('=', [columnAt(leftSchema, pair.left), columnAt(rightSchema, pair.right)])
    const [first, second] = equal.kind === 'call' ? equal.args : []
    if (first === undefined || second === undefined) {
      throw new StreamError('INTERNAL', { what: 'an equality without arguments' })
    }
    return { left: first, right: second, nullSafe: false }
  })
  const plan: Join = { ...base, keys }
  const width = leftSchema.length
  const schema = schemaOf(plan)
  const kept = (side: 'left' | 'right', offset: number): readonly number[] => {
    const all = [...(side === 'left' ? leftSchema : rightSchema).keys()]
    return all.filter((at) => !pairs.some((pair) => pair[side] === at)).map((at) => at + offset)
  }
  const leftOnly = keepsLeftOnly(base.type)
  const others = [...kept('left', 0), ...(leftOnly ? [] : kept('right', width))]
  const columns: readonly NamedExpression[] = [
    ...pairs.map((pair, at) => ({
      name: leftSchema[pair.left]?.name ?? '',
      expression: keyColumn(plan, { ...pair, right: pair.right + width }, using[at] ?? ''),
    })),
    ...others.map((index) => ({
      name: schema[index]?.name ?? '',
      expression: columnAt(schema, index),
    })),
  ]
  const projected: LogicalPlan = { kind: 'project', input: plan, columns }
  // A merged key is named by either side; others keep the name of theirs.
  const qualifiers = movedQualifiers(both.qualifiers, (index) => {
    const key = pairs.findIndex((pair) => pair.left === index || pair.right + width === index)
    if (key >= 0) return key
    const other = others.indexOf(index)
    return other < 0 ? -1 : other + pairs.length
  })
  return {
    plan: projected,
    qualifiers: leftOnly ? qualifiers.slice(0, left.qualifiers.length) : qualifiers,
  }
}

/** The one column of a key that both sides have: the side that is there, or either of them. */
function keyColumn(
  plan: Join,
  pair: { readonly left: number; readonly right: number },
  name: string,
): Expression {
  const schema = schemaOf(plan)
  const left = columnAt(schema, pair.left)
  if (plan.type === 'rightOuter') return columnAt(schema, pair.right)
  return plan.type === 'fullOuter'
    ? call('coalesce', [left, columnAt(schema, pair.right)], name)
    : left
}
