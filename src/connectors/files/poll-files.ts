import { type Batch, liveRows } from '../../batch/batch.ts'
import type { FileSystem } from '../../core/file-system.ts'
import type { Source } from '../../flow/connector.ts'
import { type Point, pointOf } from './file-position.ts'
import { between, cutRows, type FileRows } from './file-rows.ts'
import type { FileLister } from './lister.ts'
import type { SeenLog } from './seen-log.ts'

/** A file in the middle of being read. */
interface OpenFile {
  readonly batches: AsyncIterator<Batch>
  at: Point
  left: Batch | undefined
}

/** The `poll` of a file source: reads on where the last call stopped, as long as the caller does too. */
export function filePoll(
  files: FileSystem,
  log: SeenLog,
  lister: FileLister,
  rows: FileRows,
): Source['poll'] {
  let open: OpenFile | undefined
  return async (from, maxRows) => {
    let at = pointOf(from)
    for (;;) {
      if (open === undefined || open.at.file !== at.file || open.at.row !== at.row) {
        await open?.batches.return?.()
        open = undefined
        if ((await lister.take(at.file, { maxFiles: 1 })) <= at.file) return undefined
        const batches = cutRows(rows.read(files, log.at(at.file)), at.row)
        open = { at, batches: batches[Symbol.asyncIterator](), left: undefined }
      }
      const batch = open.left ?? (await nextOf(open.batches))
      if (batch === undefined) {
        at = { file: at.file + 1, row: 0 }
        continue
      }
      const count = liveRows(batch)
      const taken = Math.min(count, maxRows)
      const row = at.row + taken
      open.left = taken < count ? between(batch, taken, count) : undefined
      open.at = { file: at.file, row }
      const part = taken < count ? between(batch, 0, taken) : batch
      return { batch: part, position: { '0': [at.file, row] } }
    }
  }
}

async function nextOf(batches: AsyncIterator<Batch>): Promise<Batch | undefined> {
  const next = await batches.next()
  return next.done === true ? undefined : next.value
}
