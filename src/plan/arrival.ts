import type { LogicalPlan } from './logical.ts'

/**
 * Whether the rows have a place among those of their epoch, that of the rows of a source: results of groups,
 * of pairs and of custom state have none, and come out in an order that depends on how the work is spread.
 */
export function keepsArrival(plan: LogicalPlan): boolean {
  switch (plan.kind) {
    case 'scan':
      return true
    case 'aggregate':
    case 'join':
    case 'asofJoin':
    case 'process':
    case 'own':
    case 'topN':
      return false
    case 'union':
      return plan.inputs.every(keepsArrival)
    default:
      return keepsArrival(plan.input)
  }
}
