import type { Expression } from '../expr/expression.ts'
import { fold } from '../expr/fold.ts'
import { conjuncts } from './conditions.ts'
import type { Filter, LogicalPlan, TopN } from './logical.ts'
import { schemaOf } from './logical.ts'

/**
 * The filter over rows that are numbered only as far as it asks for: `number <= n`, `number < n` and
 * `number = n`, either way round, alone or among conditions that all have to hold.
 */
export function boundRanks(filter: Filter): Filter {
  let input = filter.input
  for (const condition of conjuncts(filter.predicate)) {
    const bound = boundOf(condition)
    if (bound !== undefined) input = bounded(input, bound.column, bound.limit)
  }
  return input === filter.input ? filter : { ...filter, input }
}

interface Bound {
  readonly column: number
  readonly limit: number
}

const mirrored: Readonly<Record<string, string>> = { '>=': '<=', '>': '<', '=': '=' }

function boundOf(condition: Expression): Bound | undefined {
  if (condition.kind !== 'call') return undefined
  const [left, right] = condition.args
  if (left === undefined || right === undefined) return undefined
  const column = columnOf(left)
  if (column !== undefined) return boundBy(column, condition.name, right)
  const swapped = columnOf(right)
  const name = mirrored[condition.name]
  return swapped === undefined || name === undefined ? undefined : boundBy(swapped, name, left)
}

function boundBy(column: number, name: string, constant: Expression): Bound | undefined {
  const folded = fold(constant)
  if (folded.kind !== 'literal') return undefined
  const { value, type } = folded
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  const n = type.kind === 'decimal' ? Number(value) / 10 ** type.scale : Number(value)
  if (Number.isNaN(n)) return undefined
  const highest = { '<=': Math.floor(n), '=': Math.floor(n), '<': Math.ceil(n) - 1 }[name]
  // The filter stays, and drops the first row too where nothing passes.
  return highest === undefined ? undefined : { column, limit: Math.max(1, highest) }
}

/** A column, as it is or as a wider number: numbers of rows are whole, so both say the same. */
function columnOf(expression: Expression): number | undefined {
  if (expression.kind === 'cast')
    return isNumber(expression) ? columnOf(expression.input) : undefined
  return expression.kind === 'column' ? expression.index : undefined
}

function isNumber({ type }: Expression): boolean {
  return ['int', 'long', 'double', 'decimal'].includes(type.kind)
}

/** The plan with the bound at the ranking that makes the column, if one does. */
function bounded(plan: LogicalPlan, column: number, limit: number): LogicalPlan {
  switch (plan.kind) {
    case 'filter': {
      const input = bounded(plan.input, column, limit)
      return input === plan.input ? plan : { ...plan, input }
    }
    case 'project': {
      const expression = plan.columns[column]?.expression
      if (expression?.kind !== 'column') return plan
      const input = bounded(plan.input, expression.index, limit)
      return input === plan.input ? plan : { ...plan, input }
    }
    case 'topN':
      return column === schemaOf(plan.input).length ? lowered(plan, limit) : plan
    default:
      return plan
  }
}

function lowered(plan: TopN, limit: number): TopN {
  return plan.limit !== undefined && plan.limit <= limit ? plan : { ...plan, limit }
}
