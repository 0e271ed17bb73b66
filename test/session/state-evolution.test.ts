import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { StatefulHandle, StatefulProcessor } from '../../src/streaming.ts'

type Row = Readonly<Record<string, unknown>>

/** One version of a program: what it declares, and what it does with a row; it gives out texts. */
interface Version {
  declare(handle: StatefulHandle): (row: Row) => unknown
  readonly timeMode?: 'none' | 'processingTime'
}

/** Runs each version over one row per run, in a life of its own over the same checkpoint. */
async function lives(versions: readonly Version[]): Promise<readonly unknown[]> {
  const files = virtualFileSystem()
  const said: unknown[] = []
  for (const [life, { declare, timeMode = 'none' }] of versions.entries()) {
    const { session, simulation } = simulatedSession({ seed: life, files, life })
    const input = session.memoryStream('k STRING, n INT')
    for (let n = 0; n <= life; n++) input.addData([{ k: 'a', n }])
    const program = (): StatefulProcessor<unknown, Row, Row> => {
      let act: ((row: Row) => unknown) | undefined
      return {
        init(handle) {
          act = declare(handle)
        },
        handleInputRows: (_k, rows) =>
          rows.map((row) => ({ said: JSON.stringify(act?.(row) ?? null, plain) })),
      }
    }
    const query = input
      .toDF()
      .as()
      .groupByKey('k')
      .transformWithState(program, { output: 'said STRING', timeMode })
      .toDF()
      .writeStream.outputMode('update')
      .option('checkpointLocation', 'checkpoint')
      .trigger({ availableNow: true })
      .foreachBatch(async (batch) => {
        for (const row of await batch.collect()) said.push(row['said'])
      })
      .start()
    await simulation.run(query.awaitTermination())
  }
  return said
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

/** Why the second version may not go on from the first; fails if it may. */
async function refusal(before: Version, now: Version): Promise<string> {
  try {
    await lives([before, now])
  } catch (problem) {
    if (problem instanceof StreamError && problem.code === 'CHECKPOINT_OTHER_QUERY') {
      return problem.message
    }
    throw problem
  }
  throw new Error('the change was not refused')
}

/** A value variable that shows what it had and takes what it is given. */
function value(type: string, next: (row: Row) => unknown, name = 'v'): Version {
  return {
    declare(handle) {
      const state = handle.valueState(name, type)
      return (row) => {
        const before = state.get()
        state.update(next(row) as never)
        return before
      }
    },
  }
}

/** Declares something and never uses it. */
function declaring(declare: (handle: StatefulHandle) => unknown): Version {
  return {
    declare(handle) {
      declare(handle)
      return () => 1
    },
  }
}

const numberOf = (row: Row): unknown => row['n']
const nothing: Version = {
  declare(handle) {
    handle.deleteIfExists('v')
    return () => 'dropped'
  },
}

test('a variable may be added, and dropped by name; one that comes again begins anew', async () => {
  const withTwo: Version = {
    declare(handle) {
      const [v, w] = [handle.valueState('v', 'INT'), handle.listState('w', 'INT')]
      return (row) => {
        const before = [v.get(), w.get()]
        v.update(Number(row['n']))
        w.append(Number(row['n']))
        return before
      }
    },
  }
  const dropped: Version = {
    declare(handle) {
      handle.deleteIfExists('v')
      const w = handle.listState('w', 'INT')
      return () => w.get()
    },
  }
  expect(await lives([value('INT', numberOf), withTwo, dropped, withTwo])).toEqual([
    'null',
    '[0,[]]',
    '[1]',
    '[null,[1]]',
  ])
})

test('values are widened as they are read', async () => {
  const long = value('BIGINT', (row) => BigInt(Number(row['n'])) + 2n ** 40n)
  expect(await lives([value('SMALLINT', numberOf), value('INT', numberOf), long, long])).toEqual([
    'null',
    '0',
    '"1n"',
    '"1099511627778n"',
  ])
  const double = value('DOUBLE', () => 0.5)
  expect(await lives([value('INT', numberOf), double, double])).toEqual(['null', '0', '0.5'])
})

test('fields of a struct may come, go, widen and change places', async () => {
  const structs = [
    value('STRUCT<a: INT, b: STRING>', () => ({ a: 1, b: 'x' })),
    value('STRUCT<b: STRING, a: BIGINT, c: ARRAY<INT>>', () => ({ a: 2n, b: 'y', c: [1] })),
    value('STRUCT<a: BIGINT, c: ARRAY<BIGINT>>', () => ({ a: 3n, c: [2n] })),
    value('STRUCT<a: BIGINT, c: ARRAY<BIGINT>>', () => ({ a: 3n, c: [] })),
  ]
  expect(await lives(structs)).toEqual([
    'null',
    '{"b":"x","a":"1n","c":null}',
    '{"a":"2n","c":["1n"]}',
    '{"a":"3n","c":["2n"]}',
  ])
})

test('a value that was not written since keeps its old type', async () => {
  const reads = (type: string): Version => ({
    declare(handle) {
      const state = handle.valueState('v', type)
      return () => state.get()
    },
  })
  const types = ['INT', 'BIGINT', 'BIGINT']
  expect(await lives([value('SMALLINT', numberOf), ...types.map(reads)])).toEqual([
    'null',
    '0',
    '"0n"',
    '"0n"',
  ])
})

test('what would lose values is refused, with the reason', async () => {
  const int = value('INT', numberOf)
  const other = value('INT', numberOf, 'w')
  expect(await refusal(int, other)).toMatch(/variable v is gone \(a rename to w would lose/)
  expect(await refusal(int, value('STRING', String))).toMatch(/int does not widen to string/)
  expect(
    await refusal(
      value('BIGINT', () => 1n),
      int,
    ),
  ).toMatch(/int is narrower than bigint/)
  const struct = value('STRUCT<a: INT, b: INT>', () => ({ a: 1, b: 2 }))
  const renamed = value('STRUCT<a: INT, c: INT>', () => ({ a: 1, c: 2 }))
  expect(await refusal(struct, renamed)).toMatch(/field b is gone and c is new.*rename/)
  const list = declaring((handle) => handle.listState('v', 'INT'))
  expect(await refusal(int, list)).toMatch(/was a value and is a list/)
  const packed = declaring((handle) => handle.valueState('v'))
  expect(await refusal(int, packed)).toMatch(/was kept as int and is now packed/)
  expect(await refusal(int, { ...int, timeMode: 'processingTime' })).toMatch(/timeMode was none/)
  const map = (keys: string) => declaring((handle) => handle.mapState('v', keys, 'INT'))
  expect(await refusal(map('INT'), map('BIGINT'))).toMatch(/keys of the state variable v were int/)
})

test('a field that comes back as another type is refused while old values may have it', async () => {
  const first = value('STRUCT<a: INT, b: INT>', () => ({ a: 1, b: 2 }))
  const without = value('STRUCT<a: INT>', () => ({ a: 1 }))
  const other = value('STRUCT<a: INT, b: STRING>', () => ({ a: 1, b: 'x' }))
  await expect(lives([first, without, other])).rejects.toThrow(
    /field b: int does not widen to string/,
  )
  expect(await lives([first, nothing, other, other])).toEqual([
    'null',
    '"dropped"',
    'null',
    '{"a":1,"b":"x"}',
  ])
})
