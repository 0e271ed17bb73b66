import type { Batch } from '../../batch/batch.ts'
import { packRows } from '../../batch/pack.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { Epoch } from '../../core/units.ts'
import type { Sink } from '../../flow/connector.ts'
import type { SinkFactory } from '../registry.ts'

/** Gets the rows of an epoch; the next epoch waits until the promise resolves. */
export type BatchCallback = (batches: readonly Batch[], epoch: number) => Promise<void>

/**
 * Calls a function once per epoch, also for epochs without rows: at least once, and never out of
 * order, so that the number of the epoch tells a repeated call. The rows of an epoch are in memory
 * until the call returns: the limits of the sources bound them.
 */
export const foreachBatchSink: SinkFactory = {
  format: 'foreachbatch',
  options: [],
  modes: ['append', 'update', 'complete'],
  async create({ handle }) {
    if (isCallback(handle)) return sinkOf(handle)
    throw new StreamError('CONFIG_INVALID', {
      option: 'foreachBatch',
      value: 'left out',
      expected: 'a function (frame, epoch) => …',
    })
  },
}

function sinkOf(call: BatchCallback): Sink {
  const written = new Map<Epoch, Batch[]>()
  return {
    description: 'foreachBatch',
    kind: 'bestEffort',
    open: async () => undefined,
    async write(batch, epoch) {
      const batches = written.get(epoch) ?? []
      // A few rows of a large batch must not keep the whole of it.
      batches.push(batch.selection === undefined ? batch : packRows(batch))
      written.set(epoch, batches)
    },
    async prepare(epoch) {
      const batches = written.get(epoch) ?? []
      written.delete(epoch)
      try {
        await call(batches, epoch)
      } catch (cause) {
        throw new StreamError(
          'USER_FUNCTION_FAILED',
          { name: 'foreachBatch', why: reasonOf(cause) },
          { cause },
        )
      }
      return null
    },
    commit: async () => undefined,
    async abort(epoch) {
      for (const each of written.keys()) if (each >= epoch) written.delete(each)
    },
    async close() {
      written.clear()
    },
  }
}

function isCallback(handle: object | undefined): handle is BatchCallback {
  return typeof handle === 'function'
}
