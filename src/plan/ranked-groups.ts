import type { Expression } from '../expr/expression.ts'
import { rewriteExpression } from '../expr/rewrite.ts'
import { isDeterministic } from './conditions.ts'
import { columnAt, columnsRead } from './expressions.ts'
import {
  type Aggregate,
  type Filter,
  isStreaming,
  type LogicalPlan,
  type Project,
  schemaOf,
} from './logical.ts'

/** An aggregation and what is computed of its groups before they are ranked. */
export interface RankedGroups {
  readonly aggregate: Aggregate
  /** The steps over it, nearest first. */
  readonly steps: readonly (Filter | Project)[]
}

/** The aggregation whose groups a plan gives out one by one; `undefined` if something else stands between. */
export function rankedGroups(plan: LogicalPlan): RankedGroups | undefined {
  const steps: (Filter | Project)[] = []
  let below = plan
  while (below.kind === 'filter' || below.kind === 'project') {
    steps.unshift(below)
    below = below.input
  }
  return below.kind === 'aggregate' && isStreaming(below) ? { aggregate: below, steps } : undefined
}

/** Whether an expression over the rows behind `steps` says the same of a group for ever. */
export function isOfKeys(
  expression: Expression,
  { aggregate, steps }: RankedGroups,
  behind: number = steps.length,
): boolean {
  let traced = expression
  for (const step of steps.slice(0, behind).reverse()) {
    if (step.kind === 'filter') continue
    traced = rewriteExpression(traced, (node) =>
      node.kind === 'column' ? (step.columns[node.index]?.expression ?? node) : node,
    )
  }
  const isKey = (column: number): boolean => column < aggregate.keys.length
  return isDeterministic(traced) && [...columnsRead(traced)].every(isKey)
}

/** The same rows with the keys of their groups behind them, and where these stand. */
export function withGroupKeys(plan: LogicalPlan): {
  readonly plan: LogicalPlan
  readonly keys: readonly number[]
} {
  switch (plan.kind) {
    case 'filter': {
      const below = withGroupKeys(plan.input)
      return { plan: { ...plan, input: below.plan }, keys: below.keys }
    }
    case 'project': {
      const below = withGroupKeys(plan.input)
      const schema = schemaOf(below.plan)
      const carried = below.keys.map((key) => ({
        name: schema[key]?.name ?? '',
        expression: columnAt(schema, key),
      }))
      return {
        plan: { ...plan, input: below.plan, columns: [...plan.columns, ...carried] },
        keys: carried.map((_, at) => plan.columns.length + at),
      }
    }
    default:
      return { plan, keys: plan.kind === 'aggregate' ? [...plan.keys.keys()] : [] }
  }
}
