import { afterAll, expect, test } from 'vitest'
import { col, expr, session_window, window } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'

const spark = Session.builder.getOrCreate()
afterAll(() => spark.stop())

const at = (second: number): Date => new Date(second * 1000)
// Two sessions, the later one first, and a row that bridges them.
const rows = [
  { k: 1, at: at(20), n: 1 },
  { k: 1, at: at(0), n: 2 },
  { k: 1, at: at(10), n: 3 },
  { k: 1, at: at(21), n: 3 },
]
const calls = ['collect_list(n)', 'collect_set(n)', 'first(n)', 'last(n)', 'min_by(at, n % 2)']
const columns = calls.map((call, index) => expr(call).alias(`c${index}`))
const expected = { c0: [1, 2, 3, 3], c1: [1, 2, 3], c2: 1, c3: 3, c4: at(0) }

test.each([
  ['sessions that merge', session_window('at', '12 seconds'), at(0)],
  ['overlapping windows', window('at', '40 seconds', '5 seconds'), at(-10)],
])('%s keep the order in which rows came, over epochs', async (name, key, start) => {
  const input = spark.memoryStream('k INT, at TIMESTAMP, n INT')
  const query = input
    .toDF()
    .groupBy(key.alias('w'), 'k')
    .agg(...columns)
    .writeStream.format('memory')
    .queryName(name)
    .outputMode('complete')
    .start()
  for (const row of rows) {
    input.addData([row])
    await query.processAllAvailable()
  }
  const result = await spark
    .table(name)
    .filter(col('w.start').eq(start))
    .select('c0', 'c1', 'c2', 'c3', 'c4')
    .collect()
  await query.stop()
  expect(result).toEqual([expected])
})
