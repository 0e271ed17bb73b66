import type { Batch } from '../src/batch/batch.ts'
import type { Schema } from '../src/batch/schema.ts'
import type { SourceFactory } from '../src/connectors/registry.ts'
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

/** The format `batches` over these batches, for `session.register`; columns that nobody reads are left out. */
export function batchFormat(
  schema: Schema,
  batches: readonly Batch[],
  rowsPerEpoch: number | undefined,
): SourceFactory {
  return {
    format: 'batches',
    options: [],
    schemaFor: () => schema,
    limits: () => (rowsPerEpoch === undefined ? {} : { maxRows: rowsPerEpoch }),
    create: async ({ columns }) =>
      columns === undefined
        ? batchSource(schema, batches)
        : batchSource(
            pick(schema, columns),
            batches.map((batch) => narrow(batch, columns)),
          ),
  }
}

function narrow(batch: Batch, columns: readonly number[]): Batch {
  return {
    ...batch,
    schema: pick(batch.schema, columns),
    columns: pick(batch.columns, columns),
  }
}

function pick<T>(items: readonly T[], places: readonly number[]): readonly T[] {
  return items.filter((_, index) => places.includes(index))
}

function countOf(position: Position): number {
  const { batches } = position
  if (typeof batches === 'number') return batches
  throw new StreamError('INTERNAL', { what: `no count of batches in ${JSON.stringify(position)}` })
}
