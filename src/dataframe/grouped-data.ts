import { isNumeric } from '../batch/schema.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { analyzePart } from '../plan/analyze.ts'
import { isStreaming, schemaOf } from '../plan/logical.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import { type Column, callOf, isColumn, nameOf } from './column.ts'
import type { DataFrame, GroupedData } from './data-frame.ts'
import { literal } from './literal.ts'
import { notProvided } from './not-provided.ts'

/** `agg` takes columns, or one record of function by column. */
export type AggregateArguments = readonly Column[] | readonly [Readonly<Record<string, string>>]

/** Groups of a frame; `wrap` makes the frame of the result. */
export function groupedData(
  input: UnresolvedPlan,
  keys: readonly UnresolvedExpression[],
  wrap: (plan: UnresolvedPlan) => DataFrame,
  every?: string,
): GroupedData {
  const early = every === undefined ? {} : { every }
  const aggregate = (aggregates: readonly UnresolvedExpression[]): DataFrame =>
    wrap({ kind: 'aggregate', input, keys, aggregates, ...early })
  const each =
    (name: string) =>
    (...columns: readonly string[]): DataFrame =>
      aggregate(
        (columns.length > 0 ? columns : numericColumns(input, keys)).map(
          (column) => callOf(name, nameOf(column)).expression,
        ),
      )
  return {
    emit: (options) => groupedData(input, keys, wrap, options.every),
    agg: (...given: AggregateArguments) => aggregate(aggregatesOf(given)),
    count: () => aggregate([rowCount().alias('count').expression]),
    sum: each('sum'),
    avg: each('avg'),
    mean: each('avg'),
    min: each('min'),
    max: each('max'),
    ...notProvided(['cogroup'], () => isStreaming(analyzePart(input))),
  }
}

/** How many rows there are, as an aggregate. */
export function rowCount(): Column {
  return callOf('count', literal(1))
}

/** The expressions that `agg` was given. */
export function aggregatesOf(given: AggregateArguments): readonly UnresolvedExpression[] {
  return given.flatMap((item): readonly UnresolvedExpression[] => {
    if (isColumn(item)) return [item.expression]
    return Object.entries(item).map(([column, name]) => {
      const wanted = shortNames[name.toLowerCase()] ?? name
      const all = column === '*' && wanted === 'count'
      return all ? rowCount().expression : callOf(wanted, nameOf(column)).expression
    })
  })
}

/** What a record may call aggregates besides their names. */
const shortNames: Readonly<Record<string, string>> = {
  average: 'avg',
  count: 'count',
  mean: 'avg',
  size: 'count',
  std: 'stddev',
}

/** What `sum()` without names sums up: every numeric column that is not a key. */
function numericColumns(
  input: UnresolvedPlan,
  keys: readonly UnresolvedExpression[],
): readonly string[] {
  const keyNames = keys.map((key) => (key.kind === 'name' ? key.path.join('.').toLowerCase() : ''))
  return schemaOf(analyzePart(input))
    .filter(({ type, name }) => isNumeric(type) && !keyNames.includes(name.toLowerCase()))
    .map(({ name }) => `\`${name.replaceAll('`', '``')}\``)
}
