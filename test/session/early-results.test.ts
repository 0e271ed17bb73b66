import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { DataFrame, GroupedData, OutputMode } from '../../src/dataframe/data-frame.ts'
import { count, lit, session_window, window } from '../../src/functions.ts'
import type { Session } from '../../src/index.ts'

/** The clock of a simulated session starts at a whole multiple of ten seconds. */
const startMs = 1_600_000_000_000
const at = (seconds: number): Date => new Date(startMs + seconds * 1000)

const groupsOf = (frame: DataFrame): GroupedData =>
  frame.withWatermark('t', '0 seconds').groupBy(window('t', '1 minute'), 'k')

interface Said {
  /** `k:n` and a full stop when it is final. */
  readonly text: string
  readonly epoch: number
  /** On the clock, seconds since the start. */
  readonly seconds: number
}

interface World {
  readonly said: readonly Said[]
  add(...rows: readonly (readonly [seconds: number, k: string])[]): void
  /** Waits until all that was added is taken in; the clock stands still. */
  settle(): Promise<void>
  /** Waits until so much was said; the clock goes on. */
  until(count: number): Promise<void>
  stop(): Promise<void>
}

/** A query with early results every ten seconds. */
function world(files = virtualFileSystem(), life = 0): World {
  const { session, simulation } = simulatedSession({ seed: life + 1, files, life })
  const input = session.memoryStream('t TIMESTAMP, k STRING')
  const said: Said[] = []
  const waiting: (() => void)[] = []
  const query = groupsOf(input.toDF())
    .emit({ every: '10 seconds' })
    .agg(count(lit(1)).alias('n'))
    .writeStream.outputMode('update')
    .option('checkpointLocation', 'checkpoint')
    .foreachBatch(async (batch, epoch) => {
      for (const { k, n, is_final } of await batch.collect()) {
        const seconds = (simulation.clock.now() - startMs) / 1000
        said.push({ text: `${k}:${n}${is_final === true ? '.' : ''}`, epoch, seconds })
      }
      for (const wake of waiting.splice(0)) wake()
    })
    .start()
  return {
    said,
    add: (...rows) => void input.addData(rows.map(([seconds, k]) => [at(seconds), k])),
    settle: async () => void (await simulation.run(query.processAllAvailable())),
    async until(count) {
      while (said.length < count) {
        await simulation.run(new Promise<void>((resolve) => waiting.push(resolve)))
      }
    },
    stop: async () => void (await simulation.run(session.stop())),
  }
}

const texts = (said: readonly Said[]): string =>
  said
    .map(({ text }) => text)
    .sort()
    .join(' ')

test('a group that changed is given out at the next multiple of the interval, also if no rows come', async () => {
  const { said, add, settle, until, stop } = world()
  add([0, 'a'], [1, 'b'])
  await settle()
  expect(texts(said)).toBe('a:1 b:1')
  add([2, 'a'])
  await settle()
  add([3, 'a'], [4, 'c'])
  await settle()
  expect(said).toHaveLength(2)
  await until(4)
  expect(texts(said.slice(2))).toBe('a:3 c:1')
  const epochs = new Set(said.slice(2).map(({ epoch }) => epoch))
  expect([...epochs]).toEqual([3])
  expect(said[2]?.seconds).toBeGreaterThanOrEqual(10)
  expect(said[2]?.seconds).toBeLessThan(11)
  await stop()
})

test('a closed group is given out once more, also if it did not change, and then never again', async () => {
  const { said, add, settle, stop } = world()
  add([0, 'a'], [1, 'b'])
  await settle()
  add([70, 'a'])
  await settle()
  // The new window of a has to wait, the closed ones do not.
  expect(texts(said.slice(2))).toBe('a:1. b:1.')
  add([19, 'a'], [140, 'a'])
  await settle()
  expect(texts(said.slice(4))).toBe('a:1.')
  await stop()
})

test('what was not given out before a stop is given out after it', async () => {
  const files = virtualFileSystem()
  const first = world(files)
  first.add([0, 'a'])
  await first.settle()
  first.add([2, 'a'])
  await first.settle()
  expect(texts(first.said)).toBe('a:1')
  await first.stop()
  // Another process, an hour later; the rows are there again, as those of a file would be.
  const second = world(files, 1)
  second.add([0, 'a'], [2, 'a'])
  await second.settle()
  expect(texts(second.said)).toBe('a:2')
  await second.stop()
})

test('as a batch every group is final', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const rows = session.createDataFrame([[at(0), 'a']], 't TIMESTAMP, k STRING')
  const result = groupsOf(rows)
    .emit({ every: '1 minute' })
    .agg(count('k').alias('n'), count('k').plus(lit(1)).alias('more'))
  expect(result.columns).toEqual(['window', 'k', 'n', 'more', 'is_final'])
  const [row] = (await simulation.run(result.collect())) ?? []
  expect(row).toMatchObject({ k: 'a', n: 1n, more: 2n, is_final: true })
})

/** Why a query may not start. */
function refusal(build: (frame: DataFrame) => DataFrame, mode: OutputMode = 'update'): string {
  const { session } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  try {
    build(inputOf(session)).writeStream.outputMode(mode).format('noop').start()
  } catch (problem) {
    if (problem instanceof StreamError) return problem.message
    throw problem
  }
  throw new Error('nothing was refused')
}

function inputOf(session: Session): DataFrame {
  return session.memoryStream('t TIMESTAMP, k STRING').toDF()
}

test('modes, keys, sessions and names that early results cannot have are refused, with the way out', () => {
  const every = { every: '10 seconds' }
  const counted = (frame: DataFrame) => groupsOf(frame).emit(every).count()
  expect(refusal(counted, 'append')).toMatch(/OUTPUT_MODE_UNSUPPORTED[\s\S]*outputMode\('update'\)/)
  expect(refusal(counted, 'complete')).toMatch(/OUTPUT_MODE_UNSUPPORTED.*all of them/)
  expect(refusal((frame) => frame.groupBy('k').emit(every).count())).toMatch(
    /STREAMING_UNSUPPORTED: emit in an aggregation without the event time[\s\S]*withWatermark/,
  )
  const sessions = (frame: DataFrame): DataFrame =>
    frame
      .withWatermark('t', '1 minute')
      .groupBy(session_window('t', '5 seconds'), 'k')
      .emit(every)
      .count()
  expect(refusal(sessions)).toMatch(/EXPRESSION_MISPLACED.*session_window.*merge/)
  const taken = (frame: DataFrame) => groupsOf(frame).emit(every).agg(count('k').alias('IS_final'))
  expect(refusal(taken)).toMatch(/CONFIG_INVALID: The option emit.*is_final/)
  const ranked = (frame: DataFrame) =>
    counted(frame).selectExpr('*', 'row_number() OVER (ORDER BY count) AS n').filter('n <= 3')
  expect(refusal(ranked)).toMatch(/OUTPUT_MODE_UNSUPPORTED.*row_number\(\) follows early results/)
  const odd = (frame: DataFrame) => groupsOf(frame).emit({ every: 'often' }).count()
  expect(refusal(odd)).toMatch(/DURATION_INVALID/)
})
