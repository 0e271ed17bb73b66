/**
 * Reads a topic to its end: `read.js <bootstrap> <topic> <rows per epoch>`. Checksums are checked, and the values become
 * columns.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { liveRows } from '../../src/batch/batch.ts'
import { Session } from '../../src/index.ts'
import { sinkFormat } from '../checksum-connector.ts'
import { reportRun } from '../measured-run.ts'

const [bootstrap = '', topic = '', rowsPerEpoch = ''] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
let rows = 0
session.register({
  sink: sinkFormat({
    description: 'counting',
    kind: 'immediate',
    open: async () => {},
    async write(batch) {
      rows += liveRows(batch)
    },
    prepare: async () => null,
    commit: async () => {},
    abort: async () => {},
    close: async () => {},
  }),
})
await reportRun(async () => {
  const query = session.readStream
    .format('kafka')
    .option('kafka.bootstrap.servers', bootstrap)
    .option('subscribe', topic)
    .option('startingOffsets', 'earliest')
    .option('maxOffsetsPerTrigger', rowsPerEpoch)
    .load()
    .select('value')
    .writeStream.format('bench')
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  return rows
})
await session.stop()
await rm(folder, { recursive: true, force: true })
