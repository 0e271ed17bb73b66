import { expect, test } from 'vitest'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import {
  avg,
  col,
  count,
  explode,
  expr,
  lit,
  posexplode_outer,
  split,
  sum,
  upper,
  window,
} from '../../src/functions.ts'
import { oracleLaunch } from './oracle-launch.ts'

const launch = oracleLaunch()
const orders = launch.frame('id BIGINT, customer STRING, price INT, at TIMESTAMP', [], {
  streaming: true,
  name: 'orders',
})
const lines = launch.frame('value STRING, tags ARRAY<STRING>', [], { name: 'lines' })

/** The optimised plan of a frame as `explain` shows it. */
function optimized(frame: DataFrame): string {
  const [, plan = ''] = frame.explain().split('== Optimized Logical Plan ==\n')
  return plan.split('\n== Physical Plan ==')[0] ?? ''
}

const golden: readonly (readonly [string, DataFrame, string])[] = [
  [
    'a filter reaches the scan, which reads what is left',
    orders.select('customer', 'price').where(col('price').gt(10)).select('customer'),
    `
Project [customer]
+- Filter (price > 10)
   +- Stream rows as orders [customer: string, price: int]
`,
  ],
  [
    'two filters become one',
    orders.where(col('price').gt(10)).where("customer = 'ann'").select('id', 'price', 'customer'),
    `
Project [id, price, customer]
+- Filter ((price > 10) AND (customer = 'ann'))
   +- Stream rows as orders [id: bigint, customer: string, price: int], wants customer IN ('ann')
`,
  ],
  [
    'a filter stays above the watermark',
    orders.withWatermark('at', '10 minutes').where('price > 10').select('at', 'price'),
    `
Project [at, price]
+- Filter (price > 10)
   +- Watermark at, delay 10 minutes
      +- Stream rows as orders [price: int, at: timestamp]
`,
  ],
  [
    'a chain of withColumn is one projection',
    orders
      .select('price')
      .withColumn('double', col('price').multiply(2))
      .withColumn('name', lit('x')),
    `
Project [price, (price * 2) AS double, 'x' AS name]
+- Stream rows as orders [price: int]
`,
  ],
  [
    'a windowed sum',
    orders
      .withWatermark('at', '10 minutes')
      .groupBy(window('at', '5 minutes'), 'customer')
      .sum('price'),
    `
Aggregate [window, customer] [sum(price)]
+- Window at of 5 minutes AS window
   +- Watermark at, delay 10 minutes
      +- Stream rows as orders [customer: string, price: int, at: timestamp]
`,
  ],
  [
    'a sliding window with a start',
    orders.groupBy(window('at', '10 minutes', '5 minutes', '1 minute')).count(),
    `
Aggregate [window] [count(1) AS count]
+- Window at of 10 minutes every 5 minutes from 1 minute AS window
   +- Stream rows as orders [at: timestamp]
`,
  ],
  [
    'an expression over aggregates is computed above them',
    orders.groupBy('customer').agg(sum('price').divide(count('*')).alias('mean')),
    `
Project [customer, (CAST(sum(price) AS DOUBLE) / CAST(count(1) AS DOUBLE)) AS mean]
+- Aggregate [customer] [sum(price), count(1)]
   +- Stream rows as orders [customer: string, price: int]
`,
  ],
  [
    'a sum that is used twice',
    orders.agg(
      sum('price')
        .plus(sum(col('PRICE')))
        .alias('twice'),
      sum('price'),
    ),
    `
Project [(sum(price) + sum(price)) AS twice, sum(price)]
+- Aggregate [] [sum(price)]
   +- Stream rows as orders [price: int]
`,
  ],
  [
    'word count',
    lines
      .select(explode(split(col('value'), ' ')).alias('word'))
      .groupBy('word')
      .count(),
    `
Aggregate [word] [count(1) AS count]
+- Project [word]
   +- Generate explode(split(value, ' ')) AS [word]
      +- Batch rows as lines [value: string]
`,
  ],
  [
    'positions and elements, also of nothing',
    lines.select('value', posexplode_outer('tags')),
    `
Project [value, pos, col]
+- Generate posexplode_outer(tags) AS [pos, col]
   +- Batch rows as lines [value: string, tags: array<string>]
`,
  ],
  [
    'a union under one filter',
    lines
      .select('value')
      .union(lines.select(upper('value')))
      .where(col('value').isNotNull()),
    `
Union
:- Filter (value IS NOT NULL)
:  +- Batch rows as lines [value: string]
+- Filter (upper(value) IS NOT NULL)
   +- Project [upper(value)]
      +- Batch rows as lines [value: string]
`,
  ],
  [
    'chained windows',
    orders
      .withWatermark('at', '0 seconds')
      .groupBy(window('at', '1 minute'), 'customer')
      .count()
      .groupBy(window('window', '1 hour'))
      .agg(sum('count').alias('orders')),
    `
Aggregate [window#2 AS window] [sum(count) AS orders]
+- Window window_time(window) of 1 hour AS window#2
   +- Aggregate [window, customer] [count(1) AS count]
      +- Window at of 1 minute AS window
         +- Watermark at, delay 0 seconds
            +- Stream rows as orders [customer: string, at: timestamp]
`,
  ],
  [
    'the largest sums',
    lines
      .groupBy('value')
      .agg(count('*').alias('n'), avg(expr('length(value)')).alias('mean'))
      .orderBy(col('n').desc(), 'value')
      .limit(3),
    `
Limit 3
+- Sort [n DESC NULLS LAST, value ASC NULLS FIRST]
   +- Aggregate [value] [count(1) AS n, avg(length(value)) AS mean]
      +- Batch rows as lines [value: string]
`,
  ],
  [
    'constants are computed beforehand',
    orders.where(lit(1).plus(1).eq(2)).select(col('price').plus(lit(2).multiply(3)).alias('more')),
    `
Project [(price + 6) AS more]
+- Stream rows as orders [price: int]
`,
  ],
]

test.each(golden)('the plan of %s', (_claim, frame, plan) => {
  expect(optimized(frame)).toBe(plan.trimStart())
})

test('explain prints what it returns, and every step when extended', () => {
  const frame = orders.select('id').where('id > 1')
  const text = frame.explain(true)
  expect(launch.asked.printed.at(-1)).toBe(text)
  expect([...text.matchAll(/^== (.*) ==$/gm)].map(([, title]) => title)).toEqual([
    'Analyzed Logical Plan',
    'Optimized Logical Plan',
    'Physical Plan',
  ])
  expect(text).toContain(
    'Filter (id > CAST(1 AS BIGINT))\n+- Project [id]\n   +- Stream rows as orders [id: bigint, ',
  )
})
