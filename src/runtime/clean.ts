import type { LocalEpochLog } from '../../state/local-epoch-log.ts'
import type { Manifest } from '../../state/manifest.ts'
import type { QuerySpec } from './query.ts'

/** Lets go of what no retained checkpoint needs, after a manifest was committed. */
export async function cleanCheckpoint(
  _spec: QuerySpec,
  _log: LocalEpochLog,
  _manifest: Manifest,
): Promise<void> {}
