import { describe, expect, test } from 'vitest'
import { type SourceUnderTest, sourceLaw } from '../../properties/laws/source.ts'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { countedSchema } from '../../src/connectors/counted-rows.ts'
import { memorySource, memoryStream } from '../../src/connectors/memory/source.ts'
import { pushSource, pushStream } from '../../src/connectors/push/source.ts'
import { rateSource } from '../../src/connectors/rate/source.ts'
import { rateMicroBatchSource } from '../../src/connectors/rate-micro-batch/source.ts'
import { rowsSource } from '../../src/connectors/rows/source.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Source } from '../../src/flow/connector.ts'
import { sourceContext } from './contexts.ts'

const schema = parseSchema('n LONG, text STRING')

const rowsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ n: first + index, text: `row ${first + index}` }))

async function memoryWorld(partitions: number): Promise<SourceUnderTest> {
  const stream = memoryStream(schema, { partitions })
  const context = sourceContext(schema, { handle: stream })
  let count = 0
  return {
    source: await memorySource.create(context),
    async arrive(rows) {
      count = stream.addData(rowsFrom(count, rows))
    },
    reopen: () => memorySource.create(context),
  }
}

async function pushWorld(): Promise<SourceUnderTest> {
  const clock = createSimulatedClock()
  const files = virtualFileSystem()
  const open = async (seed: number) => {
    const handle = pushStream(schema, {}, clock)
    const random = seededRandom(seed)
    const source = await pushSource.create(
      sourceContext(schema, { handle, clock, files, random, folder: 'sources/push' }),
    )
    return { handle, source }
  }
  const { handle, source } = await open(1)
  let count = 0
  return {
    source,
    async arrive(rows) {
      await handle.push(rowsFrom(count, rows))
      count += rows
    },
    reopen: async () => (await open(2)).source,
  }
}

describe('the law of sources', () => {
  test.each([1, 3])('holds for memory with %i partitions', (partitions) =>
    sourceLaw(() => memoryWorld(partitions)),
  )

  test('holds for push, whose journal gives the same rows to the next process', () =>
    sourceLaw(pushWorld, { runs: 30 }))

  test('holds for rows', () =>
    sourceLaw(async () => {
      const rows = Array.from({ length: 20 }, (_, index) => [BigInt(index), `row ${index}`])
      const handle = [batchOf(schema, rows.slice(0, 7)), batchOf(schema, rows.slice(7))]
      const context = sourceContext(schema, { handle })
      return {
        source: await rowsSource.create(context),
        arrive: async () => undefined,
        reopen: () => rowsSource.create(context),
      }
    }))

  test.each(['1', '3'])('holds for rate with %s partitions', (numPartitions) =>
    sourceLaw(async () => {
      const clock = createSimulatedClock({ startMs: 1_700_000_000_000 })
      const options = new Map([
        ['rowspersecond', '7'],
        ['rampuptime', '2s'],
        ['numpartitions', numPartitions],
      ])
      const context = sourceContext(countedSchema, { clock, options })
      return {
        source: await rateSource.create(context),
        arrive: async (rows) => clock.advance(rows * 300),
        reopen: () => rateSource.create(context),
      }
    }),
  )

  test.each(['1', '3'])('holds for rate-micro-batch with %s partitions', (numPartitions) =>
    sourceLaw(async () => {
      const options = new Map([
        ['rowsperbatch', '5'],
        ['numpartitions', numPartitions],
      ])
      const context = sourceContext(countedSchema, { options })
      return {
        source: await rateMicroBatchSource.create(context),
        arrive: async () => undefined,
        reopen: () => rateMicroBatchSource.create(context),
      }
    }),
  )
})

/** A memory source with one promise broken. */
function broken(change: (source: Source) => Partial<Source>): () => Promise<SourceUnderTest> {
  return async () => {
    const world = await memoryWorld(2)
    return { arrive: world.arrive, source: { ...world.source, ...change(world.source) } }
  }
}

describe('the law of sources finds', () => {
  test('a range that misses its last row', () =>
    expect(
      sourceLaw(
        broken((source) => ({
          async *read({ from, to }, slice) {
            const short = { ...to, '0': Math.max(Number(from['0']), Number(to['0']) - 1) }
            yield* source.read({ from, to: short }, slice)
          },
        })),
      ),
    ).rejects.toThrow(/cut at|rows of polls/))

  test('a lane that reads everything', () =>
    expect(
      sourceLaw(
        broken((source) => ({ read: (range) => source.read(range, { index: 0, count: 1 }) })),
      ),
    ).rejects.toThrow('the shares of'))

  test('rows that are gone when they are read again', () =>
    expect(
      sourceLaw(
        broken((source) => {
          let reads = 0
          return {
            async *read(range, slice) {
              if (reads++ === 0) yield* source.read(range, slice)
            },
          }
        }),
      ),
    ).rejects.toThrow('a range read twice'))

  test('a position that goes back', () =>
    expect(
      sourceLaw(
        broken((source) => {
          let calls = 0
          return {
            latest: async (from, limit) =>
              ++calls % 3 === 0 ? { '0': 0, '1': 0 } : await source.latest(from, limit),
          }
        }),
      ),
    ).rejects.toThrow('went back'))

  test('a poll that jumps over rows', () =>
    expect(
      sourceLaw(
        broken((source) => ({
          async poll(from, maxRows) {
            const polled = await source.poll(from, maxRows)
            if (polled === undefined) return undefined
            const end = (await source.latest(from, {}))['0'] ?? 0
            return { batch: polled.batch, position: { ...polled.position, '0': end } }
          },
        })),
      ),
    ).rejects.toThrow('the rows of polls'))
})
