// Sums per window and customer in update mode: each epoch hands out the groups it changed.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'millrace'
import { col, window } from 'millrace/functions'

const folder = mkdtempSync(join(tmpdir(), 'orders-'))
arrive('1', [
  { customer: 'ada', amount: 20, event_time: '2026-01-01T12:01:00Z' },
  { customer: 'bob', amount: 5, event_time: '2026-01-01T12:04:00Z' },
])
arrive('2', [{ customer: 'ada', amount: 22, event_time: '2026-01-01T12:02:00Z' }])

const spark = Session.builder.appName('Sums').getOrCreate()
const orders = spark.readStream
  .schema('customer STRING, amount DOUBLE, event_time TIMESTAMP')
  .option('maxFilesPerTrigger', 1)
  .json(folder)

const sums = orders
  .withWatermark('event_time', '10 minutes')
  .groupBy(window(col('event_time'), '5 minutes'), col('customer'))
  .sum('amount')

const query = sums.writeStream
  .outputMode('update')
  .format('console')
  .option('truncate', false)
  .trigger({ processingTime: '100 milliseconds' })
  .start()
await query.processAllAvailable()
await query.stop()
await spark.stop()

function arrive(name: string, rows: readonly object[]): void {
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`)
  writeFileSync(join(folder, `${name}.json`), lines.join(''))
}
