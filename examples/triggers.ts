// What a trigger does, and a LONG beyond 2^53 that stays exact.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DataFrame, Session } from 'millrace'
import { Trigger, type TriggerOptions } from 'millrace/streaming'
import { LongType, StringType, StructType } from 'millrace/types'

const folder = mkdtempSync(join(tmpdir(), 'readings-'))
const input = join(folder, 'input')
const spark = Session.builder.appName('Triggers').getOrCreate()
const schema = StructType().add('sensor', StringType()).add('ts_ms', LongType())
await spark
  .createDataFrame([{ sensor: 'a', ts_ms: 9_007_199_254_740_993n }], schema)
  .write.json(input)
const readings = spark.readStream.schema(schema).json(input)

// As much as there is, then it ends; a second run with nothing new adds nothing.
await run('once', readings, Trigger.AvailableNow())
await run('once', readings, { availableNow: true })
// The same in a single epoch; Spark calls it deprecated.
await run('deprecated', readings, { once: true })
// One epoch after the other, until it is stopped; an interval would be '5 minutes'.
await run('endless', readings, { processingTime: '0 seconds' })

const kept = await spark.read.schema(schema).json(join(folder, 'once')).collect()
console.log(kept.map(({ ts_ms }) => String(ts_ms)))
await spark.stop()

async function run(name: string, frame: DataFrame, trigger: TriggerOptions): Promise<void> {
  const query = frame.writeStream
    .format('json')
    .option('checkpointLocation', join(folder, `${name}-checkpoint`))
    .trigger(trigger)
    .start(join(folder, name))
  if ('processingTime' in trigger) {
    await query.processAllAvailable()
    await query.stop()
  }
  await query.awaitTermination()
  console.log(`${name}: ${query.lastProgress?.numInputRows ?? 0} rows read`)
}
