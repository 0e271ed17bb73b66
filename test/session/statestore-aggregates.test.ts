import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { expr, udaf } from '../../src/functions.ts'

const calls = [
  ...['count(n)', 'sum(n)', 'avg(n)', 'avg(x)', 'min(s)', 'max(n)', 'min(d)', 'sum(d)', 'avg(d)'],
  ...['product(x)', 'bit_xor(n)', 'bool_or(n > 5)', 'count_if(n > 2)', 'any_value(s)'],
  ...['stddev(x)', 'var_pop(x)', 'skewness(x)', 'kurtosis(x)', 'corr(n, x)', 'covar_samp(n, x)'],
  ...['first(s)', 'last(n) IGNORE NULLS', 'min_by(s, n)', 'max_by(n, s)', 'mode(s)'],
  ...['collect_list(s)', 'collect_set(n)', 'rows_with_max(s, n)'],
  ...[
    'count(DISTINCT s)',
    'sum(DISTINCT n)',
    'count(DISTINCT n, s)',
    'sum(n) FILTER (WHERE n > 0)',
  ],
  ...['median(x)', 'percentile(x, array(0.1, 0.9))', 'percentile_approx(n, 0.5)'],
  ...['approx_count_distinct(s)'],
]

const longest = udaf({
  name: 'longest',
  returnType: 'string',
  zero: () => ({ texts: [] as string[] }),
  reduce: ({ texts }, text: string | null) => ({ texts: text === null ? texts : [...texts, text] }),
  merge: (left, right) => ({ texts: [...left.texts, ...right.texts] }),
  finish: ({ texts }) => texts.toSorted().at(-1) ?? '',
})

test('the state of every aggregate is shown as its result, a user’s as its buffer', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const schema = 'k INT, n BIGINT, x DOUBLE, s STRING, d DECIMAL(10,2)'
  const rows = Array.from({ length: 120 }, (_, at) => {
    const mixed = (at * 7919) % 1009
    return {
      k: at % 7 === 0 ? null : at % 5,
      n: mixed % 11 === 0 ? null : BigInt((mixed % 13) - 3),
      x: mixed % 17 === 0 ? null : (mixed % 29) / 4,
      s: mixed % 6 === 0 ? null : `text ${mixed % 5}`,
      d: mixed % 8 === 0 ? null : `${mixed % 50}.25`,
    }
  })
  const columns = calls.map((call, at) => expr(call).alias(`c${at}`))
  const work = async (): Promise<void> => {
    const input = session.memoryStream(schema)
    const query = input
      .toDF()
      .groupBy('k')
      .agg(...columns, longest('s').alias('own'))
      .writeStream.outputMode('complete')
      .format('noop')
      .option('checkpointLocation', 'checkpoint')
      .start()
    for (let from = 0; from < rows.length; from += 40) {
      input.addData(rows.slice(from, from + 40))
      await query.processAllAvailable()
    }
    const fields = calls.map((_, at) => `value.c${at} AS c${at}`)
    const state = query
      .state(0)
      .toDataFrame()
      .selectExpr('key.k AS k', ...fields)
    const expected = session
      .createDataFrame(rows, schema)
      .groupBy('k')
      .agg(...columns)
    expect(await state.orderBy('k').collect()).toEqual(await expected.orderBy('k').collect())
    const texts = rows.filter(({ k, s }) => k === 3 && s !== null).map(({ s }) => s)
    expect((await query.state(0).get(3))?.['own']).toBe(JSON.stringify({ texts }))
    await session.stop()
  }
  await simulation.run(work())
})
