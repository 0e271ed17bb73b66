import { typeText } from '../batch/schema.ts'
import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import { expressionText } from '../expr/print.ts'
import { analyzeJoin } from './analyze-join.ts'
import { positionOf } from './analyze-select.ts'
import { type AsofJoin, type Join, type LogicalPlan, schemaOf } from './logical.ts'
import type { Analyzed } from './scope.ts'
import type { UnresolvedAsofJoin } from './unresolved-plan.ts'

/**
 * Resolves the keys as those of any join, and the times.
 * @throws StreamError `COLUMN_NOT_FOUND`, `DATATYPE_MISMATCH`, `CONFIG_INVALID`, `DURATION_INVALID`
 */
export function analyzeAsofJoin(
  left: Analyzed,
  right: Analyzed,
  written: UnresolvedAsofJoin,
): Analyzed {
  const { join, tolerance } = written
  const times = {
    leftTime: timeOf(left, written.leftTime, 'leftTime'),
    rightTime: timeOf(right, written.rightTime, 'rightTime'),
    ...(tolerance === undefined ? {} : { toleranceMicros: parseDuration(tolerance) }),
  }
  const analyzed = analyzeJoin(left, right, join)
  const replaced = (base: Join): AsofJoin => {
    const { keys, condition } = base
    if (condition !== undefined) throw noEquality(expressionText(condition))
    if (keys.length === 0) throw noEquality('nothing')
    return { kind: 'asofJoin', left: base.left, right: base.right, type: join.type, keys, ...times }
  }
  return { ...analyzed, plan: withJoin(analyzed.plan, replaced) }
}

/** Keys that are merged stand in a projection over the join. */
function withJoin(plan: LogicalPlan, replaced: (join: Join) => AsofJoin): LogicalPlan {
  if (plan.kind === 'join') return replaced(plan)
  if (plan.kind === 'project') return { ...plan, input: withJoin(plan.input, replaced) }
  throw new StreamError('INTERNAL', { what: `an as-of join of a ${plan.kind}` })
}

function timeOf(side: Analyzed, name: string, option: string): number {
  const position = positionOf(side, name)
  const type = schemaOf(side.plan)[position]?.type
  if (type?.kind === 'timestamp') return position
  throw new StreamError('DATATYPE_MISMATCH', {
    expression: `asofJoin(…, { ${option}: '${name}' })`,
    expected: 'TIMESTAMP',
    actual: type === undefined ? 'nothing' : typeText(type).toUpperCase(),
    suggestion: 'timestamp',
  })
}

function noEquality(value: string): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', {
    option: 'on of asofJoin',
    value,
    expected: 'at least one column that both frames have, or equalities of a column of each',
  })
}
