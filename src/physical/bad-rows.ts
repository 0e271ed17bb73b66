import type { BadRowPolicy } from '../core/bad-row-policy.ts'
import type { Expression } from '../expr/expression.ts'
import type { BadRowPolicies } from '../operators/bad-rows.ts'
import { someExpression } from '../plan/expressions.ts'
import type { Step } from './physical.ts'

/** A step with what becomes of rows it cannot work with: as its functions say, otherwise as the query does. */
export function withBadRows(step: Step, policy: BadRowPolicy | undefined): Step {
  if (policy === undefined) return step
  switch (step.kind) {
    case 'compute': {
      const { filter, columns } = step
      const byFunction = policiesOf(filter === undefined ? columns : [filter, ...columns])
      return { ...step, ...badRows(policy, byFunction) }
    }
    case 'mapRows': {
      const own = step.spec.function.badRows ?? policy
      return { ...step, spec: { ...step.spec, ...badRows(own, {}) } }
    }
    default:
      return step
  }
}

/** Nothing where every bad row ends the query: then nothing is prepared for others. */
function badRows(
  policy: BadRowPolicy,
  byFunction: Readonly<Record<string, BadRowPolicy>>,
): { readonly badRows?: BadRowPolicies } {
  const all = [policy, ...Object.values(byFunction)]
  return all.every((each) => each === 'fail') ? {} : { badRows: { policy, byFunction } }
}

function policiesOf(expressions: readonly Expression[]): Readonly<Record<string, BadRowPolicy>> {
  const found: Record<string, BadRowPolicy> = {}
  for (const expression of expressions) {
    someExpression(expression, (part) => {
      if (part.kind === 'udf' && part.badRows !== undefined) found[part.name] = part.badRows
      return false
    })
  }
  return found
}

/** Whether a step may send rows to the dead letters. */
export function hasDeadLetters(step: Step): boolean {
  switch (step.kind) {
    case 'rejected':
      return step.spec.policy === 'deadLetter'
    case 'watermark': {
      const { nullTime, future, maxFutureSkewMicros } = step.spec
      const isGuarded = maxFutureSkewMicros !== undefined && future === 'deadLetter'
      return nullTime === 'deadLetter' || isGuarded
    }
    case 'compute':
      return delivers(step.badRows)
    case 'mapRows':
      return delivers(step.spec.badRows)
    default:
      return false
  }
}

function delivers(badRows: BadRowPolicies | undefined): boolean {
  if (badRows === undefined) return false
  return [badRows.policy, ...Object.values(badRows.byFunction)].includes('deadLetter')
}
