import type { Batch } from '../../batch/batch.ts'
import type { Schema } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import type { Source } from '../../flow/connector.ts'
import { numberAt } from '../numbered-position.ts'
import { readSchema, type SourceFactory } from '../registry.ts'
import { type RowLog, rowLog } from '../row-log.ts'

/** A live object of this process that can say which rows it holds now. */
export interface RowsHolder {
  batches(): readonly Batch[]
}

/** Reads rows that were given as they are: a batch, a list of batches, or a holder of such. */
export const rowsSource: SourceFactory = {
  format: 'rows',
  options: [],
  schemaFor(_, given) {
    if (given !== undefined) return given
    throw new StreamError('SCHEMA_REQUIRED', { format: 'rows' })
  },
  async create(context) {
    const log = rowLog(context.schema)
    for (const batch of batchesOf(context.handle)) log.appendBatch(batch)
    return sourceOf(log, readSchema(context), context.columns)
  },
}

function sourceOf(log: RowLog, schema: Schema, columns: readonly number[] | undefined): Source {
  return {
    description: 'rows',
    schema,
    replayable: true,
    initial: async () => ({ '0': 0 }),
    async latest(from, { maxRows = Number.POSITIVE_INFINITY }, end) {
      const start = numberAt(from, '0')
      const stop = Math.min(log.end, end === undefined ? log.end : numberAt(end, '0'))
      return { '0': Math.max(start, Math.min(stop, start + maxRows)) }
    },
    async *read({ from, to }, { index }) {
      if (index === 0) yield* log.between(numberAt(from, '0'), numberAt(to, '0'), columns)
    },
    async poll(from, maxRows) {
      const start = numberAt(from, '0')
      for (const batch of log.between(start, start + maxRows, columns)) {
        const taken = batch.selection?.length ?? batch.rowCount
        return { batch, position: { '0': start + taken } }
      }
      return undefined
    },
    commit: async () => undefined,
    close: async () => undefined,
  }
}

function batchesOf(handle: object | undefined): readonly Batch[] {
  if (Array.isArray(handle)) return handle.flatMap(batchesOf)
  if (isBatch(handle)) return [handle]
  if (isHolder(handle)) return handle.batches()
  throw new StreamError('CONFIG_INVALID', {
    option: 'format',
    value: 'rows',
    expected: 'a frame made with session.createDataFrame(…)',
  })
}

function isHolder(handle: object | undefined): handle is RowsHolder {
  return handle !== undefined && 'batches' in handle && typeof handle.batches === 'function'
}

function isBatch(handle: object | undefined): handle is Batch {
  return handle !== undefined && 'rowCount' in handle && 'columns' in handle && 'schema' in handle
}
