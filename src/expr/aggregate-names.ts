import type { AggregateName } from './aggregates.ts'

/** What a name of SQL stands for. */
export interface NamedAggregate {
  /** An aggregate, or what is resolved as another one. */
  readonly name:
    | AggregateName
    | 'try_avg'
    | 'try_sum'
    | 'collect_set'
    | 'count_if'
    | 'bool_and'
    | 'bool_or'
    | 'median'
  /** The name in result columns; default: as it was written. */
  readonly shown?: string
}

const byName: Readonly<Record<string, NamedAggregate>> = {
  any: { name: 'bool_or' },
  any_value: { name: 'first' },
  approx_count_distinct: { name: 'approx_count_distinct' },
  approx_percentile: { name: 'percentile_approx' },
  array_agg: { name: 'collect_list', shown: 'collect_list' },
  avg: { name: 'avg' },
  bit_and: { name: 'bit_and' },
  bit_or: { name: 'bit_or' },
  bit_xor: { name: 'bit_xor' },
  bool_and: { name: 'bool_and' },
  bool_or: { name: 'bool_or' },
  collect_list: { name: 'collect_list' },
  collect_set: { name: 'collect_set' },
  corr: { name: 'corr' },
  count: { name: 'count' },
  count_if: { name: 'count_if' },
  covar_pop: { name: 'covar_pop' },
  covar_samp: { name: 'covar_samp' },
  every: { name: 'bool_and' },
  first: { name: 'first' },
  first_value: { name: 'first' },
  kurtosis: { name: 'kurtosis' },
  last: { name: 'last' },
  last_value: { name: 'last' },
  max: { name: 'max' },
  max_by: { name: 'max_by' },
  mean: { name: 'avg' },
  median: { name: 'median' },
  min: { name: 'min' },
  min_by: { name: 'min_by' },
  mode: { name: 'mode' },
  percentile: { name: 'percentile' },
  percentile_approx: { name: 'percentile_approx' },
  product: { name: 'product' },
  rows_with_max: { name: 'rows_with_max' },
  skewness: { name: 'skewness' },
  some: { name: 'bool_or' },
  std: { name: 'stddev_samp' },
  stddev: { name: 'stddev_samp' },
  stddev_pop: { name: 'stddev_pop' },
  stddev_samp: { name: 'stddev_samp' },
  sum: { name: 'sum' },
  try_avg: { name: 'try_avg' },
  try_sum: { name: 'try_sum' },
  var_pop: { name: 'var_pop' },
  var_samp: { name: 'var_samp' },
  variance: { name: 'var_samp' },
}

/** What an aggregate is called, letter case apart; `undefined` for other functions. */
export function aggregateNamed(name: string): NamedAggregate | undefined {
  const wanted = name.toLowerCase()
  return Object.hasOwn(byName, wanted) ? byName[wanted] : undefined
}

/** Every name that an aggregate goes by. */
export const aggregateNames: readonly string[] = Object.keys(byName)

/** A call of an aggregate as Spark names its column, given the texts of all arguments. */
export function shownAggregate(
  name: string,
  args: readonly string[],
): { readonly name: string; readonly args: readonly string[] } {
  const found = aggregateNamed(name)
  const shown = found?.shown ?? name.toLowerCase()
  switch (found?.name) {
    // Options that are no columns do not show.
    case 'first':
    case 'last':
    case 'approx_count_distinct':
    case 'mode':
      return { name: shown, args: args.slice(0, 1) }
    case 'percentile_approx':
      return { name: shown, args: args.length === 2 ? [...args, '10000'] : args }
    case 'percentile':
      return { name: shown, args: args.length === 2 ? [...args, '1'] : args }
    default:
      return { name: shown, args }
  }
}
