import { type Aggregate, inputsOf, type LogicalPlan, schemaOf } from './logical.ts'

/**
 * The columns that hold sessions of single rows, still to be merged by an aggregation keyed by them
 * (Spark: the marker in the metadata of the attribute). What an aggregation gives out is merged already:
 * grouping by that again compares whole sessions.
 */
export function sessionColumns(plan: LogicalPlan): readonly number[] {
  switch (plan.kind) {
    case 'session':
      return [...sessionColumns(plan.input), schemaOf(plan.input).length]
    case 'project': {
      const below = sessionColumns(plan.input)
      return plan.columns.flatMap(({ expression }, index) =>
        expression.kind === 'column' && below.includes(expression.index) ? [index] : [],
      )
    }
    case 'filter':
    case 'watermark':
    case 'window':
    case 'generate':
    case 'deduplicate':
    case 'sort':
    case 'limit':
      return sessionColumns(plan.input)
    case 'union': {
      const [first, ...others] = inputsOf(plan).map(sessionColumns)
      return (first ?? []).filter((column) => others.every((other) => other.includes(column)))
    }
    default:
      return []
  }
}

/** Which key of an aggregation merges sessions; `undefined` for other aggregations. */
export function sessionKeyOf({ input, keys }: Aggregate): number | undefined {
  const sessions = sessionColumns(input)
  const key = keys.findIndex(
    ({ expression }) => expression.kind === 'column' && sessions.includes(expression.index),
  )
  return key < 0 ? undefined : key
}
