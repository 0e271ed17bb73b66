import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { Session } from '../../src/session/session.ts'
import type {
  ListState,
  MapState,
  StatefulHandle,
  StatefulProcessor,
  Timers,
  ValueState,
} from '../../src/streaming.ts'
import { LongType, StringType, StructType } from '../../src/types.ts'

type Row = Readonly<Record<string, unknown>>
type Handlers = Partial<StatefulProcessor<unknown, Row, Row, Row>>

const out = 'k STRING, said STRING'
const said = (k: unknown, what: unknown): Row => ({ k, said: String(what) })

/** A processor of some handlers; without rows it says nothing. */
function made(init: (handle: StatefulHandle) => void, handlers: Handlers = {}) {
  return (): StatefulProcessor<unknown, Row, Row, Row> => ({
    init,
    handleInputRows: () => [],
    ...handlers,
  })
}

interface World {
  readonly session: Session
  run<T>(work: Promise<T>): Promise<T>
  /** Puts rows in and waits for what comes out of them. */
  add(rows: readonly Row[]): Promise<readonly unknown[]>
}

/** A query over one input in a simulated process; the same disk is the same query. */
function world(
  files = virtualFileSystem(),
  {
    life = 0,
    schema = 'k STRING, n INT',
    rows: earlier = [] as readonly Row[],
    lanes = 1,
    noDataEpochs = true,
  } = {},
) {
  const { session, simulation } = simulatedSession({
    seed: 1,
    files,
    life,
    config: { lanes, noDataEpochs: String(noDataEpochs) },
  })
  const input = session.memoryStream(schema)
  input.addData(earlier)
  const run = <T>(work: Promise<T>): Promise<T> => simulation.run(work) as Promise<T>
  return {
    session,
    simulation,
    input,
    run,
    frame: () => input.toDF(),
    start(frame: ReturnType<typeof input.toDF>, outputMode = 'update'): World {
      const found: Row[] = []
      const query = frame.writeStream
        .outputMode(outputMode)
        .option('checkpointLocation', 'checkpoint')
        .foreachBatch(async (batch) => {
          for (const row of await batch.collect()) found.push(row)
        })
        .start()
      return {
        session,
        run,
        async add(rows) {
          input.addData(rows)
          await run(query.processAllAvailable())
          return found.splice(0).map((row) => row['said'])
        },
      }
    },
  }
}

async function failure(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (problem) {
    if (problem instanceof StreamError) return problem.code
    throw problem
  }
  return 'none'
}

const byK = (frame: ReturnType<ReturnType<typeof world>['frame']>) => frame.as().groupByKey('k')

test('declarations that cannot be are refused by the call that is given them', async () => {
  const { frame } = world()
  const declare = (
    init: (handle: StatefulHandle) => void,
    timeMode = 'none' as 'none' | 'eventTime',
  ) => failure(() => byK(frame()).transformWithState(made(init), { output: out, timeMode }))
  expect(await declare((h) => [h.valueState('a'), h.listState('a')])).toBe('STATE_VARIABLE_INVALID')
  expect(await declare((h) => h.valueState('a b'))).toBe('STATE_VARIABLE_INVALID')
  expect(await declare((h) => h.valueState('a', 'INT', { ttl: '1 day' }))).toBe(
    'STATE_VARIABLE_INVALID',
  )
  expect(await declare((h) => h.listState('a', 'INT', { cap: 0 }))).toBe('STATE_VARIABLE_INVALID')
  expect(await declare((h) => [h.deleteIfExists('a'), h.valueState('a')])).toBe(
    'STATE_VARIABLE_INVALID',
  )
  expect(await declare((async () => {}) as never)).toBe('STATE_VARIABLE_INVALID')
  expect(await declare((h) => h.valueState('a', 'NUMBER'))).toBe('SCHEMA_INVALID')
  expect(await declare((h) => h.valueState('a'), 'eventTime')).toBe('WATERMARK_INVALID')
})

test('misuse at run time ends the query with a code', async () => {
  const codeOf = (
    make: () => StatefulProcessor<unknown, Row, Row, Row>,
    timeMode = 'none' as const,
  ) => {
    const { start, frame } = world()
    return failure(() =>
      start(byK(frame()).transformWithState(make, { output: out, timeMode }).toDF()).add([
        { k: 'a', n: 1 },
      ]),
    )
  }
  let handle: StatefulHandle | undefined
  let value: ValueState<bigint> | undefined
  let map: MapState<number, number> | undefined
  const init = (given: StatefulHandle): void => {
    handle = given
    value = given.valueState('value', 'BIGINT')
    map = given.mapState('map', 'INT', 'INT', { cap: 2 })
  }
  const on = (handleInputRows: (timers: Timers) => unknown) =>
    made(init, { handleInputRows: (_k, _rows, timers) => handleInputRows(timers) as never })
  expect(await codeOf(on(() => void handle?.valueState('late')))).toBe('STATE_VARIABLE_INVALID')
  expect(await codeOf(on((timers) => timers.register(5)))).toBe('TIMER_INVALID')
  expect(await codeOf(on(() => value?.update('1' as never)))).toBe('STATE_VALUE_INVALID')
  expect(await codeOf(on(() => value?.update(undefined as never)))).toBe('STATE_VALUE_INVALID')
  expect(await codeOf(on(() => [1, 2, 3].map((n) => map?.put(n, n)) && []))).toBe(
    'STATE_CAP_EXCEEDED',
  )
  expect(await codeOf(on(() => [{ k: 1, said: 'x' }]))).toBe('CAST_INVALID_INPUT')
  expect(await codeOf(on(() => ['text']))).toBe('CAST_INVALID_INPUT')
  expect(
    await codeOf(
      on(() => {
        throw new Error('no')
      }),
    ),
  ).toBe('USER_FUNCTION_FAILED')
  expect(await failure(() => value?.get())).toBe('STATE_ACCESS_INVALID')
})

test('a row that is older than the watermark ends the query with a code', async () => {
  const { start, frame } = world(virtualFileSystem(), { schema: 'k STRING, t TIMESTAMP' })
  const at = (second: number) => new Date(second * 1000)
  const program = made(() => {}, { handleInputRows: (k) => [{ k, t: at(40) }] })
  const query = start(
    frame()
      .withWatermark('t', '10 seconds')
      .as()
      .groupByKey('k')
      .transformWithState(program, {
        output: 'k STRING, t TIMESTAMP',
        timeMode: 'eventTime',
        eventTimeColumn: 't',
      })
      .toDF(),
  )
  expect(await failure(() => query.add([{ k: 'a', t: at(49) }]))).toBe('none')
  expect(await failure(() => query.add([{ k: 'a', t: at(50) }]))).toBe('none')
  // Now the watermark is at 40, and a row of just that time is one too late.
  expect(await failure(() => query.add([{ k: 'a', t: at(51) }]))).toBe(
    'OUTPUT_OLDER_THAN_WATERMARK',
  )
})

test('work that a handler does not wait for cannot touch state', async () => {
  const { start, frame } = world()
  let value: ValueState<bigint> | undefined
  let later: Promise<string> | undefined
  let timers: Timers | undefined
  const processor = made(
    (handle) => {
      value = handle.valueState('value', 'BIGINT')
    },
    {
      handleInputRows(_k, _rows, given) {
        timers = given
        later = Promise.resolve().then(() => failure(() => value?.update(1n)))
        return []
      },
    },
  )
  await start(byK(frame()).transformWithState(processor, { output: out }).toDF()).add([
    { k: 'a', n: 1 },
  ])
  expect(await later).toBe('STATE_ACCESS_INVALID')
  expect(await failure(() => timers?.register(5))).toBe('STATE_ACCESS_INVALID')
  expect(await failure(() => timers?.delete(5))).toBe('STATE_ACCESS_INVALID')
  expect(await failure(() => timers?.list())).toBe('STATE_ACCESS_INVALID')
})

test.each([1, 3])(
  'one processor object serves %i lanes, async handlers one at a time',
  async (lanes) => {
    const { start, frame } = world(virtualFileSystem(), { lanes })
    let count: ValueState<bigint> | undefined
    let running = 0
    const processor: StatefulProcessor<unknown, Row, Row> = {
      init(handle) {
        count = handle.valueState('count', 'BIGINT')
      },
      async *handleInputRows(k, rows) {
        expect(++running).toBe(1)
        await Promise.resolve()
        const next = (count?.get() ?? 0n) + BigInt(rows.length)
        count?.update(next)
        yield said(k, `${k}${next}`)
        running--
      },
    }
    const world1 = start(byK(frame()).transformWithState(processor, { output: out }).toDF())
    const rows = [...'abcdefgh'].map((k, n) => ({ k, n }))
    expect([...(await world1.add(rows))].sort()).toEqual([...'abcdefgh'].map((k) => `${k}1`))
    expect([...(await world1.add(rows))].sort()).toEqual([...'abcdefgh'].map((k) => `${k}2`))
  },
)

test('what is put into state and taken out is a copy', async () => {
  const { start, frame } = world()
  let packed:
    | ValueState<{ list: number[]; at: Date; big: bigint; map: Map<string, number> }>
    | undefined
  const processor = made(
    (handle) => {
      packed = handle.valueState('packed')
    },
    {
      handleInputRows(k) {
        const before = packed?.get()
        if (before !== undefined) {
          before.list.push(9)
          return [
            said(
              k,
              JSON.stringify([packed?.get()?.list, before.at.getTime(), before.map.get('a')]),
            ),
          ]
        }
        const value = { list: [1], at: new Date(5), big: 2n ** 60n, map: new Map([['a', 1]]) }
        packed?.update(value)
        value.list.push(2)
        return [said(k, String(packed?.get()?.big === 2n ** 60n))]
      },
    },
  )
  const query = start(byK(frame()).transformWithState(processor, { output: out }).toDF())
  expect(await query.add([{ k: 'a', n: 1 }])).toEqual(['true'])
  expect(await query.add([{ k: 'a', n: 1 }])).toEqual(['[[1],5,1]'])
})

test('initial state is read once, in the first epoch ever', async () => {
  const files = virtualFileSystem()
  const program = () => {
    let value: ValueState<bigint> | undefined
    return made(
      (handle) => {
        value = handle.valueState('value', 'BIGINT')
      },
      {
        handleInitialState: (_k, row) => value?.update(row['v'] as bigint),
        handleInputRows: (k) => [said(k, `${k}${value?.get() ?? 'none'}`)],
      },
    )()
  }
  const build = (at: ReturnType<typeof world>, initial: readonly Row[]) =>
    at.start(
      byK(at.frame())
        .transformWithState(program, {
          output: out,
          initialState: at.session
            .createDataFrame(initial, 'k STRING, v BIGINT')
            .as()
            .groupByKey('k'),
        })
        .toDF(),
    )
  const first = world(files, { lanes: 3 })
  const rows = ['a', 'b', 'c'].map((k) => ({ k, n: 1 }))
  const query = build(first, [
    { k: 'a', v: 1n },
    { k: 'b', v: 2n },
    { k: 'a', v: 3n },
  ])
  expect([...(await query.add(rows))].sort()).toEqual(['a3', 'b2', 'cnone'])
  await first.run(first.session.stop())
  const second = world(files, { life: 1, rows })
  expect([...(await build(second, [{ k: 'c', v: 9n }]).add(rows))].sort()).toEqual([
    'a3',
    'b2',
    'cnone',
  ])
})

test('the keys of an initial state are found as those of the query are, and are of their types', () => {
  const at = world()
  const use = (rows: readonly Row[], schema: string, key: string) =>
    byK(at.frame()).transformWithState(
      made(() => undefined),
      {
        output: out,
        initialState: at.session.createDataFrame(rows, schema).as().groupByKey(key),
      },
    )
  use([{ k: 'a' }], 'k STRING', 'K')
  expect(() => use([{ k: 1 }], 'k INT', 'k')).toThrow(/keys of the types STRING.*INT/s)
})

test('a batch frame runs the same program; timers of event time fire at its end, in order', async () => {
  const { session, run } = world()
  const frame = session.createDataFrame(
    [
      { k: 'b', at: new Date(7000) },
      { k: 'a', at: new Date(1000) },
      { k: 'b', at: new Date(2000) },
    ],
    'k STRING, at TIMESTAMP',
  )
  const program = made(() => undefined, {
    handleInputRows(k, rows, timers) {
      for (const row of rows) timers.register(Number(row['at']) + 10)
      return [said(k, `rows ${rows.length} at ${timers.watermarkMs}`)]
    },
    handleExpiredTimer: (k, timers, { timeMs }) => [
      said(k, `timer ${timeMs} at ${timers.watermarkMs}`),
    ],
  })
  const result = byK(frame).transformWithState(program, { output: out, timeMode: 'eventTime' })
  const rows = await run(result.toDF().collect())
  expect(rows.map((row) => row['said'])).toEqual([
    'rows 2 at 0',
    'rows 1 at 0',
    'timer 1010 at 1010',
    'timer 2010 at 2010',
    'timer 7010 at 7010',
  ])
})

test('group state has its timeouts, and refuses the ones that were not asked for', async () => {
  const codeOf = (
    timeout: 'none' | 'processingTime',
    act: (state: {
      setTimeoutDuration(d: number): void
      setTimeoutTimestamp(t: number): void
    }) => void,
  ) => {
    const { start, frame } = world()
    const keyed = byK(frame()).mapGroupsWithState(
      (k, _rows, state) => {
        act(state)
        return said(k, 'fine')
      },
      { output: out, state: 'INT', timeout },
    )
    return failure(() => start(keyed.toDF()).add([{ k: 'a', n: 1 }]))
  }
  expect(await codeOf('none', (state) => state.setTimeoutDuration(5))).toBe('TIMER_INVALID')
  expect(await codeOf('processingTime', (state) => state.setTimeoutTimestamp(5))).toBe(
    'TIMER_INVALID',
  )
  expect(await codeOf('processingTime', (state) => state.setTimeoutDuration(0))).toBe(
    'TIMER_INVALID',
  )
  expect(await codeOf('processingTime', (state) => state.setTimeoutDuration(5))).toBe('none')
})

test('a typed frame takes columns by name, of just their types', async () => {
  const { frame, session, run } = world()
  expect(await failure(() => frame().as(StructType().add('x', StringType())))).toBe(
    'COLUMN_NOT_FOUND',
  )
  expect(await failure(() => frame().as(StructType().add('n', LongType())))).toBe(
    'DATATYPE_MISMATCH',
  )
  const rows = session
    .createDataFrame(
      [
        { a: 1, b: 'x' },
        { a: 2, b: 'y' },
      ],
      'a INT, b STRING',
    )
    .as(StructType().add('b', StringType(), false).add('a', 'int', false))
    .filter(({ a }) => a > 1)
    .flatMap(
      ({ a, b }) => Array.from({ length: a }, () => ({ b })),
      StructType().add('b', StringType()),
    )
    .map(({ b }) => ({ up: b?.toUpperCase() ?? null }), StructType().add('up', StringType()))
  expect(rows.schema.simpleString()).toBe('struct<up:string>')
  expect(await run(rows.toDF().collect())).toEqual([{ up: 'Y' }, { up: 'Y' }])
})

/** A query that adds the numbers of its rows to a list with a cap, by event time, and says what the list holds. */
function cappedList(cap: number, options: { readonly noDataEpochs?: boolean } = {}): World {
  const schema = 'k STRING, n INT, at TIMESTAMP'
  const { start, input } = world(virtualFileSystem(), { schema, ...options })
  let list: ListState<number> | undefined
  const program = made(
    (handle) => {
      list = handle.listState('list', 'INT', { cap, ttl: '10 seconds' })
    },
    {
      handleInputRows(k, rows) {
        for (const row of rows) list?.append(Number(row['n']))
        return [said(k, list?.get().join())]
      },
    },
  )
  const frame = input.toDF().withWatermark('at', '5 seconds')
  return start(
    byK(frame).transformWithState(program, { output: out, timeMode: 'eventTime' }).toDF(),
  )
}

const rowAt = (k: string, n: number, seconds: number): Row => ({
  k,
  n,
  at: new Date(seconds * 1000),
})

test('what a capped list counts is what has not ended yet, whatever its order', async () => {
  const query = cappedList(3)
  expect(await query.add([rowAt('a', 1, 20)])).toEqual(['1'])
  // Older than the first, but not late: it ends before it.
  expect(await query.add([rowAt('a', 2, 16)])).toEqual(['1,2'])
  expect(await query.add([rowAt('a', 3, 20)])).toEqual(['1,2,3'])
  // The watermark goes to 27: the second element is over at 26.
  await query.add([rowAt('z', 0, 32)])
  expect(await query.add([rowAt('a', 4, 29)])).toEqual(['1,3,4'])
  expect(await query.add([rowAt('a', 5, 29)])).toEqual(['3,4,5'])
})

test('a value that is over when it is written pushes nothing out of a capped list', async () => {
  // Without empty epochs the watermark takes effect only where rows come.
  const query = cappedList(2, { noDataEpochs: false })
  expect(await query.add([rowAt('a', 1, 60), rowAt('a', 2, 58)])).toEqual(['1,2'])
  // Not late yet, but over at 50, and the watermark is 55 now.
  expect(await query.add([rowAt('a', 3, 40)])).toEqual(['1,2'])
  expect(await query.add([rowAt('a', 4, 60)])).toEqual(['2,4'])
})

test('rows that are late for a program are delivered with its name', async () => {
  const { session, simulation } = simulatedSession({
    seed: 1,
    files: virtualFileSystem(),
    life: 0,
  })
  const input = session.memoryStream('k STRING, at TIMESTAMP')
  const program = made(() => undefined, { handleInputRows: (k, rows) => [said(k, rows.length)] })
  const query = input
    .toDF()
    .withWatermark('at', '5 seconds')
    .as()
    .groupByKey('k')
    .transformWithState(program, { output: out, timeMode: 'eventTime' })
    .toDF()
    .writeStream.format('noop')
    .option('checkpointLocation', 'checkpoint')
    .start()
  const late: unknown[] = []
  const reading = (async () => {
    for await (const { operator, row } of query.lateRows()) late.push({ operator, k: row['k'] })
  })()
  for (const seconds of [100, 101, 102, 3, 103]) {
    input.addData([{ k: `k${seconds}`, at: new Date(seconds * 1000) }])
    await simulation.run(query.processAllAvailable())
  }
  const dropped = query.recentProgress.map(
    ({ stateOperators: [operator] }) => operator?.numRowsDroppedByWatermark ?? 0,
  )
  expect(dropped.reduce((sum, count) => sum + count, 0)).toBe(1)
  expect(query.recentProgress.at(-1)?.stateOperators[0]?.operatorName).toBe(
    'transformWithStateExec',
  )
  await simulation.run(session.stop())
  await simulation.run(reading)
  expect(late).toEqual([{ operator: 'process-0', k: 'k3' }])
})
