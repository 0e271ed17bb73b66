import { checkpointReader } from '../../state/checkpoint-reader.ts'
import type { CleanUpHold } from '../../state/clean-up-hold.ts'
import { checkSavepoint, copyCheckpoint, noteSavepoint } from '../../state/copy-checkpoint.ts'
import { StreamError } from '../core/error.ts'
import type { Savepoint } from '../dataframe/streaming-query.ts'
import type { SessionPorts } from './ports.ts'

/** Which checkpoint is copied where. */
interface SavepointSpec {
  readonly checkpoint: string
  readonly to: string
  /** Whose it is; looked for in the log before the first attempt knows. */
  readonly owner: { readonly queryId: string; readonly token: number } | undefined
}

/**
 * Copies the last committed epoch of a checkpoint to a folder of its own. The query goes on meanwhile; what
 * it would clean up stays until the copy is made.
 * @throws StreamError `SAVEPOINT_EXISTS`, `CHECKPOINT_NOT_FOUND`
 */
export function makeSavepoint(
  { files, clock }: Pick<SessionPorts, 'files' | 'clock'>,
  hold: CleanUpHold,
  { checkpoint, to, owner }: SavepointSpec,
): Promise<Savepoint> {
  return hold.during(async () => {
    if ((await files.list(to)).length > 0) throw new StreamError('SAVEPOINT_EXISTS', { path: to })
    const reader = checkpointReader(files, checkpoint)
    const found = reader.committed()
    const { epoch, committables } = found.manifest
    const { queryId, token } = owner ?? reader.owner()
    const copy = { files, from: checkpoint, to, found, queryId, token, committables }
    await copyCheckpoint(copy)
    await noteSavepoint(files, to, { format: 1, queryId, epoch, atMs: clock.now() })
    return { path: to, queryId, epoch }
  })
}

/**
 * Makes the checkpoint of a query that begins with a savepoint: everything of it, as a query with an id of
 * its own whose sinks have committed nothing. The savepoint stays as it is.
 * @throws StreamError `CHECKPOINT_NOT_FOUND`
 */
export async function takeSavepoint(
  { files }: Pick<SessionPorts, 'files'>,
  { from, to, queryId }: { readonly from: string; readonly to: string; readonly queryId: string },
): Promise<void> {
  checkSavepoint(files, from)
  const reader = checkpointReader(files, from)
  const { token } = reader.owner()
  await copyCheckpoint({
    files,
    from,
    to,
    found: reader.committed(),
    queryId,
    token,
    committables: {},
  })
}
