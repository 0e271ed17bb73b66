import { expect, test } from 'vitest'
import { col, explode, lit, split, sum, udf, window } from '../../src/functions.ts'
import { oracleLaunch } from './oracle-launch.ts'

const launch = oracleLaunch()
const orders = launch.frame('id BIGINT, customer STRING, price INT, at TIMESTAMP', [
  { id: 1n, customer: 'ann', price: 20, at: new Date('2024-05-01T10:01:00Z') },
  { id: 2n, customer: 'bob', price: 5, at: new Date('2024-05-01T10:04:00Z') },
  { id: 3n, customer: 'ann', price: 7, at: new Date('2024-05-01T10:06:00Z') },
  { id: 4n, customer: null, price: null, at: null },
])

test('rows come as objects, LONG as bigint and TIMESTAMP as Date', async () => {
  expect(await orders.where(col('price').gt(6)).select('id', 'at').collect()).toEqual([
    { id: 1n, at: new Date('2024-05-01T10:01:00Z') },
    { id: 3n, at: new Date('2024-05-01T10:06:00Z') },
  ])
})

test('take, first, head, count and isEmpty answer what they say', async () => {
  expect(await orders.select('id').take(2)).toEqual([{ id: 1n }, { id: 2n }])
  expect(await orders.select('id').first()).toEqual({ id: 1n })
  expect(await orders.select('id').head(1)).toEqual([{ id: 1n }])
  expect(await orders.where('price > 100').first()).toBeUndefined()
  expect(await orders.count()).toBe(4)
  expect(await orders.where('price > 100').isEmpty()).toBe(true)
  expect(await orders.isEmpty()).toBe(false)
})

test('rows can be walked through one by one', async () => {
  const ids: unknown[] = []
  for await (const row of orders.toLocalIterator()) ids.push(row['id'])
  await orders.foreach(async ({ id }) => {
    ids.push(id)
  })
  expect(ids).toEqual([1n, 2n, 3n, 4n, 1n, 2n, 3n, 4n])
})

test('groups, windows and sorting give the right rows', async () => {
  const sums = orders
    .where(col('at').isNotNull())
    .groupBy(window('at', '5 minutes'), 'customer')
    .agg(sum('price').alias('total'))
    .orderBy(col('window.start'), col('customer').desc())
    .select(col('window.end').alias('until'), 'customer', 'total')
  expect(await sums.collect()).toEqual([
    { until: new Date('2024-05-01T10:05:00Z'), customer: 'bob', total: 5n },
    { until: new Date('2024-05-01T10:05:00Z'), customer: 'ann', total: 20n },
    { until: new Date('2024-05-01T10:10:00Z'), customer: 'ann', total: 7n },
  ])
})

test('words are counted', async () => {
  const lines = launch.frame('value STRING', [{ value: 'to be or not to be' }])
  const words = lines
    .select(explode(split('value', ' ')).alias('word'))
    .groupBy('word')
    .count()
    .where(col('count').gt(1))
    .orderBy('word')
  expect(await words.collect()).toEqual([
    { word: 'be', count: 2n },
    { word: 'to', count: 2n },
  ])
})

test('a window over a window is that of its last moment', async () => {
  const chained = orders
    .where(col('at').isNotNull())
    .groupBy(window('at', '5 minutes'))
    .count()
    .groupBy(window('window', '10 minutes'))
    .agg(sum('count').alias('n'))
  expect(await chained.select('n', 'window.start').collect()).toEqual([
    { n: 3n, start: new Date('2024-05-01T10:00:00Z') },
  ])
})

test('a function of the user makes a column', async () => {
  const shout = udf((name: string | null) => (name === null ? null : `${name}!`), 'string')
  expect(await orders.select(shout('customer').alias('c')).take(1)).toEqual([{ c: 'ann!' }])
})

test('unionByName fills what is missing with NULL', async () => {
  const left = orders.select('id').limit(1)
  const right = orders.select('customer').limit(1)
  expect(await left.unionByName(right, true).collect()).toEqual([
    { id: 1n, customer: null },
    { id: null, customer: 'ann' },
  ])
})

test('show prints the table that Spark prints', async () => {
  const frame = orders.select('id', 'customer', lit('a text of more than twenty').alias('text'))
  await frame.show(2)
  expect(launch.asked.printed.at(-1)).toBe(`+---+--------+--------------------+
| id|customer|                text|
+---+--------+--------------------+
|  1|     ann|a text of more th...|
|  2|     bob|a text of more th...|
+---+--------+--------------------+
only showing top 2 rows

`)
  await orders.where('id = 4').show(20, false)
  expect(launch.asked.printed.at(-1)).toBe(`+---+--------+-----+----+
|id |customer|price|at  |
+---+--------+-----+----+
|4  |NULL    |NULL |NULL|
+---+--------+-----+----+

`)
})

test('printSchema prints the tree that Spark prints', () => {
  launch
    .frame(
      'id BIGINT NOT NULL, n INT, tags ARRAY<STRUCT<k: STRING>>, m MAP<STRING, DOUBLE>, d DECIMAL(10,2)',
    )
    .printSchema()
  expect(launch.asked.printed.at(-1)).toBe(`root
 |-- id: long (nullable = false)
 |-- n: integer (nullable = true)
 |-- tags: array (nullable = true)
 |    |-- element: struct (containsNull = true)
 |    |    |-- k: string (nullable = true)
 |-- m: map (nullable = true)
 |    |-- key: string
 |    |-- value: double (valueContainsNull = true)
 |-- d: decimal(10,2) (nullable = true)

`)
})
