// A stream of CSV files: rows per second of arrival, all of them after every file.
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'millrace'
import { current_timestamp, window } from 'millrace/functions'

const folder = mkdtempSync(join(tmpdir(), 'events-'))

const spark = Session.builder.appName('HelloStream').getOrCreate()
const events = spark.readStream.schema('user_id STRING, action STRING').csv(folder)
console.log(`a stream: ${events.isStreaming}`)

const query = events
  .withColumn('ts', current_timestamp())
  .groupBy(window('ts', '1 second'))
  .count()
  .writeStream.format('console')
  .outputMode('complete')
  .start()

arrive('first.csv', 'ada,login\nbob,login\n')
await query.processAllAvailable()
arrive('second.csv', 'ada,click\n')
await query.processAllAvailable()
await query.stop()
await spark.stop()

/** A file must appear whole: write it under a hidden name, then rename it. */
function arrive(name: string, text: string): void {
  writeFileSync(join(folder, `.${name}`), text)
  renameSync(join(folder, `.${name}`), join(folder, name))
}
