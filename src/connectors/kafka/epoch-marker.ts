import { StreamError } from '../../core/error.ts'
import { type Epoch, epoch as epochOf } from '../../core/units.ts'
import type { CheckpointName } from '../../flow/connector.ts'
import type { FetchedOffset } from './transaction-requests.ts'

/** What a transaction says of the epoch whose rows it holds, as an offset that it commits for a group. */
export interface EpochMarker extends CheckpointName {
  /** The marker that it follows, for whoever has to find out what happened. */
  readonly parentSnapshotId: string | undefined
}

const version = 1

/** The offset is the number of epochs committed: the initial checkpoint has epoch −1, which is no offset. */
export function encodeMarker(marker: EpochMarker): {
  readonly offset: number
  readonly metadata: string
} {
  return { offset: marker.epoch + 1, metadata: JSON.stringify({ v: version, ...marker }) }
}

/**
 * The marker that a group holds; `undefined` = none.
 * @throws StreamError `CHECKPOINT_CORRUPT` when something else wrote there
 */
export function decodeMarker(
  group: string,
  { offset, metadata }: Pick<FetchedOffset, 'offset' | 'metadata'>,
): EpochMarker | undefined {
  if (offset === -1) return undefined
  const found = parsed(metadata)
  if (typeof found !== 'object' || found === null) throw foreign(group, offset, metadata)
  const { v, epoch, snapshotId, parentSnapshotId }: { readonly [name: string]: unknown } = {
    ...found,
  }
  const isOurs =
    v === version &&
    epoch === offset - 1 &&
    typeof snapshotId === 'string' &&
    (parentSnapshotId === undefined || typeof parentSnapshotId === 'string')
  if (!isOurs) throw foreign(group, offset, metadata)
  const named: Epoch = epochOf(offset - 1)
  return { epoch: named, snapshotId, parentSnapshotId }
}

function parsed(metadata: string): unknown {
  try {
    return JSON.parse(metadata)
  } catch {
    return undefined
  }
}

function foreign(
  group: string,
  offset: number,
  metadata: string,
): StreamError<'CHECKPOINT_CORRUPT'> {
  return new StreamError('CHECKPOINT_CORRUPT', {
    path: `the marker in group ${group}`,
    what: `offset ${offset} with ${JSON.stringify(metadata)} was not written by a query`,
  })
}
