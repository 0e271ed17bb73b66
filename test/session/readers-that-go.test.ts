import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'

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
