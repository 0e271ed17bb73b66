import type { DataType, Schema } from '../batch/schema.ts'
import type { Expression } from '../expr/expression.ts'
import type { AsofJoinSpec } from '../operators/join/asof-join.ts'
import type { JoinSide, PairSpec } from '../operators/join/joined-pairs.ts'
import type { JoinSideSpec, JoinSpec } from '../operators/join/spec.ts'
import type { StaticJoinSpec } from '../operators/join/static-join.ts'
import { conjunction, isDeterministic } from '../plan/conditions.ts'
import { eventTimeColumns } from '../plan/event-time.ts'
import { someExpression } from '../plan/expressions.ts'
import { type JoinBound, joinBounds, joinDelay } from '../plan/join-bounds.ts'
import { aloneSides, splitCondition } from '../plan/join-conditions.ts'
import {
  type AsofJoin,
  inputsOf,
  isStreaming,
  type Join,
  type JoinType,
  type LogicalPlan,
  schemaOf,
} from '../plan/logical.ts'
import { mapExpressions } from '../plan/map-expressions.ts'
import { ColumnList } from './bucketing.ts'
import { allColumns } from './open-stage.ts'

/** Columns of one side of a join, those of its schema first, and where the keys are among them. */
export interface SideColumns {
  readonly expressions: readonly Expression[]
  readonly keys: readonly number[]
  /** Conditions of this side alone, as one column. */
  readonly filter: number | undefined
}

function sideColumns(
  schema: Schema,
  keys: readonly Expression[],
  filter: readonly Expression[],
): SideColumns {
  const columns = new ColumnList()
  for (const column of allColumns(schema)) columns.add(column)
  return {
    keys: keys.map((key) => columns.add(key)),
    filter: filter.length === 0 ? undefined : columns.add(conjunction(filter)),
    expressions: columns.expressions,
  }
}

/** Everything there is to know about a join of streams before its stages are made. */
export interface StreamJoinParts {
  readonly spec: JoinSpec
  readonly left: SideColumns
  readonly right: SideColumns
}

/** A join of two streams; `shift` is how far its input is behind the watermark of the query. */
export function streamJoinParts(join: Join, operator: string, shift: number): StreamJoinParts {
  const { left, right, type, keys } = join
  // Rows that fail a condition of their own side settle before they look for a partner (rule J4).
  const conditions = splitCondition(join, join.condition, aloneSides[type])
  const leftColumns = sideColumns(
    schemaOf(left),
    keys.map((key) => key.left),
    conditions.left,
  )
  const rightColumns = sideColumns(
    schemaOf(right),
    keys.map((key) => key.right),
    conditions.right,
  )
  const bounds = joinBounds(join)
  const spec: JoinSpec = {
    operator,
    type,
    keyTypes: keys.map((key) => key.left.type),
    nullSafe: keys.map(({ nullSafe }) => nullSafe),
    pairs: pairSpec(join, conditions.kept),
    ...(join.written === undefined ? {} : { written: join.written }),
    left: sideSpec(left, leftColumns, bounds.left),
    right: sideSpec(right, rightColumns, bounds.right),
    watermarkShift: shift,
    outputShift: shift + joinDelay(join),
  }
  return { spec, left: leftColumns, right: rightColumns }
}

/** The same for an as-of join. */
export interface AsofJoinParts {
  readonly spec: AsofJoinSpec
  readonly left: SideColumns
  readonly right: SideColumns
}

export function asofJoinParts(join: AsofJoin, operator: string): AsofJoinParts {
  const { type, keys, toleranceMicros } = join
  const columnsOf = (side: JoinSide): SideColumns =>
    sideColumns(
      schemaOf(join[side]),
      keys.map((key) => key[side]),
      [],
    )
  const [left, right] = [columnsOf('left'), columnsOf('right')]
  const spec: AsofJoinSpec = {
    operator,
    type,
    keyTypes: keys.map((key) => key.left.type),
    nullSafe: keys.map(({ nullSafe }) => nullSafe),
    pairs: pairSpec(join, []),
    left: { keys: left.keys, time: join.leftTime },
    right: { keys: right.keys, time: join.rightTime },
    ...(toleranceMicros === undefined ? {} : { toleranceMicros }),
    watermarkShift: shiftOf(join),
  }
  return { spec, left, right }
}

function sideSpec(
  plan: LogicalPlan,
  { keys, filter }: SideColumns,
  bound: JoinBound | undefined,
): JoinSideSpec {
  const [time] = eventTimeColumns(plan)
  const due =
    bound === undefined
      ? undefined
      : bound.kind === 'key'
        ? { column: keys[bound.key] ?? 0, offsetMicros: 0 }
        : { column: bound.column, offsetMicros: bound.offsetMicros }
  return {
    keys,
    ...(filter === undefined ? {} : { filter }),
    ...(time === undefined ? {} : { time: time.index }),
    ...(due === undefined ? {} : { due }),
  }
}

function pairSpec(join: Join | AsofJoin, conditions: readonly Expression[]): PairSpec {
  return {
    left: schemaOf(join.left),
    right: schemaOf(join.right),
    output: schemaOf(join),
    ...(conditions.length === 0 ? {} : { condition: conjunction(conditions) }),
  }
}

/** A join with rows that are all there: which side flows, and how the other is read. */
export interface StaticJoinParts {
  readonly spec: StaticJoinSpec
  readonly flowing: { readonly plan: LogicalPlan; readonly columns: SideColumns }
  readonly other: { readonly plan: LogicalPlan; readonly columns: SideColumns }
}

export function staticJoinParts(join: Join): StaticJoinParts {
  const { type, keys } = join
  const rightFlows = isStreaming(join.right) || (type === 'rightOuter' && !isStreaming(join.left))
  const [flowing, resting]: readonly [JoinSide, JoinSide] = rightFlows
    ? ['right', 'left']
    : ['left', 'right']
  const columnsOf = (side: JoinSide): SideColumns =>
    sideColumns(
      schemaOf(join[side]),
      keys.map((key) => key[side]),
      [],
    )
  const own = columnsOf(flowing)
  const others = columnsOf(resting)
  const keySpecs = (columns: readonly number[]) =>
    keys.map(({ left, nullSafe }, at): { column: number; type: DataType; nullSafe: boolean } => ({
      column: columns[at] ?? 0,
      type: left.type,
      nullSafe,
    }))
  return {
    spec: {
      flowing,
      pairs: pairSpec(join, join.condition === undefined ? [] : [join.condition]),
      keys: keySpecs(own.keys),
      other: { schema: schemaOf(join[resting]), keys: keySpecs(others.keys) },
      keeps: keptOf(type),
      refresh: isConstant(join[resting]) ? 'never' : (join.refreshMicros ?? 'epoch'),
    },
    flowing: { plan: join[flowing], columns: own },
    other: { plan: join[resting], columns: others },
  }
}

function keptOf(type: JoinType): StaticJoinSpec['keeps'] {
  switch (type) {
    case 'inner':
      return 'pairs'
    case 'leftSemi':
      return 'matched'
    case 'leftAnti':
      return 'unmatched'
    case 'fullOuter':
      return 'both'
    default:
      return 'flowing'
  }
}

/** Rows of this process that nothing can change: reading them again would give the same. */
function isConstant(plan: LogicalPlan): boolean {
  // A holder of rows may hold others later, as the table of a memory sink does.
  if (plan.kind === 'scan') {
    return plan.format === 'rows' && plan.handle !== undefined && !('batches' in plan.handle)
  }
  // What functions of users do with the rows may be another thing each time, such as a call of a service.
  if (['mapRows', 'mapAsync', 'own', 'process'].includes(plan.kind)) return false
  let same = true
  mapExpressions(plan, (expression) => {
    const moves = someExpression(expression, (node) => node.kind === 'now')
    same &&= isDeterministic(expression) && !moves
    return expression
  })
  return same && inputsOf(plan).every(isConstant)
}

/** How far the rows of a plan are behind the watermark of the query, because joins hold them back. */
export function shiftOf(plan: LogicalPlan): number {
  if (plan.kind === 'watermark' || !isStreaming(plan)) return 0
  const below = Math.max(0, ...inputsOf(plan).map(shiftOf))
  const holds = plan.kind === 'join' && isStreaming(plan.left) && isStreaming(plan.right)
  return holds ? below + joinDelay(plan) : below
}
