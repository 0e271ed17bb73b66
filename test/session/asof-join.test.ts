import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { AsofJoinOptions } from '../../src/dataframe/asof-join.ts'
import { col, expr } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'

const open = (life = 0, files = virtualFileSystem()) => simulatedSession({ seed: 1, files, life })
const at = (second: number): Date => new Date(second * 1000)
const times = { leftTime: 't', rightTime: 'at' }
const leftSchema = 'k STRING, t TIMESTAMP, n INT'
const rightSchema = 'k STRING, at TIMESTAMP, v INT'

async function batch(
  lefts: readonly (readonly unknown[])[],
  rights: readonly (readonly unknown[])[],
  options: Partial<AsofJoinOptions> = {},
): Promise<readonly unknown[]> {
  const { session, simulation } = open()
  const left = session.createDataFrame(lefts, leftSchema)
  const right = session.createDataFrame(rights, rightSchema)
  const frame = left.asofJoin(right, { on: 'k', ...times, ...options }).orderBy('n')
  const rows = (await simulation.run(frame.collect())) ?? []
  return rows.map(({ n, v }) => `${n} ${v}`)
}

test('in a batch each row gets the newest row at or before it, within the tolerance', async () => {
  const lefts = [2, 3, 6, 7, 9].map((second) => ['a', at(second), second])
  const rights = [3, 6].map((second) => ['a', at(second), second])
  expect(await batch(lefts, rights)).toEqual(['2 null', '3 3', '6 6', '7 6', '9 6'])
  expect(await batch(lefts, rights, { tolerance: '1 second' })).toEqual([
    '2 null',
    '3 3',
    '6 6',
    '7 6',
    '9 null',
  ])
  expect(await batch(lefts, rights, { type: 'inner' })).toEqual(['3 3', '6 6', '7 6', '9 6'])
})

test('of several of one time the last in the order of the source counts', async () => {
  const rights = [1, 2, 3].map((v) => ['a', at(5), v])
  expect(await batch([['a', at(5), 0]], rights)).toEqual(['0 3'])
})

test('NULL in a key or a time finds nothing, unless keys are compared with eqNullSafe', async () => {
  const lefts = [
    [null, at(5), 0],
    ['a', null, 1],
    ['a', at(5), 2],
  ]
  const rights = [
    [null, at(4), 7],
    ['a', null, 8],
  ]
  expect(await batch(lefts, rights)).toEqual(['0 null', '1 null', '2 null'])
  const { session, simulation } = open()
  const left = session.createDataFrame(lefts, leftSchema).alias('l')
  const right = session.createDataFrame(rights, rightSchema).alias('r')
  const frame = left
    .asofJoin(right, { on: col('l.k').eqNullSafe(col('r.k')), ...times })
    .orderBy('n')
  const rows = (await simulation.run(frame.collect())) ?? []
  expect(rows.map(({ n, v }) => `${n} ${v}`)).toEqual(['0 7', '1 null', '2 null'])
})

test('shared columns come once and first; the time of the left row is event time behind the join', () => {
  const { session } = open()
  const left = session.memoryStream(leftSchema).toDF().withWatermark('t', '1 second')
  const right = session.memoryStream(rightSchema).toDF().withWatermark('at', '1 second')
  const frame = left.asofJoin(right, { on: 'k', ...times, tolerance: '5 minutes' })
  expect(frame.columns).toEqual(['k', 't', 'n', 'at', 'v'])
  // Only a column with a watermark may be the key of an aggregation in append mode.
  expect(() => frame.groupBy('t').count().writeStream.format('noop').start()).not.toThrow()
  expect(() => frame.groupBy('at').count().writeStream.format('noop').start()).toThrow(
    expect.objectContaining({ code: 'OUTPUT_MODE_UNSUPPORTED' }),
  )
})

test.each<readonly [string, Partial<AsofJoinOptions>, string]>([
  ['no key', { on: [] }, 'CONFIG_INVALID'],
  ['a condition that is no equality', { on: expr('n < v') }, 'CONFIG_INVALID'],
  ['a time that is none', { leftTime: 'n' }, 'DATATYPE_MISMATCH'],
  ['a time that is not there', { rightTime: 't' }, 'COLUMN_NOT_FOUND'],
  ['a tolerance that is no duration', { tolerance: 'long' }, 'DURATION_INVALID'],
])('%s is refused at once', (_what, options, code) => {
  const { session } = open()
  const left = session.createDataFrame([], leftSchema)
  const right = session.createDataFrame([], rightSchema)
  expect(() => left.asofJoin(right, { on: 'k', ...times, ...options })).toThrow(
    expect.objectContaining({ code }),
  )
})

test('a side that does not stream is refused beside one that does', () => {
  const { session } = open()
  const left = session.memoryStream(leftSchema).toDF().withWatermark('t', '1 second')
  const right = session.createDataFrame([], rightSchema)
  const frame = left.asofJoin(right, { on: 'k', ...times })
  expect(() => frame.writeStream.format('noop').start()).toThrow(
    expect.objectContaining({ code: 'STREAMING_UNSUPPORTED' }),
  )
})

/** One life of a stream over both sides. */
async function live(
  life: number,
  files: ReturnType<typeof virtualFileSystem>,
  rows: readonly (readonly [lefts: readonly number[], rights: readonly number[]])[],
  tolerance: string | undefined,
) {
  const { session, simulation } = open(life, files)
  const left = session.memoryStream(leftSchema)
  const right = session.memoryStream(rightSchema)
  const found: string[] = []
  const timed = (frame: DataFrame, time: string) => frame.withWatermark(time, '2 seconds')
  const query = timed(left.toDF(), 't')
    .asofJoin(timed(right.toDF(), 'at'), {
      on: 'k',
      ...times,
      ...(tolerance === undefined ? {} : { tolerance }),
    })
    .writeStream.option('checkpointLocation', 'checkpoint')
    .foreachBatch(async (epoch) => {
      for (const { n, v } of await epoch.collect()) found.push(`${n} ${v}`)
    })
    .start()
  for (const [lefts, rights] of rows) {
    left.addData(lefts.map((second) => ['a', at(second), second]))
    right.addData(rights.map((second) => ['a', at(second), second]))
    await simulation.run(query.processAllAvailable())
  }
  const figures = query.lastProgress?.stateOperators[0]
  await simulation.run(session.stop())
  return { found, figures }
}

test('of the right rows below the watermark one of each key stays, and with a tolerance not for ever', async () => {
  const rights = Array.from({ length: 50 }, (_, second) => second)
  const all = await live(0, virtualFileSystem(), [[[49], rights]], undefined)
  // The watermark is at 47: 48 and 49 may still come late, and 47 is the newest below.
  expect(all.figures?.customMetrics).toEqual({ numLeftRows: 1, numRightRows: 3 })
  expect(all.figures?.operatorName).toBe('asofJoin')
  const some = await live(0, virtualFileSystem(), [[[49], [0, 1, 49]]], '10 seconds')
  expect(some.figures?.customMetrics).toEqual({ numLeftRows: 1, numRightRows: 1 })
})

test('a restart goes on with what waits, and another tolerance is another query', async () => {
  const files = virtualFileSystem()
  const first = await live(
    0,
    files,
    [
      [
        [5, 9],
        [4, 9],
      ],
    ],
    '3 seconds',
  )
  expect(first.found).toEqual(['5 4'])
  const second = await live(
    1,
    files,
    [
      [
        [5, 9, 20],
        [4, 9, 20],
      ],
    ],
    '3 seconds',
  )
  expect(second.found).toEqual(['9 9'])
  await expect(
    live(
      2,
      files,
      [
        [
          [5, 9, 20],
          [4, 9, 20],
        ],
      ],
      '4 seconds',
    ),
  ).rejects.toMatchObject({
    code: 'CHECKPOINT_OTHER_QUERY',
  })
})

test('of several of one time in several partitions the last counts, however tasks take turns', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 12; seed++) {
    const config = { lanes: 3 }
    const { session, simulation } = simulatedSession({
      seed,
      files: virtualFileSystem(),
      life: 0,
      config,
    })
    const left = session.memoryStream(leftSchema)
    const right = session.memoryStream(rightSchema, { partitions: 3 })
    left.addData([['a', at(9), 1]])
    for (const partition of [0, 1, 2]) right.addData([['a', at(5), partition]], { partition })
    const rights = right.toDF().withWatermark('at', '1 second')
    const query = left
      .toDF()
      .withWatermark('t', '1 second')
      .asofJoin(rights, { on: 'k', ...times })
      .writeStream.trigger({ availableNow: true })
      .option('drain', 'flush')
      .foreachBatch(async (epoch) => {
        for (const { n, v } of await epoch.collect()) seen.add(`${n} ${v}`)
      })
      .start()
    await simulation.run(query.awaitTermination())
  }
  expect([...seen]).toEqual(['1 2'])
})
