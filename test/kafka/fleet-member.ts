/**
 * One process of a fleet from one topic of Kafka into another, exactly once: `fleet-member.js <bootstrap> <from> <to>
 * <checkpoint> <group>`. Says which partitions it works on whenever that changes, and ends at the signal SIGTERM.
 */
import { col, concat, lit, upper } from '../../src/functions.ts'
import { onTerminationSignal, Session } from '../../src/index.ts'

const [bootstrap = '', from = '', to = '', checkpoint = '', group = ''] = process.argv.slice(2)
const session = Session.builder.config('progress', 'off').getOrCreate()
const fleet = session.readStream
  .format('kafka')
  .option('kafka.bootstrap.servers', bootstrap)
  .option('subscribe', from)
  .option('startingOffsets', 'earliest')
  .option('maxOffsetsPerTrigger', 50)
  .load()
  .filter(col('value').isNotNull())
  .select(concat(lit('copy of '), upper(col('value').cast('string'))).alias('value'))
  .writeStream.format('kafka')
  .option('kafka.bootstrap.servers', bootstrap)
  .option('topic', to)
  .option('checkpointLocation', checkpoint)
  .startFleet({ group, sessionTimeout: '6 seconds' })

let told = ''
const watch = setInterval(() => {
  const owned = [...fleet.queries.keys()].toSorted().join(' ')
  if (owned === told) return
  told = owned
  process.stdout.write(`owns ${owned}\n`)
}, 20)
onTerminationSignal(() => void fleet.stop())
try {
  await fleet.awaitTermination()
} finally {
  clearInterval(watch)
  await session.stop()
}
process.stdout.write('at the end\n')
