import { StreamError } from '../core/error.ts'
import { joinPath } from '../core/file-system.ts'
import type { WriteSpec } from '../dataframe/launch.ts'
import type { SessionConfig } from './config.ts'
import type { SessionPorts } from './ports.ts'

/** Where the checkpoint of a query lies. */
export interface CheckpointPlace {
  readonly path: string
  /** The id of the query if this is its first start; the checkpoint knows better otherwise. */
  readonly queryId: string
  /** The query has ended; a temporary checkpoint is removed after a clean end. */
  ended(cleanly: boolean): Promise<void>
}

/**
 * The option `checkpointLocation` of the query, or the folder of its name under that of the session.
 * Without either a temporary folder is used: the query runs, but does not go on after a restart.
 *
 * Spark gives a nameless query under a session-wide location a random folder, from which it never
 * recovers; here that is refused.
 * @throws StreamError `CONFIG_INVALID`
 */
export function checkpointFor(
  config: SessionConfig,
  ports: SessionPorts,
  spec: WriteSpec,
): CheckpointPlace {
  const queryId = ports.random.uuid()
  const lasting = lastingFolder(config, spec)
  if (lasting !== undefined) return { path: lasting, queryId, ended: () => Promise.resolve() }
  const path = joinPath(ports.temporaryFolder, `millrace-${queryId}`)
  return {
    path,
    queryId,
    ended: (cleanly) => (cleanly ? ports.files.removeFolder(path) : Promise.resolve()),
  }
}

/**
 * Where a query keeps a checkpoint that outlives its process, if anywhere.
 * @throws StreamError `CONFIG_INVALID`
 */
export function lastingFolder(config: SessionConfig, spec: WriteSpec): string | undefined {
  return spec.options['checkpointlocation'] ?? sessionFolder(config, spec)
}

function sessionFolder(config: SessionConfig, spec: WriteSpec): string | undefined {
  const root = config.checkpointLocation
  if (root === undefined) return undefined
  if (spec.queryName !== undefined) return joinPath(root, spec.queryName)
  throw new StreamError('CONFIG_INVALID', {
    option: 'queryName',
    value: 'nothing',
    expected: `a name (the query would keep its checkpoint in ${root}/<queryName>; without one it could never find it again)`,
  })
}
