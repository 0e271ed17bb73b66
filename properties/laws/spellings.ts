import type { Column } from '../../src/dataframe/column.ts'
import { expr } from '../../src/dataframe/functions-core.ts'
import {
  avg,
  bit_xor,
  bool_or,
  col,
  collect_list,
  collect_set,
  concat,
  corr,
  count,
  count_distinct,
  explode,
  explode_outer,
  first,
  kurtosis,
  last,
  lit,
  max,
  median,
  min,
  min_by,
  mode,
  rows_with_max,
  second,
  session_window,
  skewness,
  sort_array,
  stddev,
  sum,
  upper,
  var_pop,
  when,
  window,
} from '../../src/functions.ts'

/** Makes a column of a term of a random query, which is given in SQL. */
export type Spell = (text: string) => Column

/** By the parser of SQL. */
export const inSql: Spell = expr

/** By functions and methods; `undefined` where these have no word for it. */
export function inFunctions(text: string): Column | undefined {
  const [, name] = /^(\w+) IS NOT NULL$/.exec(text) ?? []
  if (name !== undefined) return col(name).isNotNull()
  if (/^\w+$/.test(text)) return col(text)
  return functions[text]?.()
}

const functions: Readonly<Record<string, () => Column>> = {
  "window(t, '10 seconds')": () => window('t', '10 seconds'),
  "window(t, '10 seconds', '4 seconds')": () => window('t', '10 seconds', '4 seconds'),
  "window(t, '6 seconds', '6 seconds', '1 second')": () =>
    window('t', '6 seconds', '6 seconds', '1 second'),
  "session_window(t, '3 seconds')": () => session_window('t', '3 seconds'),
  "session_window(t, concat(CAST(second(t) % 5 AS STRING), ' seconds'))": () =>
    session_window('t', concat(second('t').mod(5).cast('STRING'), lit(' seconds'))),
  'rows_with_max(t, n)': () => rows_with_max('t', 'n'),
  'count(1)': () => count(lit(1)),
  'count(k)': () => count('k'),
  'count(DISTINCT k)': () => count_distinct('k'),
  'max(t)': () => max('t'),
  'max(n)': () => max('n'),
  'min(k)': () => min('k'),
  'min(x)': () => min('x'),
  'sum(n)': () => sum('n'),
  'sum(x)': () => sum('x'),
  'sum(CASE WHEN n > 0 THEN n END)': () => sum(when(col('n').gt(0), col('n'))),
  'avg(n)': () => avg('n'),
  'avg(x)': () => avg('x'),
  "bool_or(k > 'b')": () => bool_or(col('k').gt('b')),
  'sort_array(collect_set(k))': () => sort_array(collect_set('k')),
  'sort_array(collect_list(k))': () => sort_array(collect_list('k')),
  'stddev(n)': () => stddev('n'),
  'skewness(n)': () => skewness('n'),
  'kurtosis(n)': () => kurtosis('n'),
  'corr(n, n % 3)': () => corr('n', col('n').mod(3)),
  'bit_xor(n)': () => bit_xor('n'),
  'mode(n)': () => mode('n'),
  'median(x)': () => median('x'),
  'var_pop(x)': () => var_pop('x'),
  'first(k)': () => first('k'),
  'first(x, true)': () => first('x', true),
  'last(n) IGNORE NULLS': () => last('n', true),
  'collect_list(k)': () => collect_list('k'),
  'collect_set(k)': () => collect_set('k'),
  'min_by(t, n)': () => min_by('t', 'n'),
  'n % 3 <> 1 OR n IS NULL': () => col('n').mod(3).neq(1).or(col('n').isNull()),
  "k <> 'b'": () => col('k').neq('b'),
  'n * 2 - 1': () => col('n').multiply(2).minus(1),
  'x / 4 + 0.5D': () => col('x').divide(4).plus(0.5),
  "concat(upper(k), '-')": () => concat(upper('k'), lit('-')),
  'explode(a)': () => explode('a'),
  'explode_outer(a)': () => explode_outer('a'),
}
