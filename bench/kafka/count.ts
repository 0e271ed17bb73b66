/**
 * Counts the views of pages by windows of ten seconds, from JSON values of one topic into another, exactly once:
 * `count.js <bootstrap> <from> <to> <rows per epoch>`. Gives how many groups came out.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { col, from_json, window } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { reportRun } from '../measured-run.ts'

const [bootstrap = '', from = '', to = '', rowsPerEpoch = ''] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
await reportRun(async () => {
  const query = session.readStream
    .format('kafka')
    .option('kafka.bootstrap.servers', bootstrap)
    .option('subscribe', from)
    .option('startingOffsets', 'earliest')
    .option('maxOffsetsPerTrigger', rowsPerEpoch)
    .load()
    .select(from_json(col('value').cast('string'), 'page STRING, at TIMESTAMP').alias('view'))
    .select('view.*')
    .withWatermark('at', '5 seconds')
    .groupBy(window('at', '10 seconds'), col('page'))
    .count()
    .writeStream.format('kafka')
    .option('kafka.bootstrap.servers', bootstrap)
    .option('topic', to)
    .option('valueFormat', 'json')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  return query.recentProgress.reduce((sum, { sink }) => sum + Number(sink.numOutputRows), 0)
})
await session.stop()
await rm(folder, { recursive: true, force: true })
