/**
 * Writes records of a hundred bytes from memory into a topic, exactly once: `write.js <bootstrap> <topic> <records> <rows
 * per epoch>`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column } from '../../src/batch/batch.ts'
import { stringType } from '../../src/batch/schema.ts'
import { Session } from '../../src/index.ts'
import { batchFormat, madeBatches } from '../batch-source.ts'
import { reportRun } from '../measured-run.ts'
import { plainValue } from './topics.ts'

const [bootstrap = '', topic = '', records = '0', rowsPerEpoch = '0'] = process.argv.slice(2)
const rows = 4_000
const schema = [{ name: 'value', type: stringType, nullable: false }]
/** The same batch again and again: making rows is not what is measured. */
const column = valuesOf(rows)
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
const batches = madeBatches(schema, { batches: Number(records) / rows, rows }, () => [column])
session.register({ source: batchFormat(schema, batches, Number(rowsPerEpoch)) })
await reportRun(async () => {
  const query = session.readStream
    .format('batches')
    .load()
    .writeStream.format('kafka')
    .option('kafka.bootstrap.servers', bootstrap)
    .option('topic', topic)
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  return query.recentProgress.reduce((sum, { sink }) => sum + Number(sink.numOutputRows), 0)
})
await session.stop()
await rm(folder, { recursive: true, force: true })

function valuesOf(count: number): Column {
  const encoder = new TextEncoder()
  const texts = Array.from({ length: count }, (_, at) => encoder.encode(plainValue(at)))
  const offsets = new Int32Array(count + 1)
  const data = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0))
  for (const [at, text] of texts.entries()) {
    const start = offsets[at] as number
    data.set(text, start)
    offsets[at + 1] = start + text.length
  }
  return { layout: 'bytes', offsets, data }
}
