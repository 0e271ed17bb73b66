import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { col, udf } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import { jsonLines } from './json-lines.ts'

type Options = Readonly<Record<string, string>>

/** Runs a query over these rows in a simulated process, in one epoch. */
async function run(
  schema: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  query: (input: DataFrame) => DataFrame,
  options: Options = {},
) {
  const files = virtualFileSystem()
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0 })
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
