/**
 * From a record's due time to a reader of committed records: `latency.js <bootstrap> <from> <to> <partitions> <interval
 * ms> <rate> <records>`. The query runs in a process of its own; this one sends in an open loop and reads what comes out.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { rowsOf } from '../../src/batch/read.ts'
import { offsetsAtTime } from '../../src/connectors/kafka/partition-offsets.ts'
import { readPartition } from '../../src/connectors/kafka/partition-reader.ts'
import { plainProducer } from '../../src/connectors/kafka/plain-producer.ts'
import { offsetAt } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { isolation } from '../../src/connectors/kafka/protocol/data-api.ts'
import { recordColumns, recordSchema } from '../../src/connectors/kafka/records/record-columns.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { sourceSettings } from '../../src/connectors/kafka/source-options.ts'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { connected } from '../../test/kafka/filled-topic.ts'
import { script } from '../contenders.ts'
import { paceRows } from '../latency/pace.ts'
import { percentilesOf, warmUpRows } from '../latency/percentiles.ts'
import { reportRun } from '../measured-run.ts'

const [bootstrap = '', from = '', to = '', ...numbers] = process.argv.slice(2)
const [partitions = 1, intervalMs = 0, ratePerSecond = 0, rows = 0] = numbers.map(Number)
const warmUp = warmUpRows(rows)
const clock = systemClock()
const options = new Map([
  ['kafka.bootstrap.servers', bootstrap],
  ['subscribe', to],
])
const cluster = connected({ bootstrap })
const schema = recordSchema(false).filter(({ name }) => name === 'value')
const asking = { cluster, clock, patienceMs: 30_000 }

const query = spawn(
  process.execPath,
  [script('kafka/latency-query'), bootstrap, from, to, String(intervalMs)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
await new Promise<void>((resolve, reject) => {
  createInterface({ input: query.stdout }).on('line', (line) => {
    if (line === 'running') resolve()
  })
  query.once('exit', (code) => reject(new Error(`the query ended with ${code}`)))
})

const latencies: number[] = []
const reading = readBack()
const lags = await sendAll()
await reading
query.kill('SIGTERM')
await new Promise((resolve) => query.once('exit', resolve))
await reportRun((note) => {
  const { p50, p99, p999, max } = percentilesOf(Float64Array.from(latencies))
  const { p99: generatorLagMsP99 } = percentilesOf(lags)
  const figures = { p50, p99, p999, max, generatorLagMsP99 }
  for (const [name, value] of Object.entries(figures)) note(name, value)
})
await cluster.close()

/** Each record goes out with the others of the same few milliseconds, dated by when it was due. */
async function sendAll(): Promise<Float64Array> {
  const producer = plainProducer({ cluster, clock, retryMs: 30_000, requestTimeoutMs: 30_000 })
  const encoder = new TextEncoder()
  const writers = Array.from({ length: partitions }, () => new RecordWriter(65_536))
  const sends: Promise<void>[] = writers.map(() => Promise.resolve())
  const flush = (): void => {
    for (const [partition, writer] of writers.entries()) {
      if (writer.recordCount === 0) continue
      const records = writer.take()
      sends[partition] = (sends[partition] as Promise<void>).then(() =>
        producer.send({ topic: from, partition }, records),
      )
    }
  }
  let lastFlushMs = clock.monotonic()
  const found = await paceRows(clock, { ratePerSecond, rows, tickMs: 2 }, (row, dueMs) => {
    const bytes = encoder.encode(`${row} ${dueMs}`)
    const writer = writers[row % partitions] as RecordWriter
    writer.append(clock.now(), undefined, { bytes, start: 0, end: bytes.length })
    const nowMs = clock.monotonic()
    if (nowMs - lastFlushMs < 5) return
    lastFlushMs = nowMs
    flush()
  })
  flush()
  await Promise.all(sends)
  return found
}

async function readBack(): Promise<void> {
  const settings = sourceSettings(options, false)
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: to, partition }))
  const at = new Map(all.map(({ partition }) => [partition, 0]))
  const lost = (): Promise<number> => Promise.reject(new Error('records are gone'))
  const decoder = new TextDecoder()
  for (let seen = 0; seen < rows; ) {
    const ends = await offsetsAtTime(asking, all, {
      timestamp: offsetAt.latest,
      isolation: isolation.committed,
    })
    for (const of of all) {
      const end = ends.get(`${to}/${of.partition}`) ?? 0
      const range = { of, from: at.get(of.partition) ?? 0, to: end }
      if (range.from >= end) continue
      for await (const { batch } of readPartition(
        { asking, settings, lost },
        range,
        recordColumns(schema, of),
      )) {
        const nowMs = clock.monotonic()
        for (const [value] of rowsOf(batch)) {
          const [row = '', dueMs = ''] = decoder.decode(value as Uint8Array).split(' ')
          if (Number(row) >= warmUp) latencies.push(nowMs - Number(dueMs))
          seen += 1
        }
      }
      at.set(of.partition, end)
    }
    await sleep(clock, 2)
  }
}
