import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { packRows } from '../../src/batch/pack.ts'
import { fromRows, type Position, type SinkFactory, type SourceFactory } from '../../src/index.ts'
import { realSession } from '../session/real-session.ts'
import { leaveFigures } from './gates/figures.ts'

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

const budgetBytes = 160 * 2 ** 20
const seconds = 4
const figures: string[] = []
let folder: string
let tried = 0
const startMs = performance.now()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-pressure-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  leaveFigures(inject('figures'), {
    id: 'G11',
    name: 'a slow or stuck sink and a hot key cost no memory beyond what queues hold',
    done: `${tried} of 3 runs`,
    rounds: tried,
    seconds: (performance.now() - startMs) / 1000,
    failed: 3 - tried,
    figures: figures.join(', '),
  })
})

/** The most memory that the process has while it works, beyond what it had before. */
async function withPeak(name: string, work: () => Promise<void>): Promise<void> {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 10)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  const peak = most - before
  tried += 1
  figures.push(`${name} ${Math.round(peak / 2 ** 20)} MiB`)
  expect(peak).toBeLessThan(budgetBytes)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

test('a sink that is a hundred times slower than its source holds the source back', async () => {
  const options = { store: 'memory', progress: 'off', lanes: '2', stopTimeout: '1 second' }
  const spark = realSession(folder, options)
  const sink = slowSink(() => pause(50))
  // 400 MB in an epoch.
  spark.register({ source: flood(400_000), sink })
  await withPeak('slow sink', async () => {
    const query = spark.readStream.format('flood').load().writeStream.format('slow').start()
    await pause(seconds * 1000)
    // Its epoch is far from its end, and is given up.
    await query.stop()
  })
  expect(sink.taken()).toBeGreaterThan(10 * rowsPerBatch)
  expect(sink.taken()).toBeLessThan(400_000)
}, 60_000)

test('a sink that never answers holds everything back, and the query can be stopped', async () => {
  const options = { store: 'memory', progress: 'off', lanes: '2', stopTimeout: '1 second' }
  const spark = realSession(folder, options)
  const sink = slowSink(() => new Promise(() => undefined))
  spark.register({ source: flood(400_000), sink })
  await withPeak('stuck sink', async () => {
    const query = spark.readStream.format('flood').load().writeStream.format('slow').start()
    await pause(seconds * 1000)
    const stopped = query.stop().then(
      () => 'stopped',
      () => 'stopped with an error',
    )
    expect(await Promise.race([stopped, pause(10_000).then(() => 'still running')])).toMatch(
      /^stopped/,
    )
  })
  expect(sink.taken()).toBe(0)
}, 60_000)

test('one key that has all rows, over three lanes, is counted without more memory', async () => {
  const spark = realSession(folder, { store: 'memory', progress: 'off', lanes: '3' })
  const rows = 600_000
  spark.register({ source: flood(rows, rows) })
  await withPeak('hot key', async () => {
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
    expect(counts.at(-1)).toBe(BigInt(rows))
  })
  await spark.stop()
}, 60_000)
