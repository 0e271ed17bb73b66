// Orders of the past from files, then live ones that a service pushes, in one query: the running totals
// begin with the past. The files are read to the end they have at the first start; only then the first
// pushed order is looked at, and nothing of the past is late for its window.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'millrace'
import { sum, window } from 'millrace/functions'

const folder = mkdtempSync(join(tmpdir(), 'orders-'))
const spark = Session.builder.appName('Backfill').config('progress', 'off').getOrCreate()
const schema = 'at TIMESTAMP, customer STRING, amount DOUBLE'
const day = (text: string): Date => new Date(`2026-01-${text}Z`)

// Two years of files would do as well: an epoch takes one at a time.
for (const rows of [
  [
    [day('03T10:00:00'), 'ada', 20],
    [day('01T09:00:00'), 'ada', 5],
  ],
  [[day('02T12:00:00'), 'bob', 7]],
]) {
  await spark.createDataFrame(rows, schema).write.mode('append').json(join(folder, 'past'))
}
const past = spark.readStream.schema(schema).option('maxFilesPerTrigger', 1).json(`${folder}/past`)
const live = spark.pushSource(schema)

const query = past
  .followedBy(live.toDF())
  .withWatermark('at', '1 hour')
  .groupBy(window('at', '1 day'), 'customer')
  .agg(sum('amount').alias('total'))
  .writeStream.option('checkpointLocation', join(folder, 'checkpoint'))
  .foreach(({ window: days, customer, total }) => {
    console.log(`${JSON.stringify(days).slice(10, 20)} ${customer}: ${total}`)
  })
  .start()

await live.push([[day('03T11:00:00'), 'ada', 22]])
await query.processAllAvailable()
await live.push([[day('04T13:00:00'), 'ada', 1]])
await query.processAllAvailable()

for (const { batchId, sources } of query.recentProgress) {
  const turns = sources.map(({ turn, numInputRows }) => `${turn} ${numInputRows}`)
  console.log(`epoch ${batchId}: files ${turns[0]}, push ${turns[1]}`)
}
await query.stop()
await spark.stop()
