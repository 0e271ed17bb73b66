import type { Epoch } from '../src/core/units.ts'
import type { DeltaPart, ShardSnapshot, ShardVersion } from './manifest.ts'

/** When a shard is worth a new snapshot. */
export interface SnapshotLimits {
  /** Deltas of fewer bytes are left as they are. */
  readonly snapshotMinBytes: number
  /** A longer chain is worth a snapshot even if it has few bytes. */
  readonly snapshotMaxChain: number
}

/** Keeps count of the files that a restore of one shard would read. */
export interface SnapshotChain {
  /** A delta of the shard is durable. */
  add(part: DeltaPart): void
  /** The chain is long enough for a new snapshot, and none is waiting to be published. */
  isDue(): boolean
  /** A snapshot is finished. */
  offer(snapshot: ShardSnapshot): void
  /** A finished snapshot that may stand in the manifest of `epoch`; given out once. */
  take(epoch: Epoch): ShardSnapshot | undefined
}

/** The chain as the restored manifest has it. */
export function snapshotChain(
  limits: SnapshotLimits,
  restored: ShardVersion | undefined,
): SnapshotChain {
  const { snapshotMinBytes, snapshotMaxChain } = limits
  let chain = (restored?.deltas ?? []).map(({ epoch, length }) => ({ epoch, length }))
  let snapshotBytes = hotBytesOf(restored?.snapshot)
  let ready: ShardSnapshot | undefined
  return {
    add({ epoch, length }) {
      chain.push({ epoch, length })
    },
    isDue() {
      if (ready !== undefined) return false
      const bytes = chain.reduce((sum, { length }) => sum + length, 0)
      if (bytes > Math.max(snapshotMinBytes, snapshotBytes)) return true
      // Many small deltas make restores and manifests long, but copying a large shard for them is no
      // gain before they add up to something.
      const isLong = chain.length > snapshotMaxChain && bytes * 16 > snapshotBytes
      return isLong || chain.length > 4 * snapshotMaxChain
    },
    offer(snapshot) {
      ready = snapshot
    },
    take(epoch) {
      if (ready === undefined || epoch < ready.validFrom) return undefined
      const given = ready
      ready = undefined
      chain = chain.filter((delta) => delta.epoch >= given.fromEpoch)
      snapshotBytes = hotBytesOf(given)
      return given
    },
  }
}

/** The cold part is linked, not copied, so it does not count when a snapshot is weighed against deltas. */
function hotBytesOf(snapshot: ShardSnapshot | undefined): number {
  return snapshot?.hot.reduce((sum, { length }) => sum + length, 0) ?? 0
}
