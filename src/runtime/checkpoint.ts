import type { CoordinatorEffects, EpochCheckpoint, Recovered } from '../../actors/job.ts'
import type { LocalEpochLog } from '../../state/local-epoch-log.ts'
import { checkpointFormat, type Manifest } from '../../state/manifest.ts'
import { foldState } from '../../state/manifest-state.ts'
import type { Json } from '../core/json.ts'
import { initialEpoch } from '../core/units.ts'
import type { EpochHeader, Position } from '../flow/message.ts'
import type { PlanFingerprint } from '../physical/compatibility.ts'

/** What one attempt writes to its checkpoint. */
export interface CheckpointWriter {
  readonly log: LocalEpochLog
  readonly fingerprint: PlanFingerprint
  readonly sinks: Pick<Manifest, 'sinks' | 'toCommit'>
  /** The manifest this attempt stands on. */
  readonly base: Manifest
  /** Called after the note of a committed epoch, to let old files go. */
  readonly clean: () => Promise<void>
}

/** Where the sources of a query begin, and where those end that others wait for. */
export interface Places {
  readonly positions: Readonly<Record<string, Position>>
  readonly ends: Readonly<Record<string, Position>>
}

/** The initial checkpoint of a query: where its sources begin, and no state. */
export function initialManifest(
  { positions, ends }: Places,
  fingerprint: PlanFingerprint,
  { snapshotIdOf }: Pick<LocalEpochLog, 'snapshotIdOf'>,
): Manifest {
  return {
    format: checkpointFormat,
    epoch: initialEpoch,
    snapshotId: snapshotIdOf(initialEpoch),
    parentSnapshotId: undefined,
    positions,
    ...(Object.keys(ends).length === 0 ? {} : { ends }),
    time: null,
    evictWatermark: 0,
    state: {},
    committables: {},
    plan: fingerprint as unknown as Json,
  }
}

/** Writes decisions, manifests and notes of one attempt to its log, in the order they are asked for. */
export function checkpointEffects(writer: CheckpointWriter): CoordinatorEffects {
  const { log, fingerprint, sinks } = writer
  let newest = writer.base
  return {
    decide: ({ epoch, ...header }) =>
      log.append({ type: 'decision', epoch, header: { epoch, ...header } as unknown as Json }),

    async publish(checkpoint) {
      const snapshotId = log.snapshotIdOf(checkpoint.epoch)
      const made = nextManifest(newest, checkpoint, fingerprint, snapshotId)
      const manifest: Manifest = { ...made, ...sinks }
      await log.append({ type: 'manifest', manifest })
      newest = manifest
      return snapshotId
    },

    async committed(epoch, snapshotId) {
      await log.append({ type: 'committed', epoch, snapshotId })
      await writer.clean()
    },
  }
}

function nextManifest(
  parent: Manifest,
  { epoch, header, positions, time, handles, committables }: EpochCheckpoint,
  fingerprint: PlanFingerprint,
  snapshotId: string,
): Manifest {
  return {
    format: checkpointFormat,
    epoch,
    snapshotId,
    parentSnapshotId: parent.snapshotId,
    positions,
    ...(parent.ends === undefined ? {} : { ends: parent.ends }),
    time,
    evictWatermark: header.evictWatermark,
    state: foldState(parent.state, [...handles.values()]),
    committables,
    plan: fingerprint as unknown as Json,
  }
}

/** Where the coordinator begins, from the manifest that stands and the decisions after it. */
export function recoveredFrom(manifest: Manifest, decisions: readonly Json[]): Recovered {
  return {
    epoch: manifest.epoch,
    // Positions were written by the same source under the same name.
    positions: manifest.positions as Readonly<Record<string, Position>>,
    ...(manifest.ends === undefined
      ? {}
      : { ends: manifest.ends as Readonly<Record<string, Position>> }),
    ...(manifest.time === null ? {} : { time: manifest.time }),
    decisions: decisions as unknown as readonly EpochHeader[],
  }
}
