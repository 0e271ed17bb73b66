import type { Batch } from '../../batch/batch.ts'
import { StreamError } from '../../core/error.ts'
import { numberedSource } from '../numbered-source.ts'
import type { SourceFactory } from '../registry.ts'
import { rowLog } from '../row-log.ts'

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
    return numberedSource(context, {
      description: 'rows',
      replayable: true,
      log,
      reach: () => undefined,
    })
  },
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
