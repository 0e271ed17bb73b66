import { type Batch, liveRows } from '../../batch/batch.ts'
import type { Epoch } from '../../core/units.ts'
import type { SinkContext } from '../registry.ts'
import type { HiddenFiles } from './hidden-files.ts'
import type { folderEncoder } from './row-encoder.ts'

/** What both kinds of file sinks need. */
export interface FileOutput extends SinkContext {
  readonly path: string
  readonly extension: string
  readonly encoder: ReturnType<typeof folderEncoder>
}

/** Adds the rows of a batch to the hidden files of its epoch. */
export async function writeBatch(
  hidden: HiddenFiles,
  encode: FileOutput['encoder']['encode'],
  batch: Batch,
  epoch: Epoch,
): Promise<void> {
  if (liveRows(batch) === 0) return
  for (const [folder, bytes] of encode(batch)) await hidden.add(epoch, folder, bytes)
}
