// Orders joined with a table of prices that changes while the query runs. By default the table is read
// again in every epoch; with `refresh` once in that time, so that a large table costs less.
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'millrace'

const folder = mkdtempSync(join(tmpdir(), 'prices-'))

/** Replaces the table as a whole: who reads it sees the old prices or the new ones. */
function setPrices(prices: Readonly<Record<string, number>>): void {
  const lines = Object.entries(prices).map(([item, price]) => JSON.stringify({ item, price }))
  writeFileSync(join(folder, '.next'), lines.join('\n'))
  renameSync(join(folder, '.next'), join(folder, 'prices.json'))
}

const spark = Session.builder.appName('Prices').config('progress', 'off').getOrCreate()
const orders = spark.memoryStream('item STRING, pieces INT')
setPrices({ tea: 3 })
const prices = spark.read.schema('item STRING, price INT').json(folder)

const totals: string[] = []
const start = (name: string, refresh?: string) =>
  orders
    .toDF()
    .join(prices, 'item', 'left', refresh === undefined ? {} : { refresh })
    .selectExpr('item', 'pieces * price AS total')
    .writeStream.queryName(name)
    .foreach((row) => void totals.push(`${name}: ${row['item']} ${row['total']}`))
    .start()
const queries = [start('always new'), start('once an hour', '1 hour')]

for (const [item, price] of [
  ['tea', 3],
  ['tea', 4],
  ['coffee', 4],
] as const) {
  setPrices({ tea: price, ...(item === 'coffee' ? { coffee: 5 } : {}) })
  orders.addData([{ item, pieces: 10 }])
  for (const query of queries) await query.processAllAvailable()
}

for (const query of queries) await query.stop()
for (const line of totals.sort()) console.log(line)
await spark.stop()
