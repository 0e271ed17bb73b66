import type { Batch } from '../src/batch/batch.ts'
import type { Schema } from '../src/batch/schema.ts'
import { StreamError } from '../src/core/error.ts'
import type { PolledBatch, ReadLimit, Slice, Source } from '../src/flow/connector.ts'
import type { Position, PositionRange } from '../src/flow/message.ts'

/**
 * Batches that are there before the query starts: the source for measuring without a file. The position
 * is the number of batches read; a limit in rows is kept to the batch that reaches it.
 */
export function batchSource(schema: Schema, batches: readonly Batch[]): Source {
  const end = (): Position => ({ batches: batches.length })
  return {
    description: `${batches.length} batches in memory`,
    schema,
    replayable: true,
    initial: async () => ({ batches: 0 }),
    async latest(from: Position, limit: ReadLimit) {
      if (limit.maxRows === undefined) return end()
      let next = countOf(from)
      let rows = 0
      while (next < batches.length && rows < limit.maxRows) rows += batches[next++]?.rowCount ?? 0
      return { batches: next }
    },
    async *read({ from, to }: PositionRange, slice: Slice) {
      for (let index = countOf(from); index < countOf(to); index++) {
        const batch = batches[index]
        if (batch !== undefined && index % slice.count === slice.index) yield batch
      }
    },
    async poll(from: Position): Promise<PolledBatch | undefined> {
      const batch = batches[countOf(from)]
      return batch === undefined ? undefined : { batch, position: { batches: countOf(from) + 1 } }
    },
    commit: async () => {},
    close: async () => {},
  }
}

function countOf(position: Position): number {
  const { batches } = position
  if (typeof batches === 'number') return batches
  throw new StreamError('INTERNAL', { what: `no count of batches in ${JSON.stringify(position)}` })
}
