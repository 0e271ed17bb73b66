import type { Batch, Column } from '../src/batch/batch.ts'
import type { Schema } from '../src/batch/schema.ts'
import type { SourceFactory } from '../src/connectors/registry.ts'
import { StreamError } from '../src/core/error.ts'
import type { PolledBatch, ReadLimit, Slice, Source } from '../src/flow/connector.ts'
import type { Position, PositionRange } from '../src/flow/message.ts'

/** Batches that can be read again: an array, or what makes them anew each time, always the same. */
export interface BatchList {
  readonly length: number
  at(index: number): Batch | undefined
  /** How many batches there are at the end of each epoch; absent = epochs end by their rows. */
  readonly ends?: readonly number[]
}

/**
 * Batches that are there before the query starts: the source for measuring without a file. The position
 * is the number of batches read; a limit in rows is kept to the batch that reaches it, unless it is said
 * where epochs end.
 */
export function batchSource(schema: Schema, batches: BatchList): Source {
  const end = (): Position => ({ batches: batches.length })
  return {
    description: `${batches.length} batches in memory`,
    schema,
    replayable: true,
    initial: async () => ({ batches: 0 }),
    async latest(from: Position, limit: ReadLimit) {
      if (limit.maxRows === undefined) return end()
      if (batches.ends !== undefined) {
        const next = batches.ends.find((count) => count > countOf(from))
        return next === undefined ? end() : { batches: next }
      }
      let next = countOf(from)
      let rows = 0
      while (next < batches.length && rows < limit.maxRows)
        rows += batches.at(next++)?.rowCount ?? 0
      return { batches: next }
    },
    async *read({ from, to }: PositionRange, slice: Slice) {
      for (let index = countOf(from); index < countOf(to); index++) {
        const batch = batches.at(index)
        if (batch !== undefined && index % slice.count === slice.index) yield batch
      }
    },
    async poll(from: Position): Promise<PolledBatch | undefined> {
      const batch = batches.at(countOf(from))
      return batch === undefined ? undefined : { batch, position: { batches: countOf(from) + 1 } }
    },
    commit: async () => {},
    close: async () => {},
  }
}

/**
 * A format over these batches, `batches` unless it is named, for `session.register`; columns that nobody
 * reads are left out.
 */
export function batchFormat(
  schema: Schema,
  batches: BatchList,
  rowsPerEpoch: number | undefined,
  format = 'batches',
): SourceFactory {
  return {
    format,
    options: [],
    schemaFor: () => schema,
    limits: () => (rowsPerEpoch === undefined ? {} : { maxRows: rowsPerEpoch }),
    create: async ({ columns }) =>
      columns === undefined
        ? batchSource(schema, batches)
        : batchSource(pick(schema, columns), narrowList(batches, columns)),
  }
}

/** Batches of equal size that are made when their columns are read, so that the input takes no memory. */
export function madeBatches(
  schema: Schema,
  size: { readonly batches: number; readonly rows: number },
  columnsOf: (batch: number) => readonly Column[],
): BatchList {
  return {
    length: size.batches,
    at: (index) =>
      index >= size.batches ? undefined : lazyBatch(schema, size.rows, () => columnsOf(index)),
  }
}

function narrowList(batches: BatchList, columns: readonly number[]): BatchList {
  return {
    ...(batches.ends === undefined ? {} : { ends: batches.ends }),
    length: batches.length,
    at(index) {
      const batch = batches.at(index)
      return batch && narrow(batch, columns)
    },
  }
}

function lazyBatch(schema: Schema, rowCount: number, make: () => readonly Column[]): Batch {
  let made: readonly Column[] | undefined
  return {
    schema,
    rowCount,
    get columns() {
      made ??= make()
      return made
    },
  }
}

function narrow(batch: Batch, columns: readonly number[]): Batch {
  return lazyBatch(pick(batch.schema, columns), batch.rowCount, () => pick(batch.columns, columns))
}

function pick<T>(items: readonly T[], places: readonly number[]): readonly T[] {
  return items.filter((_, index) => places.includes(index))
}

function countOf(position: Position): number {
  const { batches } = position
  if (typeof batches === 'number') return batches
  throw new StreamError('INTERNAL', { what: `no count of batches in ${JSON.stringify(position)}` })
}
