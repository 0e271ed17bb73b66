import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { col, expr, udf, window } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import { jsonLines } from './json-lines.ts'

type Options = Readonly<Record<string, string>>

/** Runs a query over these rows in a simulated process, in one epoch. */
async function run(
  schema: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  query: (input: DataFrame) => DataFrame,
  options: Options = {},
  config: Options = {},
) {
  const files = virtualFileSystem()
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0, config })
  const input = session.memoryStream(schema)
  const started = query(input.toDF())
    .writeStream.format('json')
    .option('checkpointLocation', 'checkpoint')
    .options(options)
    .start('output')
  input.addData(rows)
  const failure = await simulation
    .run(started.processAllAvailable())
    .then(() => undefined)
    .catch((thrown: unknown) => thrown)
  await simulation.run(session.stop())
  return {
    failure,
    badRows: started.recentProgress.at(-1)?.badRows,
    output: await jsonLines(files, 'output'),
    letters: await jsonLines(files, 'letters'),
  }
}

const letters = { deadLetterPath: 'letters' }
const odd = udf((n: number) => {
  if (n % 2 === 0) throw new RangeError(`${n} is even`)
  return n
}, 'int')
const numbers = [1, 2, 3, 4].map((n) => ({ n }))

test('a function that throws ends the query, unless bad rows have another policy', async () => {
  const query = (input: DataFrame) => input.select(odd(col('n')).alias('n'))
  expect((await run('n INT', numbers, query)).failure).toMatchObject({
    code: 'USER_FUNCTION_FAILED',
  })
  const dropped = await run('n INT', numbers, query, { badRows: 'drop' })
  expect(dropped.failure).toBeUndefined()
  expect(dropped.output).toEqual([{ n: 1 }, { n: 3 }])
  expect(dropped.badRows).toEqual([{ operator: 'project', numRows: 2, numDeadLetters: 0 }])
  const delivered = await run('n INT', numbers, query, { badRows: 'deadLetter', ...letters })
  expect(delivered.output).toEqual([{ n: 1 }, { n: 3 }])
  expect(delivered.badRows).toEqual([{ operator: 'project', numRows: 2, numDeadLetters: 2 }])
  expect(delivered.letters).toEqual(
    [2, 4].map((n) => ({
      epoch: 0,
      operator: 'project',
      source: 'memory-0',
      partition: '0',
      code: 'USER_FUNCTION_FAILED',
      message: `The function udf threw: ${n} is even.`,
      record: { n },
    })),
  )
})

const records = [
  '{"n":1,"t":"2024-01-01T00:00:00Z"}',
  '{"n":"many"}',
  '{"n":2',
  '{"n":3}',
  'Zeile \xe4',
]

/** A query over files of these lines; the bytes are Latin-1, so that some are no UTF-8. */
async function readFiles(
  format: 'json' | 'csv',
  lines: readonly string[],
  mode: string,
  trigger: { readonly availableNow: true } | { readonly continuous: string } = {
    availableNow: true,
  },
) {
  const files = virtualFileSystem()
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
  await files.makeFolder('in')
  await files.create('in/a', bytes)
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0 })
  const query = session.readStream
    .format(format)
    .schema('n INT')
    .option('mode', mode)
    .load('in')
    .writeStream.format('json')
    .option('checkpointLocation', 'checkpoint')
    .option('deadLetterPath', 'letters')
    .trigger(trigger)
    .start('output')
  const failure = await simulation
    .run<unknown>(
      'availableNow' in trigger ? query.awaitTermination() : query.processAllAvailable(),
    )
    .then(() => undefined)
    .catch((thrown: unknown) => thrown)
  await simulation.run(session.stop())
  return {
    failure,
    badRows: query.recentProgress.flatMap(({ badRows = [] }) => badRows),
    output: await jsonLines(files, 'output'),
    letters: await jsonLines(files, 'letters'),
  }
}

const triggers = [{ availableNow: true }, { continuous: '1 hour' }] as const

test.each(triggers)('lines that are no records go to the dead letters: %o', async (trigger) => {
  const {
    output,
    letters: found,
    badRows,
  } = await readFiles('json', records, 'DEADLETTER', trigger)
  expect(output).toEqual([{ n: 1 }, { n: 3 }])
  expect(found.map(({ record }) => record)).toEqual([
    '{"n":"many"}',
    '{"n":2',
    Buffer.from('Zeile \xe4', 'latin1').toString('base64'),
  ])
  expect(found[0]).toEqual({
    epoch: 0,
    operator: 'source(json-0)',
    source: 'json-0',
    position: 'in/a',
    code: 'DECODE_FAILED',
    message: 'n is not int: "many"',
    record: '{"n":"many"}',
  })
  const total = badRows.reduce((sum, { numDeadLetters }) => sum + numDeadLetters, 0)
  expect(total).toBe(3)
})

test('lines that are dropped are counted, and lines that fail end the query', async () => {
  const dropped = await readFiles('csv', ['1', 'x', '2,3', '4'], 'DROPMALFORMED')
  expect(dropped.output).toEqual([{ n: 1 }, { n: 4 }])
  expect(dropped.badRows).toEqual([{ operator: 'source(csv-0)', numRows: 2, numDeadLetters: 0 }])
  expect(dropped.letters).toEqual([])
  const failed = await readFiles('csv', ['1', 'x'], 'FAILFAST')
  expect(failed.failure).toMatchObject({ code: 'DECODE_FAILED' })
})

test('functions over rows leave nothing of a bad row behind, and may have a policy of their own', async () => {
  const names = (input: DataFrame) =>
    input
      .as()
      .flatMap(
        ({ n }) => ({
          *[Symbol.iterator]() {
            yield { n: Number(n) }
            if (n === 2) throw new RangeError('no two')
            // What does not fit the schema is as bad as an error.
            yield { n: n === 3 ? 'three' : Number(n) * 10 }
          },
        }),
        'n INT',
        { badRows: 'deadLetter' },
      )
      .filter(
        function small({ n }) {
          if (n === 40) throw new RangeError('no forty')
          return true
        },
        { badRows: 'drop' },
      )
      .toDF()
  const { output, letters: found, badRows } = await run('n INT', numbers, names, letters)
  expect(output).toEqual([{ n: 1 }, { n: 10 }, { n: 4 }])
  expect(found.map(({ code, record }) => ({ code, record }))).toEqual([
    { code: 'USER_FUNCTION_FAILED', record: { n: 2 } },
    { code: 'CAST_INVALID_INPUT', record: { n: 3 } },
  ])
  expect(badRows).toEqual([
    { operator: 'map flatMap', numRows: 2, numDeadLetters: 2 },
    { operator: 'filter', numRows: 1, numDeadLetters: 0 },
  ])
})

test('a function with the policy fail ends a query that delivers the others', async () => {
  const strict = udf(
    function strict(n: number) {
      if (n === 2) throw new RangeError('two')
      return n
    },
    'int',
    { badRows: 'fail' },
  )
  const query = (input: DataFrame) => input.select(strict(col('n')).alias('n'))
  const { failure } = await run('n INT', numbers, query, { badRows: 'deadLetter', ...letters })
  expect(failure).toMatchObject({ code: 'USER_FUNCTION_FAILED' })
  expect(() => udf(() => 1, 'int', JSON.parse('{"badRows":"ignore"}'))).toThrowError(
    /CONFIG_INVALID.*badRows.*ignore/,
  )
})

test('in a batch a bad row is an error, whatever the policy of the function', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const never = udf(
    () => {
      throw new RangeError('never')
    },
    'int',
    { badRows: 'drop' },
  )
  const frame = session.createDataFrame(numbers, 'n INT').select(never(col('n')))
  await expect(simulation.run(frame.collect())).rejects.toMatchObject({
    code: 'USER_FUNCTION_FAILED',
  })
})

test('casts, divisions and conditions that raise errors have the policy of the query', async () => {
  const texts = ['1', 'x', '0', null, '5'].map((s) => ({ s }))
  const query = (input: DataFrame) => input.filter('10 / CAST(s AS INT) > 1').select('s')
  const { output, letters: found } = await run('s STRING', texts, query, {
    badRows: 'DeadLetter',
    ...letters,
  })
  expect(output).toEqual([{ s: '1' }, { s: '5' }])
  expect(found.map(({ code, record }) => ({ code, record }))).toEqual([
    { code: 'CAST_INVALID_INPUT', record: { s: 'x' } },
    { code: 'DIVIDE_BY_ZERO', record: { s: '0' } },
  ])
})

test('a batch of many rows with few bad ones loses these only', async () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({ s: n % 997 === 3 ? 'x' : String(n) }))
  const query = (input: DataFrame) => input.selectExpr('CAST(s AS INT) AS n')
  const { output, badRows } = await run('s STRING', many, query, { badRows: 'drop' })
  const good = many.flatMap(({ s }) => (s === 'x' ? [] : [{ n: Number(s) }]))
  expect(output).toEqual(good)
  expect(badRows?.[0]?.numRows).toBe(many.length - good.length)
})

test('dead letters without a place to go are refused before anything starts', () => {
  const { session } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const codeOf = (start: () => unknown): unknown => {
    try {
      start()
    } catch (thrown) {
      return thrown
    }
    return undefined
  }
  const input = () => session.memoryStream('n INT, t TIMESTAMP').toDF()
  const start = (frame: DataFrame, options: Options = {}) =>
    codeOf(() => frame.writeStream.format('noop').options(options).start())
  const nowhere = { code: 'DEAD_LETTERS_NOWHERE', hint: expect.stringContaining('deadLetterPath') }
  const shifted = input().selectExpr('n + 1 AS n')
  expect(start(shifted, { badRows: 'deadLetter' })).toMatchObject(nowhere)
  const noTime = { nullTime: 'deadLetter' } as const
  expect(start(input().withWatermark('t', '1 second', noTime))).toMatchObject(nowhere)
  const lines = session.readStream.format('json').schema('n INT').option('mode', 'DEADLETTER')
  expect(start(lines.load('in'))).toMatchObject(nowhere)
  const all = session.read.format('json').schema('n INT').option('mode', 'DEADLETTER')
  expect(codeOf(() => all.load('in'))).toMatchObject(nowhere)
  expect(start(shifted, { badRows: 'ignore' })).toMatchObject({ code: 'CONFIG_INVALID' })
  const same = { deadLetterPath: 'x', lateRowsPath: 'x', badRows: 'deadLetter' }
  expect(start(shifted, same)).toMatchObject({ code: 'CONFIG_INVALID' })
})

test('a record of 64 MiB is a dead letter like any other', async () => {
  const long = `{"n":"${'x'.repeat(64 * 2 ** 20)}"}`
  const { output, letters: found } = await readFiles(
    'json',
    ['{"n":1}', long, '{"n":2}'],
    'DEADLETTER',
  )
  expect(output).toEqual([{ n: 1 }, { n: 2 }])
  expect(found.map(({ record }) => String(record).length)).toEqual([long.length])
}, 60_000)

test('a key that is NULL is a key, and a group of its own', async () => {
  const rows = [{ k: null }, { k: 'a' }, { k: null }]
  const query = (input: DataFrame) => input.dropDuplicates('k')
  const { output, letters: found } = await run('k STRING', rows, query, {
    badRows: 'deadLetter',
    allowUnbounded: 'true',
    ...letters,
  })
  expect(output).toEqual([{}, { k: 'a' }])
  expect(found).toEqual([])
})

test('dead letters and late rows of joins, duplicates and groups come out of the iterators', async () => {
  const { session, simulation } = simulatedSession({ seed: 2, files: virtualFileSystem(), life: 0 })
  const [left, right] = [
    session.memoryStream('k INT, t TIMESTAMP'),
    session.memoryStream('j INT, u TIMESTAMP'),
  ]
  const query = left
    .toDF()
    .withWatermark('t', '0 seconds', { nullTime: 'deadLetter' })
    .dropDuplicates('k', 't')
    .join(right.toDF().withWatermark('u', '0 seconds'), expr('k = j AND u = t'))
    .writeStream.format('noop')
    .option('checkpointLocation', 'checkpoint')
    .option('deadLetterPath', 'letters')
    .start()
  const late: unknown[] = []
  const dead: unknown[] = []
  const reading = Promise.all([
    (async () => {
      for await (const { operator, input, row } of query.lateRows())
        late.push([operator, input, row])
    })(),
    (async () => {
      for await (const { operator, code, source, partition, record } of query.deadLetters()) {
        dead.push([operator, code, source, partition, record])
      }
    })(),
  ])
  for (const second of [100, 200, 300, 5]) {
    left.addData([{ k: second, t: new Date(second * 1000) }])
    if (second === 200) left.addData([{ k: 1, t: null }])
    right.addData([{ j: second, u: new Date(second * 1000) }])
    await simulation.run(query.processAllAvailable())
  }
  await simulation.run(session.stop())
  await simulation.run(reading)
  expect(late).toEqual(
    expect.arrayContaining([
      ['deduplicate-0', null, { k: 5, t: new Date(5000) }],
      ['join-0', 'right', { j: 5, u: new Date(5000) }],
    ]),
  )
  expect(late).toHaveLength(2)
  const record = { k: 1, t: null }
  expect(dead).toEqual([['watermark(t@memory-0)', 'EVENT_TIME_NULL', 'memory-0', '0', record]])
})

test('late rows are counted and not delivered with the policy drop', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const input = session.memoryStream('t TIMESTAMP')
  const query = input
    .toDF()
    .withWatermark('t', '0 seconds', { late: 'drop' })
    .groupBy(window('t', '5 seconds'))
    .count()
    .writeStream.format('noop')
    .option('checkpointLocation', 'checkpoint')
    .start()
  let late = 0
  const reading = (async () => {
    for await (const _ of query.lateRows()) late++
  })()
  for (const second of [100, 200, 300, 5]) {
    input.addData([{ t: new Date(second * 1000) }])
    await simulation.run(query.processAllAvailable())
  }
  const dropped = query.recentProgress.map(
    ({ stateOperators: [one] }) => one?.numRowsDroppedByWatermark,
  )
  expect(dropped.at(-1)).toBe(1)
  await simulation.run(session.stop())
  await simulation.run(reading)
  expect(late).toBe(0)
})

test('steps with state take no policy but to fail', () => {
  const { session } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const keyed = session.memoryStream('k STRING').toDF().as().groupByKey('k')
  const options = { output: 'k STRING', ...JSON.parse('{"badRows":"deadLetter"}') }
  const refused = /STREAMING_UNSUPPORTED.*deadLetter.*state/
  expect(() => keyed.flatMapGroupsWithState(() => [], options)).toThrowError(refused)
  const processor = { init: () => undefined, handleInputRows: () => [] }
  expect(() => keyed.transformWithState(processor, options)).toThrowError(refused)
})

test('the query of a processor that throws fails, whatever becomes of the rows of functions', async () => {
  const query = (input: DataFrame) =>
    input
      .as()
      .groupByKey('n')
      .transformWithState(
        {
          init: () => undefined,
          handleInputRows() {
            throw new RangeError('never')
          },
        },
        { output: 'n INT' },
      )
      .toDF()
  const { failure } = await run('n INT', numbers, query, { badRows: 'drop' })
  expect(failure).toMatchObject({ code: 'USER_FUNCTION_FAILED' })
})

test('rows that foreach throws for have the policy of the query, and the others go on', async () => {
  const files = virtualFileSystem()
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0 })
  const input = session.memoryStream('n INT')
  const seen: unknown[] = []
  const query = input
    .toDF()
    .filter('n < 4')
    .writeStream.foreach(({ n }) => {
      if (n === 2) throw new RangeError('two')
      seen.push(n)
    })
    .option('checkpointLocation', 'checkpoint')
    .options({ badRows: 'deadLetter', ...letters })
    .start()
  input.addData(numbers)
  await simulation.run(query.processAllAvailable())
  await simulation.run(session.stop())
  expect(seen).toEqual([1, 3])
  const total = { operator: 'sink(foreach)', numRows: 1, numDeadLetters: 1 }
  expect(query.recentProgress.at(-1)?.badRows).toEqual([total])
  expect(await jsonLines(files, 'letters')).toMatchObject([
    {
      epoch: 0,
      operator: 'sink(foreach)',
      code: 'USER_FUNCTION_FAILED',
      message: 'The function foreach.process threw: two.',
      record: { n: 2 },
    },
  ])
})

test('a header that is no text is a header all the same', async () => {
  const files = virtualFileSystem()
  await files.makeFolder('in')
  await files.create('in/a', Buffer.from('Gr\u00f6\u00dfe\n1\nx\n2\n', 'latin1'))
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0 })
  const query = session.readStream
    .format('csv')
    .schema('n INT')
    .options({ mode: 'DEADLETTER', header: 'true', enforceSchema: 'true' })
    .load('in')
    .writeStream.format('json')
    .options({ checkpointLocation: 'checkpoint', deadLetterPath: 'letters' })
    .trigger({ availableNow: true })
    .start('output')
  await simulation.run(query.awaitTermination())
  await simulation.run(session.stop())
  expect(await jsonLines(files, 'output')).toEqual([{ n: 1 }, { n: 2 }])
  expect((await jsonLines(files, 'letters')).map(({ record }) => record)).toEqual(['x'])
})

test('a row that cannot be handed to a function is as bad as one that it throws for', async () => {
  const config = { longAs: 'number' }
  const ids = [{ id: 1n }, { id: 2n ** 53n + 1n }, { id: 3n }]
  const mapped = (input: DataFrame) =>
    input
      .as()
      .map(({ id }) => ({ id }), 'id LONG')
      .toDF()
  const found = await run('id LONG', ids, mapped, { badRows: 'deadLetter', ...letters }, config)
  expect(found.output).toEqual([{ id: 1 }, { id: 3 }])
  expect(found.letters.map(({ code }) => code)).toEqual(['ARITHMETIC_OVERFLOW'])
  const called = (input: DataFrame) =>
    input
      .as()
      .mapAsync(async ({ id }) => ({ id }), 'id LONG', { onError: 'drop' })
      .toDF()
  expect((await run('id LONG', ids, called, {}, config)).output).toEqual([{ id: 1 }, { id: 3 }])
})
