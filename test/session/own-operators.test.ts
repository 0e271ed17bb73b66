import { expect, test } from 'vitest'
import { Session } from '../../src/index.ts'
import type { OwnOperator } from '../../src/streaming.ts'

test('an operator that waits for the world outside is told that the query ends', async () => {
  const session = Session.builder.config('progress', 'off').config('store', 'memory').getOrCreate()
  let isWaiting = () => {}
  const waiting = new Promise<void>((resolve) => {
    isWaiting = resolve
  })
  let abort = () => {}
  const patient: OwnOperator = {
    name: 'patient',
    version: 1,
    make: ({ state }) => ({
      name: 'patient',
      open: ({ epoch }) => state.open(epoch),
      process: () => {
        isWaiting()
        return new Promise<void>((_, reject) => {
          abort = () => reject(new Error('the query ends'))
        })
      },
      closeEpoch: () => ({}),
      freeze: () => state.freeze(),
      abort: () => abort(),
    }),
  }
  const input = session.memoryStream('n INT')
  const query = input
    .toDF()
    .operator(patient, { keys: [], output: 'n INT' })
    .writeStream.format('noop')
    .start()
  input.addData([{ n: 1 }])
  await waiting
  await query.stop({ force: true })
  expect(query.exception()).toBeUndefined()
  await session.stop()
})
