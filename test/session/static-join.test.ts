import { expect, test } from 'vitest'
import { keptTable } from '../../properties/kept-table.ts'
import { rowsOfAll } from '../../properties/laws/stream-run.ts'
import { logEntries } from '../../properties/logged-epochs.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { JoinOptions } from '../../src/dataframe/join-options.ts'

const text = (lines: readonly unknown[]): Uint8Array =>
  new TextEncoder().encode(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)

/** Two epochs, with a new file of the side that does not stream in between; what each of them gave. */
async function twoEpochs(options: JoinOptions) {
  const files = virtualFileSystem()
  await files.makeFolder('words')
  await files.create('words/1.json', text([{ id: 1, word: 'one' }]))
  const table = keptTable()
  const { session, simulation } = simulatedSession({
    seed: 5,
    files,
    life: 0,
    config: { lanes: 2 },
  })
  session.register({ sink: table.sink() })
  const numbers = session.memoryStream('id INT')
  const words = session.read.schema('id INT, word STRING').json('words')
  const query = numbers
    .toDF()
    .join(words, 'id', 'left', options)
    .writeStream.option('checkpointLocation', 'checkpoint')
    .format('kept')
    .start()
  numbers.addData([[1], [2]])
  await simulation.run(query.processAllAvailable())
  await files.create('words/2.json', text([{ id: 2, word: 'two' }]))
  numbers.addData([[1], [2]])
  await simulation.run(query.processAllAvailable())
  const entries = await logEntries(files, 'checkpoint')
  await simulation.run(session.stop())
  const rows = table.epochs().map(({ batches }) =>
    rowsOfAll(batches)
      .map((row) => row.join(' '))
      .sort(),
  )
  return { rows: rows.filter((each) => each.length > 0), entries }
}

test('the side that does not stream is read again in every epoch, and is no part of the checkpoint', async () => {
  const { rows, entries } = await twoEpochs({})
  expect(rows).toEqual([
    ['1 one', '2 '],
    ['1 one', '2 two'],
  ])
  const manifests = entries.flatMap((entry) => (entry.type === 'manifest' ? [entry.manifest] : []))
  expect(manifests.length).toBeGreaterThan(1)
  for (const { positions } of manifests) expect(Object.keys(positions)).toEqual(['memory-0'])
})

test('with a refresh time it is read once in that time', async () => {
  const { rows } = await twoEpochs({ refresh: '10 days' })
  expect(rows).toEqual([
    ['1 one', '2 '],
    ['1 one', '2 '],
  ])
})

test('a side that a function makes is asked for again, though its rows are of this process', async () => {
  const files = virtualFileSystem()
  const table = keptTable()
  const { session, simulation } = simulatedSession({ seed: 5, files, life: 0 })
  session.register({ sink: table.sink() })
  const numbers = session.memoryStream('id INT')
  let asked = 0
  const rates = session
    .createDataFrame([{ id: 1 }], 'id INT')
    .as()
    .mapAsync(async ({ id }) => ({ id, rate: ++asked }), 'id INT, rate INT')
    .toDF()
  const joined = numbers.toDF().join(rates, 'id')
  const query = joined.writeStream.option('checkpointLocation', 'c').format('kept').start()
  for (const id of [1, 1]) {
    numbers.addData([[id]])
    await simulation.run(query.processAllAvailable())
  }
  await simulation.run(session.stop())
  expect(table.epochs().flatMap(({ batches }) => rowsOfAll(batches))).toEqual([
    [1, 1],
    [1, 2],
  ])
  const other = session.memoryStream('id INT').toDF()
  expect(() => numbers.toDF().join(other, 'id', 'inner', { refresh: '1 minute' })).toThrow(
    /refresh.*two streams/s,
  )
})
