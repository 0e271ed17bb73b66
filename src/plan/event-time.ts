import { unreachable } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import {
  inputsOf,
  keepsLeftOnly,
  type LogicalPlan,
  type NamedExpression,
  schemaOf,
} from './logical.ts'

/** The event-time column of a plan's rows: the one a watermark was declared on, or a window over it. */
export interface EventTimeColumn {
  readonly index: number
  readonly kind: 'time' | 'window'
}

/** The step, as it is called, that rows with an event time go into and rows without one come out of. */
export function eventTimeLostAt(plan: LogicalPlan): string | undefined {
  const [input] = inputsOf(plan)
  if (input === undefined || eventTimeColumns(plan).length > 0) return undefined
  if (eventTimeColumns(input).length === 0) return eventTimeLostAt(input)
  switch (plan.kind) {
    case 'mapRows':
      return 'map'
    case 'mapAsync':
      return 'mapAsync'
    case 'own':
      return 'operator'
    default:
      return undefined
  }
}

/**
 * Event-time columns survive filters, renames and grouping (Spark: the metadata of the attribute).
 * Empty when no watermark was declared below.
 */
export function eventTimeColumns(plan: LogicalPlan): readonly EventTimeColumn[] {
  switch (plan.kind) {
    case 'scan':
    case 'mapRows':
    case 'mapAsync':
    case 'own':
      return []
    case 'process':
      return plan.outputTime === undefined ? [] : [{ index: plan.outputTime, kind: 'time' }]
    case 'filter':
    case 'deduplicate':
    case 'sort':
    case 'limit':
    case 'generate':
      return eventTimeColumns(plan.input)
    case 'topN': {
      // What closes a partition: rows come out then, however old their other times are.
      const closing = eventTimeColumns(plan.input).filter(({ index }) =>
        plan.partition.some((one) => one.kind === 'column' && one.index === index),
      )
      return closing
    }
    case 'watermark':
      return [
        ...eventTimeColumns(plan.input).filter(({ index }) => index !== plan.column),
        { index: plan.column, kind: 'time' },
      ]
    case 'window':
    case 'session': {
      const below = eventTimeColumns(plan.input)
      const column = { index: schemaOf(plan.input).length, kind: 'window' as const }
      return eventTimeOf(plan.time, below) === 'time' ? [...below, column] : below
    }
    case 'project':
      return follow(plan.columns, eventTimeColumns(plan.input))
    case 'aggregate':
      return follow(plan.keys, eventTimeColumns(plan.input))
    case 'asofJoin':
      // The right row may be older than any watermark.
      return eventTimeColumns(plan.left)
    case 'join': {
      const left = eventTimeColumns(plan.left)
      if (keepsLeftOnly(plan.type)) return left
      const width = schemaOf(plan.left).length
      const right = eventTimeColumns(plan.right)
      return [...left, ...right.map(({ index, kind }) => ({ index: index + width, kind }))]
    }
    case 'union':
      // Every input must agree: a column that is event time in one branch only is not safe to evict by.
      return plan.inputs
        .map(eventTimeColumns)
        .reduce((all, some) =>
          all.filter((a) => some.some((b) => a.index === b.index && a.kind === b.kind)),
        )
    default:
      return unreachable(plan)
  }
}

function follow(
  columns: readonly NamedExpression[],
  below: readonly EventTimeColumn[],
): readonly EventTimeColumn[] {
  return columns.flatMap(({ expression }, index) => {
    const kind = eventTimeOf(expression, below)
    return kind === undefined ? [] : [{ index, kind }]
  })
}

/** `window_time(window)`, the last moment of a window, is event time again: how windows are chained. */
function eventTimeOf(
  expression: Expression,
  below: readonly EventTimeColumn[],
): EventTimeColumn['kind'] | undefined {
  if (expression.kind === 'column') {
    return below.find(({ index }) => index === expression.index)?.kind
  }
  const [argument] = expression.kind === 'call' ? expression.args : []
  const chained = expression.kind === 'call' && expression.name === 'window_time'
  return chained && argument !== undefined && eventTimeOf(argument, below) === 'window'
    ? 'time'
    : undefined
}
