import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { noopSink } from '../../src/connectors/noop/sink.ts'
import { createTap } from '../../src/runtime/tap.ts'
import { epochOf, sinkContext } from '../connectors/contexts.ts'

const epochs = 60

test.each([{ uncommitted: false }, { uncommitted: true }])(
  'a reader of results that goes away without a word does not keep a query from stopping: %o',
  async (options) => {
    const files = virtualFileSystem()
    const { session, simulation } = simulatedSession({ seed: 1, files, life: 0 })
    const run = async (): Promise<string> => {
      const input = session.memoryStream('n INT')
      const query = input
        .toDF()
        .writeStream.format('noop')
        .option('checkpointLocation', 'checkpoint')
        .start()
      const reader = query.results(options)[Symbol.asyncIterator]()
      const first = reader.next()
      for (let n = 0; n < epochs; n++) {
        input.addData([[n]])
        // One epoch for each row, until the reader is so far behind that the query waits for it.
        for (let pauses = 0; pauses < 60; pauses++) await simulation.pause()
      }
      expect(await first).toMatchObject({ value: { rows: [{ n: 0 }] } })
      expect(query.lastProgress?.batchId).toBeLessThan(epochs - 1)
      await query.stop()
      expect(query.isActive).toBe(false)
      await session.stop()
      return 'stopped'
    }
    expect(await simulation.run(run())).toBe('stopped')
  },
)

test('a reader that comes while nobody waits for readers is not waited for, until there is a sink again', async () => {
  const tap = createTap()
  const schema = parseSchema('n INT')
  const sinkOf = async () => tap.into(await noopSink.create(sinkContext(schema)))
  const sink = await sinkOf()
  tap.release()
  tap.subscribe({ uncommitted: true })
  const batch = batchOf(schema, [[1]])
  for (let n = 0; n < 40; n++) await sink.write(batch, epochOf(0))
  const next = await sinkOf()
  let isWritten = false
  const written = next.write(batch, epochOf(0)).then(() => {
    isWritten = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isWritten).toBe(false)
  tap.end()
  await written
})
