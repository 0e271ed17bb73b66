import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expr } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'

/**
 * Aggregates next to another engine's, where both mean the same. Not compared: `approx_count_distinct`
 * (another sketch), `mode` (the first of several in DuckDB), `corr` of a side without spread. DuckDB's
 * `skewness` is that of a sample, and its `kurtosis_pop` is ours.
 */
const pairs: readonly (readonly [ours: string, duckdb: string])[] = [
  ['count(1)', 'count(*)'],
  ['count(i)', 'count(i)'],
  ['count(DISTINCT i)', 'count(distinct i)'],
  ['count(DISTINCT s)', 'count(distinct s)'],
  [
    'count(DISTINCT i, b)',
    'count(distinct case when i is not null and b is not null then (i, b) end)',
  ],
  ['count_if(b)', 'count(*) filter (where b)'],
  ['sum(i)', 'sum(i)'],
  ['sum(DISTINCT i)', 'sum(distinct i)'],
  ['sum(x) FILTER (WHERE b)', 'sum(x) filter (where b)'],
  ['avg(i)', 'avg(i)'],
  ['avg(DISTINCT i)', 'avg(distinct i)'],
  ['avg(x)', 'avg(x)'],
  ['product(x)', 'product(x)'],
  ['min(x)', 'min(x)'],
  ['max(i)', 'max(i)'],
  ['stddev(x)', 'stddev_samp(x)'],
  ['stddev_pop(x)', 'stddev_pop(x)'],
  ['variance(i)', 'var_samp(i)'],
  ['var_pop(x)', 'var_pop(x)'],
  ['covar_pop(x, y)', 'covar_pop(x, y)'],
  ['covar_samp(x, i)', 'covar_samp(x, i)'],
  [
    'CASE WHEN var_pop(x) FILTER (WHERE y IS NOT NULL) > 0 AND var_pop(y) FILTER (WHERE x IS NOT NULL) > 0 THEN corr(x, y) END',
    'case when var_pop(x) filter (where y is not null) > 0 and var_pop(y) filter (where x is not null) > 0 then corr(x, y) end',
  ],
  [
    'CASE WHEN count(x) > 2 AND var_pop(x) > 0 THEN skewness(x) END',
    'case when count(x) > 2 and var_pop(x) > 0 then skewness(x) * (count(x) - 2) / sqrt(count(x) * (count(x) - 1)) end',
  ],
  [
    'CASE WHEN var_pop(x) > 0 THEN kurtosis(x) END',
    'case when var_pop(x) > 0 then kurtosis_pop(x) end',
  ],
  ['first(x)', 'first(x order by id)'],
  ['last(x)', 'last(x order by id)'],
  ['first(x, true)', 'first(x order by id) filter (where x is not null)'],
  ['last(x, true)', 'last(x order by id) filter (where x is not null)'],
  ['min_by(x, id) FILTER (WHERE b)', 'arg_min_null(x, id) filter (where b)'],
  ['max_by(id, -id)', 'arg_max_null(id, -id)'],
  ['bit_and(i)', 'bit_and(i)'],
  ['bit_or(i)', 'bit_or(i)'],
  ['bit_xor(i)', 'bit_xor(i)'],
  ['CAST(bool_and(b) AS INT)', 'bool_and(b)::int'],
  ['CAST(bool_or(b) AS INT)', 'bool_or(b)::int'],
  ['median(x)', 'median(x)'],
  ['percentile(x, 0.3)', 'quantile_cont(x, 0.3)'],
  ['element_at(percentile(i, array(0.1, 0.9)), 2)', 'quantile_cont(i, 0.9)'],
  ['percentile_approx(x, 0.5)', 'quantile_disc(x, 0.5)'],
  ['percentile_approx(i, 0.9)', 'quantile_disc(i, 0.9)'],
  ['size(collect_list(x))', 'coalesce(len(list(x) filter (where x is not null)), 0)'],
  ['element_at(collect_list(id), -1)', 'list(id order by id)[-1]'],
  ['size(collect_set(s))', 'count(distinct s)'],
]

let duckdb: DuckDBConnection
beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})
afterAll(() => duckdb.closeSync())

const quarter = fc.integer({ min: -40, max: 40 }).map((value) => value / 4)
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(value, { freq: 6 })
const row = fc.record({
  k: fc.nat({ max: 3 }),
  i: nullable(fc.integer({ min: -9, max: 9 })),
  x: nullable(quarter),
  y: nullable(quarter),
  s: nullable(fc.constantFrom('a', 'b', '')),
  b: nullable(fc.boolean()),
})

test('aggregates are what DuckDB makes of the same rows', async () => {
  const spark = Session.builder.getOrCreate()
  let compared = 0
  const law = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (given) => {
    const rows = given.map((each, id) => ({ id, ...each }))
    const ours = spark
      .createDataFrame(rows, 'id INT, k INT, i INT, x DOUBLE, y DOUBLE, s STRING, b BOOLEAN')
      .groupBy('k')
      .agg(...pairs.map(([call], at) => expr(call).cast('double').alias(`c${at}`)))
      .orderBy('k')
    const answer = await ours.collect()
    const values = rows.map(({ id, k, i, x, y, s, b }) => {
      const text = s === null ? 'null' : `'${s}'`
      return `(${[id, k, i, x, y].map(String).join(', ')}, ${text}, ${b})`
    })
    const theirs = await duckdb.runAndReadAll(`
      with rows(id, k, i, x, y, s, b) as (
        select id::int, k::int, i::int, x::double, y::double, s::varchar, b::boolean
        from (values ${values.join(', ')}) t(id, k, i, x, y, s, b))
      select k, ${pairs.map(([, call], at) => `(${call})::double as c${at}`).join(', ')}
      from rows group by k order by k`)
    const expected = theirs.getRowObjectsJS()
    expect(answer.map(({ k }) => k)).toEqual(expected.map(({ k }) => k))
    answer.forEach((group, at) => {
      pairs.forEach(([call], column) => {
        expectClose(call, group[`c${column}`], expected[at]?.[`c${column}`])
        compared++
      })
    })
  })
  await fc.assert(law, { numRuns: 60 })
  await spark.stop()
  expect(compared).toBeGreaterThan(5000)
}, 120_000)

function expectClose(call: string, actual: unknown, expected: unknown): void {
  const isClose =
    typeof actual === 'number' &&
    typeof expected === 'number' &&
    Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(actual), Math.abs(expected))
  if (!isClose) expect({ [call]: actual }).toEqual({ [call]: expected })
}
