import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { expr, udaf } from '../../src/functions.ts'
import type { Session } from '../../src/session/session.ts'
import { realSession } from './real-session.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-aggregates-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

const openSession = (options: Readonly<Record<string, string>>): Session =>
  realSession(root, options)

const longest = udaf({
  name: 'longest',
  returnType: 'string',
  zero: () => ({ texts: [] as string[] }),
  reduce: ({ texts }, text: string | null) => ({ texts: text === null ? texts : [...texts, text] }),
  merge: (left, right) => ({ texts: [...left.texts, ...right.texts] }),
  finish: ({ texts }) =>
    texts.reduce((best, text) => (text.length > best.length ? text : best), ''),
})

const calls = [
  ...['count(n)', 'sum(n)', 'avg(x)', 'min(s)', 'max(n)', 'product(x)', 'bit_xor(n)'],
  ...['stddev(x)', 'kurtosis(x)', 'corr(n, x)', 'bool_or(n > 5)'],
  ...['first(s)', 'last(n)', 'min_by(s, n)', 'max_by(n, s)', 'mode(s)'],
  ...['collect_list(s)', 'collect_set(n)', 'rows_with_max(s, n)'],
  ...['count(DISTINCT s)', 'sum(DISTINCT n)', 'count(DISTINCT n, s)'],
  ...['median(x)', 'percentile(x, array(0.1, 0.9))', 'percentile_approx(n, 0.5)'],
  ...['approx_count_distinct(s)'],
]
const columns = [...calls.map((call, at) => expr(call).alias(`c${at}`)), longest('s').alias('own')]

const schema = 'k INT, n BIGINT, x DOUBLE, s STRING'
function rowOf(k: number, round: number) {
  const mixed = (k * 7919 + round * 104_729) % 1009
  const isNull = mixed % 11 === 0
  return {
    k,
    n: isNull ? null : BigInt((mixed % 13) - 3),
    x: mixed % 17 === 0 ? null : (mixed % 29) / 4,
    s: mixed % 7 === 0 ? null : `text ${mixed % 5}`,
  }
}

test.each([
  ['memory', '1', '3'],
  ['rocksdb', '1', '1'],
  ['rocksdb', '3', '2'],
] as const)(
  'every aggregate goes on from the %s store, beyond the cache and after a restart, %s lanes then %s',
  async (store, ...lanes) => {
    const checkpointLocation = join(root, String(folders++))
    const added: ReturnType<typeof rowOf>[] = []
    let rows: readonly unknown[] = []
    let expected: readonly unknown[] = []
    for (const [life, width] of lanes.entries()) {
      const session = openSession({ store, lanes: width, stateCache: '64 KB' })
      const input = session.memoryStream(schema)
      if (added.length > 0) input.addData(added)
      const query = input
        .toDF()
        .groupBy('k')
        .agg(...columns)
        .writeStream.format('memory')
        .queryName('all')
        .outputMode('complete')
        .option('checkpointLocation', checkpointLocation)
        .start()
      for (let epoch = 0; epoch < 4; epoch++) {
        // Each key is left alone for three epochs, so that it cools down.
        const more = Array.from({ length: 150 }, (_, index) => {
          const k = (index % 75) * 4 + epoch
          return rowOf(k, life * 8 + epoch + index)
        })
        added.push(...more)
        input.addData(more)
        await query.processAllAvailable()
      }
      rows = await session.table('all').orderBy('k').collect()
      await query.stop()
      expected = await session
        .createDataFrame(added, schema)
        .groupBy('k')
        .agg(...columns)
        .orderBy('k')
        .collect()
      await session.stop()
    }
    expect(rows).toHaveLength(300)
    expect(rows).toEqual(expected)
  },
  60_000,
)

test('groups keyed by the time itself come out once, whatever of them has left memory', async () => {
  const { session, simulation } = simulatedSession({
    seed: 3,
    files: virtualFileSystem(),
    life: 0,
    config: { stateCache: '1' },
  })
  const input = session.memoryStream('s INT')
  const given: unknown[] = []
  const query = input
    .toDF()
    .selectExpr('CAST(s AS TIMESTAMP) AS t')
    .withWatermark('t', '10 seconds')
    .groupBy('t')
    .count()
    .selectExpr('CAST(t AS LONG) AS s', 'count')
    .writeStream.foreachBatch(async (batch) => {
      for (const { s, count } of await batch.collect()) given.push(`${s}: ${count}`)
    })
    .start()
  // All of one minute, which is closed second by second.
  for (let s = 120; s < 160; s++) {
    input.addData([{ s }])
    await simulation.run(query.processAllAvailable())
  }
  await simulation.run(session.stop())
  expect(given).toEqual(Array.from({ length: 30 }, (_, index) => `${120 + index}: 1`))
})
