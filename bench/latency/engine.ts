/**
 * One row through a stateful query under the continuous trigger to an immediate sink, with durable
 * checkpoints every second: `engine.js <rate> <rows> <keys>`. The rows come over a socket from an open
 * loop in a process of its own; a row's latency is the time from when it was due to when the sink had
 * the group it changed.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Batch } from '../../src/batch/batch.ts'
import { forEachRow } from '../../src/batch/read.ts'
import type { Sink } from '../../src/flow/connector.ts'
import { Session } from '../../src/index.ts'
import { sinkFormat } from '../checksum-connector.ts'
import { reportedRun, reportRun } from '../measured-run.ts'
import { type Percentiles, percentilesOf, warmUpRows } from './percentiles.ts'

const [rate = 10_000, rows = 100_000, keys = 1000] = process.argv.slice(2).map(Number)
const ignoredRows = warmUpRows(rows)
const here = dirname(fileURLToPath(import.meta.url))

const generator = spawn(
  process.execPath,
  [join(here, 'generator.js'), String(rate), String(rows), String(keys)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const lines = createInterface({ input: generator.stdout })
let portOf: (port: number) => void = () => undefined
const port = new Promise<number>((resolve) => {
  portOf = resolve
})
let lags: Percentiles | undefined
lines.on('line', (line) => {
  const found = /^port (\d+)$/.exec(line)
  if (found !== null) portOf(Number(found[1]))
  const report = reportedRun(line)
  if (report !== undefined) lags = JSON.parse(report.result) as Percentiles
})

const latencies: number[] = []
let seen = 0
const folder = await mkdtemp(join(tmpdir(), 'millrace-latency-'))
const session = Session.builder.config('progress', 'off').getOrCreate()
session.register({ sink: sinkFormat(timingSink()) })
const query = session.readStream
  .format('socket')
  .option('host', '127.0.0.1')
  .option('port', await port)
  .load()
  .selectExpr(
    "CAST(split(value, ' ')[0] AS INT) AS key",
    "CAST(split(value, ' ')[1] AS BIGINT) AS due",
  )
  .groupBy('key')
  .agg({ due: 'max', '*': 'count' })
  .writeStream.format('bench')
  .outputMode('update')
  .option('checkpointLocation', join(folder, 'checkpoint'))
  .trigger({ continuous: '1 second' })
  .start()
await new Promise((resolve) => generator.on('exit', resolve))
await query.processAllAvailable()
await query.stop()
await rm(folder, { recursive: true, force: true })

if (lags === undefined) throw new Error('the generator ended without a report')
const { p99: generatorLagMsP99 } = lags
await reportRun((note) => {
  const { p50, p99, p999, max } = percentilesOf(Float64Array.from(latencies))
  for (const [name, value] of Object.entries({ p50, p99, p999, max, generatorLagMsP99 })) {
    note(name, value)
  }
})

function timingSink(): Sink {
  return {
    description: 'latency',
    kind: 'immediate',
    open: async () => {},
    async write(batch: Batch) {
      const nowMicros = Number(process.hrtime.bigint()) / 1000
      const due = batch.columns[1]
      if (due?.layout !== 'f64') return
      forEachRow(batch, (row) => {
        seen++
        if (seen > ignoredRows) latencies.push((nowMicros - (due.values[row] as number)) / 1000)
      })
    },
    prepare: async () => null,
    commit: async () => {},
    abort: async () => {},
    close: async () => {},
  }
}
