import { StreamError } from '../core/error.ts'
import { mayAsk } from '../expr/asking.ts'
import { expressionText } from '../expr/print.ts'
import type { Step } from './physical.ts'

/**
 * The step itself. Only steps that compute columns wait for schema registries.
 * @throws StreamError `EXPRESSION_MISPLACED` for a condition of a join that would ask one
 */
export function withoutQuestions(step: Step): Step {
  if (step.kind !== 'join' && step.kind !== 'staticJoin') return step
  const { condition } = step.spec.pairs
  if (condition === undefined || !mayAsk(condition)) return step
  throw new StreamError('EXPRESSION_MISPLACED', {
    expression: expressionText(condition),
    why: 'it asks a schema registry, which a join does not wait for',
    fix: 'Decode the value in a select or withColumn before the join.',
  })
}
