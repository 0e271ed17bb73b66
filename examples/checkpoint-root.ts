// One checkpoint root for all queries: each named query has a folder of its own below it, and two
// queries never share one.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session, StreamError } from 'millrace'

const root = mkdtempSync(join(tmpdir(), 'checkpoints-'))
const spark = Session.builder
  .appName('Checkpoints')
  .config('spark.sql.streaming.checkpointLocation', root)
  .getOrCreate()
const numbers = spark.readStream.format('rate').option('rowsPerSecond', 100).load()

const even = numbers.filter('value % 2 = 0').writeStream.format('noop').queryName('even').start()
const odd = numbers.filter('value % 2 = 1').writeStream.format('noop').queryName('odd').start()
await Promise.all([even.processAllAvailable(), odd.processAllAvailable()])
console.log(`active: ${spark.streams.active.length}`)

try {
  const shared = join(root, 'even')
  const third = numbers.writeStream.format('noop').option('checkpointLocation', shared).start()
  await third.awaitTermination()
} catch (error) {
  if (!(error instanceof StreamError)) throw error
  console.log(`refused: ${error.code}`)
  console.log(error.hint)
}

await even.stop()
await odd.stop()
await spark.stop()
