import { someExpression } from '../../src/plan/expressions.ts'
import { inputsOf, type LogicalPlan } from '../../src/plan/logical.ts'
import { mapExpressions } from '../../src/plan/map-expressions.ts'

/** Whether the answer may depend on the processing time. */
export function asksForTime(plan: LogicalPlan): boolean {
  let asks =
    // Its handlers are told the time in every mode.
    plan.kind === 'process' ||
    plan.kind === 'own' ||
    (plan.kind === 'aggregate' && plan.early !== undefined) ||
    (plan.kind === 'watermark' &&
      (plan.rules.maxFutureSkewMicros ?? plan.rules.idleTimeoutMicros) !== undefined)
  mapExpressions(plan, (expression) => {
    asks ||= someExpression(expression, ({ kind }) => kind === 'now')
    return expression
  })
  return asks || inputsOf(plan).some(asksForTime)
}
