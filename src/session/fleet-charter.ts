import { fleetFile, logFolder } from '../../state/checkpoint-paths.ts'
import { decodeLogFile, encodeLogFile } from '../../state/log-file.ts'
import { StreamError } from '../core/error.ts'
import { joinPath } from '../core/file-system.ts'
import type { Json } from '../core/json.ts'
import type { Position } from '../flow/message.ts'
import type { SessionPorts } from './ports.ts'

/** What the processes of a fleet have in common, from its very first start on. */
export interface FleetCharter {
  readonly id: string
  /** Where the partitions begin that there were then, by name; others begin with their first row. */
  readonly starting: Position
}

/**
 * Reads what the first process wrote, or is the first.
 *
 * @param root - folder that the checkpoints of all partitions lie below, the same for all processes
 * @throws StreamError `CHECKPOINT_OTHER_QUERY` if a query of its own has its checkpoint there, `CHECKPOINT_CORRUPT`
 */
export async function fleetCharter(
  { files, clock, random }: Pick<SessionPorts, 'files' | 'clock' | 'random'>,
  root: string,
  begin: () => Promise<Position>,
): Promise<FleetCharter> {
  const path = joinPath(root, fleetFile)
  const known = await files.read(path)
  if (known !== undefined) return decodeLogFile(path, known, isCharter).entry
  if ((await files.list(joinPath(root, logFolder))).length > 0) {
    const difference = 'a query that is no fleet keeps its checkpoint there'
    throw new StreamError('CHECKPOINT_OTHER_QUERY', { path: root, difference })
  }
  const entry: FleetCharter = { id: random.uuid(), starting: await begin() }
  await files.makeFolder(root)
  const temporary = `${path}.${entry.id}`
  await files.create(temporary, encodeLogFile({ number: 0, atMs: clock.now(), entry }))
  const isFirst = await files.link(temporary, path)
  await files.syncFolder(root)
  await files.remove(temporary)
  return isFirst ? entry : fleetCharter({ files, clock, random }, root, begin)
}

function isCharter(found: unknown): found is FleetCharter {
  if (typeof found !== 'object' || found === null) return false
  const { id, starting }: { readonly id?: Json; readonly starting?: Json } = found
  return typeof id === 'string' && typeof starting === 'object' && starting !== null
}
