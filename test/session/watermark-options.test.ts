import { expect, test } from 'vitest'
import { decidedEpochs, logEntries } from '../../properties/logged-epochs.ts'
import { type SimulatedSession, simulatedSession } from '../../properties/simulated-session.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { window } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import type { WatermarkOptions } from '../../src/plan/watermark-rules.ts'
import { jsonLines } from './json-lines.ts'

const startMs = 1_600_000_000_000
const at = (second: number) => ({ t: new Date(startMs + second * 1000) })
const seconds = (micros: number): number => micros / 1_000_000 - startMs / 1000

const perTenSeconds = (frame: DataFrame): DataFrame =>
  frame.groupBy(window('t', '10 seconds')).count().selectExpr('unix_seconds(window.start) AS s')

function begin(files: VirtualFileSystem, life = 0): SimulatedSession {
  return simulatedSession({ seed: 1, files, life })
}

function start(frame: DataFrame) {
  return frame.writeStream
    .format('json')
    .option('checkpointLocation', 'checkpoint')
    .option('lateRowsPath', 'late')
    .start('output')
}

/** Starts of the windows that were given out, in seconds from the start of the world. */
async function windowsOf(files: VirtualFileSystem): Promise<readonly number[]> {
  const lines = await jsonLines(files, 'output')
  return lines.map(({ s }) => Number(s) - startMs / 1000).sort((left, right) => left - right)
}

async function headersOf(files: VirtualFileSystem) {
  return decidedEpochs(await logEntries(files, 'checkpoint'))
}

function pass({ simulation }: SimulatedSession, ms: number): Promise<void> {
  return simulation.run(
    new Promise<void>((resolve) => {
      simulation.clock.after(ms, () => resolve())
    }),
  )
}

test('a source that is silent for its idleTimeout lets the watermark pass, and wakes with late rows', async () => {
  const files = virtualFileSystem()
  const world = begin(files)
  const { session, simulation } = world
  await files.makeFolder('in/b')
  const a = session.memoryStream('t TIMESTAMP')
  const b = session.readStream
    .format('json')
    .schema('t TIMESTAMP')
    .option('idleTimeout', '1 minute')
    .name('b')
    .load('in/b')
    .withWatermark('t', '0 seconds')
  const query = start(perTenSeconds(a.toDF().withWatermark('t', '0 seconds').union(b)))
  const add = async (...rows: readonly ReturnType<typeof at>[]) => {
    a.addData(rows)
    await simulation.run(query.processAllAvailable())
  }
  await add(at(1), at(25))
  await pass(world, 50_000)
  expect(await windowsOf(files)).toEqual([])
  await pass(world, 20_000)
  expect(await windowsOf(files)).toEqual([0])
  const idle = (await headersOf(files)).at(-1)
  expect(idle).toMatchObject({ idle: ['b'] })
  expect(seconds(idle?.evictWatermark ?? 0)).toBe(25)

  const older = [at(2), at(26)].map((row) => `${JSON.stringify(row)}\n`).join('')
  await files.create('in/b/1', new TextEncoder().encode(older))
  await simulation.run(query.processAllAvailable())
  await add(at(45))
  expect((await headersOf(files)).at(-1)).toMatchObject({ idle: [] })
  // Awake, it holds the watermark back again: 20 to 30 is still open.
  expect(await windowsOf(files)).toEqual([0])
  expect(await jsonLines(files, 'late')).toMatchObject([
    { operator: 'aggregate-0', row: { t: new Date(startMs + 2000).toISOString() } },
  ])
  await simulation.run(session.stop())
})

test('a partition that is silent for the idleTimeout of its watermark no longer holds it back', async () => {
  const files = virtualFileSystem()
  const world = begin(files)
  const { session, simulation } = world
  const input = session.memoryStream('t TIMESTAMP', { partitions: 2 })
  const timed = input.toDF().withWatermark('t', '0 seconds', { idleTimeout: '1 minute' })
  const query = start(perTenSeconds(timed))
  const add = async (partition: number, second: number) => {
    input.addData([at(second)], { partition })
    await simulation.run(query.processAllAvailable())
  }
  await add(0, 5)
  await add(1, 3)
  await add(0, 35)
  expect(await windowsOf(files)).toEqual([])
  await pass(world, 40_000)
  await add(0, 36)
  await pass(world, 30_000)
  expect(await windowsOf(files)).toEqual([0])
  const [last] = (await headersOf(files)).slice(-1)
  expect(seconds(last?.evictWatermark ?? 0)).toBe(36)
  // One partition was idle, its source was not.
  expect(last?.idle).toEqual([])
  await simulation.run(session.stop())
})

test('the watermark of each source partition is kept over a restart', async () => {
  const files = virtualFileSystem()
  const life = async (number: number, ...later: readonly number[]) => {
    const { session, simulation } = begin(files, number)
    const input = session.memoryStream('t TIMESTAMP', { partitions: 2 })
    input.addData([at(50)], { partition: 0 })
    input.addData([at(12)], { partition: 1 })
    const query = start(perTenSeconds(input.toDF().withWatermark('t', '0 seconds')))
    await simulation.run(query.processAllAvailable())
    for (const second of later) {
      input.addData([at(second)], { partition: 0 })
      await simulation.run(query.processAllAvailable())
    }
    await simulation.run(session.stop())
  }
  await life(0)
  // Partition 0 goes on alone: partition 1 stands where it was before the restart.
  await life(1, 80, 81)
  const watermarks = (await headersOf(files)).map(({ evictWatermark }) => seconds(evictWatermark))
  expect(watermarks.at(-1)).toBe(12)
  expect(watermarks.length).toBeGreaterThan(2)
  expect(await windowsOf(files)).toEqual([])
})

async function withOptions(
  rows: readonly { readonly t: Date | null }[],
  options: WatermarkOptions,
) {
  const files = virtualFileSystem()
  const { session, simulation } = begin(files)
  const input = session.memoryStream('t TIMESTAMP')
  const frame = input.toDF().withWatermark('t', '0 seconds', options).groupBy('t').count()
  const query = start(frame.selectExpr('unix_seconds(t) AS s', 'count'))
  for (const row of rows) {
    input.addData([row])
    await simulation.run(query.processAllAvailable())
  }
  await simulation.run(session.stop())
  const headers = await headersOf(files)
  const last = headers.at(-1)
  const { stateOperators: [operator] = [] } = query.lastProgress ?? {}
  return {
    watermark: seconds(last?.evictWatermark ?? 0),
    processingTime: headers[0]?.processingTime ?? 0,
    rowsInState: operator?.numRowsTotal,
    badRows: query.recentProgress.flatMap(({ badRows = [] }) => badRows),
  }
}

test('a row from the far future is left out and never moves the watermark', async () => {
  const far = 3600 * 24 * 365
  const rows = [at(1), at(far), at(5), at(6)]
  const guarded = await withOptions(rows, { maxFutureSkew: '1 hour' })
  expect(guarded.watermark).toBe(6)
  expect(guarded.badRows).toEqual([
    { operator: 'watermark(t@memory-0)', numRows: 1, numDeadLetters: 0 },
  ])
  expect((await withOptions(rows, {})).watermark).toBe(far)
})

test('a row exactly as far in the future as is allowed counts, and one a millisecond further does not', async () => {
  const options = { maxFutureSkew: '1 hour' }
  const { processingTime } = await withOptions([at(0)], options)
  const edge = { t: new Date(processingTime / 1000 + 3_600_000) }
  const allowed = await withOptions([edge, at(0)], options)
  expect(allowed.badRows).toEqual([])
  expect(allowed.watermark).toBe(seconds(processingTime) + 3600)
  const further = await withOptions([{ t: new Date(edge.t.getTime() + 1) }, at(0)], options)
  expect(further.badRows).toHaveLength(1)
})

test('a row without a time is left out, or kept for ever as in Spark', async () => {
  const rows = [at(1), { t: null }, at(5), at(6)]
  const dropped = await withOptions(rows, {})
  expect(dropped.badRows.map(({ numRows }) => numRows)).toEqual([1])
  const kept = await withOptions(rows, { nullTime: 'keep' })
  expect(kept.badRows).toEqual([])
  expect(kept.rowsInState).toBe((dropped.rowsInState ?? 0) + 1)
  expect(kept.watermark).toBe(dropped.watermark)
})

test('options of a watermark are checked by the call that is given them', async () => {
  const { session } = begin(virtualFileSystem())
  const given: readonly (readonly [string, string])[] = [
    ['{"nullTime":"ignore"}', 'CONFIG_INVALID'],
    ['{"late":"sometimes"}', 'CONFIG_INVALID'],
    ['{"maxFutureSkew":"soon"}', 'CONFIG_INVALID'],
    ['{"idleTimeout":"-1 minute"}', 'CONFIG_INVALID'],
    ['{"maxfutureskew":"1 hour"}', 'OPTION_UNKNOWN'],
  ]
  for (const [options, code] of given) {
    const frame = session.memoryStream('t TIMESTAMP').toDF()
    expect(() => frame.withWatermark('t', '1 second', JSON.parse(options))).toThrowError(code)
  }
  const reader = session.readStream.format('rate').option('idleTimeout', 'long')
  expect(() => reader.load()).toThrowError(/CONFIG_INVALID.*idleTimeout/)
})
