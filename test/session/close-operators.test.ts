import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { StatefulProcessor } from '../../src/streaming.ts'

type Row = Readonly<Record<string, unknown>>

/** Runs a program in three lanes; how often it was begun and closed, and what ended the query. */
async function run(program: (number: number) => Partial<StatefulProcessor<unknown, Row, Row>>) {
  const config = { lanes: 3 }
  const files = virtualFileSystem()
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0, config })
  const input = session.memoryStream('k INT')
  input.addData([[1], [2], [3]])
  let begun = 0
  // The plan asks a program of its own what it declares.
  let isPlanned = false
  const closed: number[] = []
  const query = input
    .toDF()
    .as()
    .groupByKey('k')
    .transformWithState(
      (): StatefulProcessor<unknown, Row, Row> => {
        const number = isPlanned ? begun++ : -1
        const own = isPlanned ? program(number) : {}
        return {
          init: (handle) => own.init?.(handle),
          handleInputRows: () => [],
          close() {
            if (number >= 0) closed.push(number)
            own.close?.()
          },
        }
      },
      { output: 'x INT', timeMode: 'none' },
    )
    .toDF()
    .writeStream.outputMode('update')
    .format('noop')
    .option('checkpointLocation', 'checkpoint')
    .start()
  isPlanned = true
  const failure = await simulation.run(query.processAllAvailable().catch((thrown) => thrown))
  await simulation.run(session.stop().catch(() => undefined))
  return { begun, closed: closed.sort(), failure }
}

test('programs are closed when one of them fails to close', async () => {
  const { begun, closed } = await run((number) => ({
    close() {
      if (number > 0) throw new Error(`${number} cannot be closed`)
    },
  }))
  expect(begun).toBe(3)
  expect(closed).toEqual([0, 1, 2])
})

test('programs that have begun are closed when a later one cannot begin', async () => {
  const { begun, closed, failure } = await run((number) => ({
    init() {
      if (number === 2) throw new Error('no room')
    },
  }))
  expect(String(failure)).toMatch(/no room/)
  expect(begun).toBe(3)
  expect(closed).toEqual(expect.arrayContaining([0, 1]))
})
