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
