import { type Batch, liveRows } from '../batch/batch.ts'
import { batchOf } from '../batch/build.ts'
import { packRows } from '../batch/pack.ts'
import type { Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'

/**
 * Rows in memory under the numbers in which they came. Any range can be read any number of times,
 * until it is dropped.
 */
export interface RowLog {
  /** The number of the next row. */
  readonly end: number
  /** The number of the first row that was not dropped. */
  readonly start: number
  append(row: readonly Value[]): void
  appendBatch(batch: Batch): void
  /** The rows of `from <= row < to` that are there, with the given columns, in order. */
  between(from: number, to: number, columns?: readonly number[]): Iterable<Batch>
  /** Leaves numbers out: the next row has this one, if that is later. */
  skipTo(row: number): void
  /** Lets go of rows below the number, whole chunks at a time. */
  dropBefore(row: number): void
}

interface Chunk {
  readonly start: number
  readonly batch: Batch
}

/** Rows are gathered into batches of this size; smaller only when they are read before. */
const chunkRows = 4096

/** An empty log whose first row has the number `firstRow`. `partition` is written on every batch. */
export function rowLog(
  schema: Schema,
  options: { readonly firstRow?: number; readonly partition?: string } = {},
): RowLog {
  let chunks: Chunk[] = []
  let pending: (readonly Value[])[] = []
  let start = options.firstRow ?? 0
  let sealed = start

  const push = (batch: Batch): void => {
    const { partition } = options
    chunks.push({
      start: sealed,
      batch: partition === undefined ? batch : { ...batch, partition },
    })
    sealed += batch.rowCount
  }
  const seal = (): void => {
    if (pending.length === 0) return
    const rows = pending
    pending = []
    push(batchOf(schema, rows))
  }

  return {
    get end() {
      return sealed + pending.length
    },
    get start() {
      return start
    },
    append(row) {
      pending.push(row)
      if (pending.length >= chunkRows) seal()
    },
    appendBatch(batch) {
      seal()
      if (liveRows(batch) > 0) push(batch.selection === undefined ? batch : packRows(batch))
    },
    *between(from, to, columns) {
      seal()
      // The array is replaced, never changed, when chunks are dropped during a read.
      const all = chunks
      for (let index = firstChunk(all, from); index < all.length; index++) {
        const chunk = all[index] as Chunk
        if (chunk.start >= to) return
        yield cut(withColumns(chunk.batch, columns), from - chunk.start, to - chunk.start)
      }
    },
    skipTo(row) {
      seal()
      sealed = Math.max(sealed, row)
      if (chunks.length === 0) start = sealed
    },
    dropBefore(row) {
      seal()
      const kept = chunks.filter((chunk) => chunk.start + chunk.batch.rowCount > row)
      if (kept.length === chunks.length) return
      chunks = kept
      start = kept[0]?.start ?? sealed
    },
  }
}

/** The batch with only these columns of its schema. */
export function withColumns(batch: Batch, columns: readonly number[] | undefined): Batch {
  if (columns === undefined) return batch
  return {
    ...batch,
    schema: batch.schema.filter((_, index) => columns.includes(index)),
    columns: batch.columns.filter((_, index) => columns.includes(index)),
  }
}

/** The rows of `from <= row < to` of a batch without selection. */
function cut(batch: Batch, from: number, to: number): Batch {
  const first = Math.max(0, from)
  const end = Math.min(batch.rowCount, to)
  if (first === 0 && end === batch.rowCount) return batch
  const selection = new Int32Array(end - first)
  for (let index = 0; index < selection.length; index++) selection[index] = first + index
  return { ...batch, selection }
}

/** The chunk that holds the row, or the first one after it: by halving, as logs grow long. */
function firstChunk(chunks: readonly Chunk[], row: number): number {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const { start, batch } = chunks[middle] as Chunk
    if (start + batch.rowCount <= row) low = middle + 1
    else high = middle
  }
  return low
}
