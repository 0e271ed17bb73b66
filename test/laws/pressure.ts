import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packRows } from '../../src/batch/pack.ts'
import { fromRows, type Position, type SinkFactory, type SourceFactory } from '../../src/index.ts'
import { realSession } from '../session/real-session.ts'

const rowsPerBatch = 1000
const rowBytes = 1000
const schema = [
  { name: 'k', type: { kind: 'string' }, nullable: false },
  { name: 'pad', type: { kind: 'string' }, nullable: false },
] as const

/** Rows of one key and 1 kB, as many as anybody asks for, made much faster than they can be written. */
function flood(rowsPerEpoch: number, end = Number.POSITIVE_INFINITY): SourceFactory {
  const done = (position: Position): number => Number(position['0'] ?? 0)
  return {
    format: 'flood',
    options: [],
    schemaFor: () => schema,
    limits: () => ({}),
    async create() {
      const row = { k: 'hot', pad: 'x'.repeat(rowBytes) }
      const batchOf = (count: number) => packRows(fromRows(schema, new Array(count).fill(row)))
      return {
        description: 'a flood',
        schema,
        replayable: true,
        initial: async () => ({ 0: 0 }),
        latest: async (from) => ({ 0: Math.min(end, done(from) + rowsPerEpoch) }),
        async *read({ from, to }, { index, count }) {
          for (let at = done(from); at < done(to); at += rowsPerBatch) {
            const isMine = Math.floor(at / rowsPerBatch) % count === index
            if (isMine) yield batchOf(Math.min(rowsPerBatch, done(to) - at))
          }
        },
        poll: async () => undefined,
        commit: async () => undefined,
        close: async () => undefined,
      }
    },
  }
}

/** A sink that takes its time for each batch. */
function slowSink(wait: () => Promise<void>): SinkFactory & { taken(): number } {
  let taken = 0
  return {
    format: 'slow',
    options: [],
    modes: ['append', 'update', 'complete'],
    taken: () => taken,
    create: async () => ({
      description: 'a slow sink',
      kind: 'repeatable',
      open: async () => undefined,
      async write(batch) {
        await wait()
        taken += batch.rowCount
      },
      prepare: async () => null,
      commit: async () => undefined,
      abort: async () => undefined,
      close: async () => undefined,
    }),
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** What must not cost memory. */
export const pressures = ['slow sink', 'stuck sink', 'hot key'] as const
export type Pressure = (typeof pressures)[number]

/** More than this, beyond what the process had before, is too much. */
const budgetBytes = 160 * 2 ** 20

/**
 * Lets a source that never runs dry meet a sink or a key that holds everything back, for so many seconds; the most
 * memory, in MiB, that the process had beyond what it had before.
 *
 * @throws Error where that is too much, or rows were lost
 */
export async function underPressure(kind: Pressure, seconds: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-pressure-'))
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 10)
  try {
    const run = { 'slow sink': slow, 'stuck sink': stuck, 'hot key': hot }[kind]
    await run(folder, seconds)
  } finally {
    clearInterval(timer)
    rmSync(folder, { recursive: true, force: true })
  }
  const peak = most - before
  const peakMiB = Math.round(peak / 2 ** 20)
  if (peak > budgetBytes) throw new Error(`a ${kind} cost ${peakMiB} MiB`)
  return peakMiB
}

const options = { store: 'memory', progress: 'off', lanes: '2', stopTimeout: '1 second' }
/** Epochs are far from their ends when the queries are stopped: a hundred megabytes for each second. */
const rowsPerSecond = 100_000

/** A sink that is a hundred times slower than its source holds the source back. */
async function slow(folder: string, seconds: number): Promise<void> {
  const spark = realSession(folder, options)
  const sink = slowSink(() => pause(50))
  spark.register({ source: flood(rowsPerSecond * seconds), sink })
  const query = spark.readStream.format('flood').load().writeStream.format('slow').start()
  await pause(seconds * 1000)
  await query.stop()
  const taken = sink.taken()
  if (taken < 10 * rowsPerBatch) throw new Error(`the sink took ${taken} rows only`)
  if (taken >= rowsPerSecond * seconds) throw new Error(`the sink took ${taken} rows: it is fast`)
}

/** A sink that never answers holds everything back, and the query can be stopped. */
async function stuck(folder: string, seconds: number): Promise<void> {
  const spark = realSession(folder, options)
  const sink = slowSink(() => new Promise(() => undefined))
  spark.register({ source: flood(rowsPerSecond * seconds), sink })
  const query = spark.readStream.format('flood').load().writeStream.format('slow').start()
  await pause(seconds * 1000)
  const stopped = query.stop().catch(() => undefined)
  const late = pause(10_000).then(() => 'late')
  if ((await Promise.race([stopped, late])) === 'late') throw new Error('it does not stop')
  if (sink.taken() > 0) throw new Error(`the sink took ${sink.taken()} rows`)
}

/** One key that has all rows, over three lanes, is counted without more memory. */
async function hot(folder: string, seconds: number): Promise<void> {
  const spark = realSession(folder, { ...options, lanes: '3' })
  const rows = 150_000 * seconds
  spark.register({ source: flood(rows, rows) })
  const counts: unknown[] = []
  const query = spark.readStream
    .format('flood')
    .load()
    .groupBy('k')
    .count()
    .writeStream.outputMode('complete')
    .foreach((row) => void counts.push(row['count']))
    .option('allowUnbounded', 'true')
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  await spark.stop()
  if (counts.at(-1) !== BigInt(rows)) throw new Error(`${counts.at(-1)} of ${rows} rows`)
}
