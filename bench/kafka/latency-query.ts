/**
 * Passes records on from one topic into another, exactly once, in epochs of a given length: `latency-query.js <bootstrap>
 * <from> <to> <interval ms>`. Says `running` once it does, and ends at the signal SIGTERM.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTerminationSignal, Session } from '../../src/index.ts'

const [bootstrap = '', from = '', to = '', interval = ''] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
const query = session.readStream
  .format('kafka')
  .option('kafka.bootstrap.servers', bootstrap)
  .option('subscribe', from)
  .option('startingOffsets', 'earliest')
  .load()
  .select('value')
  .writeStream.format('kafka')
  .option('kafka.bootstrap.servers', bootstrap)
  .option('topic', to)
  .option('checkpointLocation', join(folder, 'checkpoint'))
  .trigger({ processingTime: Number(interval) })
  .start()
onTerminationSignal(() => void query.stop())
await query.processAllAvailable()
process.stdout.write('running\n')
await query.awaitTermination()
await session.stop()
await rm(folder, { recursive: true, force: true })
