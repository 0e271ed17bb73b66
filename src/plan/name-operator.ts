import { StreamError, unreachable } from '../core/error.ts'
import { isStreaming, type LogicalPlan } from './logical.ts'

/**
 * Gives the last step that keeps state a name of its own: its state lies under it in the checkpoint. A plan
 * that does not stream keeps no state and stays as it is.
 * @throws StreamError `CONFIG_INVALID` if there is no such step, or it has a name
 */
export function nameOperator(plan: LogicalPlan, name: string): LogicalPlan {
  if (!/^[A-Za-z_][A-Za-z0-9._-]*$/.test(name)) {
    throw invalid(
      name,
      'a letter or underscore, then letters, digits, dots, underscores and hyphens,',
    )
  }
  return isStreaming(plan) ? named(plan, name) : plan
}

function named(plan: LogicalPlan, name: string): LogicalPlan {
  switch (plan.kind) {
    // A limit of each answer keeps no state, which the output mode decides: the name is then handed down.
    case 'limit':
    case 'aggregate':
    case 'deduplicate':
    case 'own':
    case 'process':
    case 'topN':
      return withName(plan, name)
    case 'join':
    case 'asofJoin':
      if (isStreaming(plan.left) && isStreaming(plan.right)) return withName(plan, name)
      return isStreaming(plan.left)
        ? { ...plan, left: named(plan.left, name) }
        : { ...plan, right: named(plan.right, name) }
    case 'filter':
    case 'generate':
    case 'mapAsync':
    case 'mapRows':
    case 'project':
    case 'session':
    case 'sort':
    case 'watermark':
    case 'window':
      return { ...plan, input: named(plan.input, name) }
    case 'scan':
    case 'union':
      throw invalid(
        name,
        'a frame with a step that keeps state, such as groupBy(…).count(), before it',
      )
    default:
      return unreachable(plan)
  }
}

function withName<Plan extends { readonly operatorName?: string }>(plan: Plan, name: string): Plan {
  if (plan.operatorName === undefined) return { ...plan, operatorName: name }
  throw invalid(name, `one name (the step is called ${plan.operatorName} already)`)
}

function invalid(name: string, expected: string): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', { option: 'name', value: name, expected })
}
