import { type Batch, liveRows, type RejectedRecord } from '../../batch/batch.ts'
import type { FileSystem } from '../../core/file-system.ts'
import type { PolledBatch, Source } from '../../flow/connector.ts'
import { type Point, pointOf } from './file-position.ts'
import { between, cutRows, type FileRows, moved, rejectedIn } from './file-rows.ts'
import type { FileLister } from './lister.ts'
import type { SeenLog } from './seen-log.ts'

/** A file in the middle of being read. */
interface OpenFile {
  readonly batches: AsyncIterator<Batch>
  at: Point
  left: Batch | undefined
  /** Rejected records that stand before the next row, and a batch without rows to carry them. */
  held: readonly RejectedRecord[]
  empty: Batch | undefined
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
        const batches = cutRows(rows.read(files, log.at(at.file), 'all'), at.row)[
          Symbol.asyncIterator
        ]()
        open = { at, batches, left: undefined, held: [], empty: undefined }
      }
      const batch = open.left ?? (await nextOf(open.batches))
      if (batch !== undefined) return take(open, batch, maxRows)
      at = { file: at.file + 1, row: 0 }
      const { held, empty } = open
      if (held.length === 0 || empty === undefined) continue
      open.held = []
      return { batch: { ...empty, rejected: held }, position: { '0': [at.file, at.row] } }
    }
  }
}

/** As many rows of the next batch of a file as were asked for, with the records that stand before them. */
function take(open: OpenFile, batch: Batch, maxRows: number): PolledBatch {
  const count = liveRows(batch)
  const taken = Math.min(count, maxRows)
  const isCut = taken < count
  const before = [
    ...open.held.map((each) => ({ ...each, before: 0 })),
    ...rejectedIn(batch, 0, taken),
  ]
  const after = rejectedIn(batch, taken, Number.POSITIVE_INFINITY)
  const isHeld = taken === 0
  open.left = isCut ? { ...between(batch, taken, count), ...moved(after, taken) } : undefined
  // A position counts rows: what stands before a row belongs to the epoch that brings this row.
  open.held = isCut ? [] : (moved([...(isHeld ? before : []), ...after], taken).rejected ?? [])
  open.empty = between(batch, 0, 0)
  open.at = { file: open.at.file, row: open.at.row + taken }
  const { rejected: _, ...whole } = batch
  const rows = isCut ? between(batch, 0, taken) : whole
  return {
    batch: { ...rows, ...(isHeld ? {} : moved(before, 0)) },
    position: { '0': [open.at.file, open.at.row] },
  }
}

async function nextOf(batches: AsyncIterator<Batch>): Promise<Batch | undefined> {
  const next = await batches.next()
  return next.done === true ? undefined : next.value
}
