import type { Json } from '../src/core/json.ts'
import type { Epoch } from '../src/core/units.ts'

/** Version of everything under the checkpoint folder; a newer one is refused, an older one migrated. */
export const checkpointFormat = 1

/** A part of a file, with the checksum of its bytes (CRC-32C). Paths are relative to the checkpoint. */
export interface FilePart {
  readonly path: string
  readonly offset: number
  readonly length: number
  readonly crc: number
}

/** The changes of one shard in one epoch. */
export interface DeltaPart extends FilePart {
  readonly epoch: Epoch
}

/**
 * A fuzzy copy of one shard: replaying the deltas of every epoch from `fromEpoch` over it gives the
 * exact state of any epoch `>= validFrom`. `cold` is a link snapshot of the shard's store, if it had one;
 * `hot` are entry blocks that win over it.
 */
export interface ShardSnapshot {
  readonly fromEpoch: Epoch
  readonly validFrom: Epoch
  readonly hot: readonly FilePart[]
  readonly cold:
    | {
        readonly folder: string
        readonly kind: 'memory' | 'rocksdb'
        readonly files: readonly {
          readonly name: string
          readonly byteLength: number
          readonly crc: number
        }[]
      }
    | undefined
}

/** Everything needed to rebuild one shard: the snapshot, then the deltas in epoch order. */
export interface ShardVersion {
  readonly snapshot?: ShardSnapshot
  readonly deltas: readonly DeltaPart[]
  /** How many rows the operator has in the shard, which cannot be told without reading all of it. */
  readonly rows?: number
}

/** What a task made durable for an epoch; travels in its ack and is folded into the next manifest. */
export interface TaskStateHandle {
  readonly deltas: readonly {
    readonly operator: string
    readonly shard: number
    readonly part: DeltaPart
  }[]
  readonly snapshots: readonly {
    readonly operator: string
    readonly shard: number
    readonly snapshot: ShardSnapshot
  }[]
  /** Of shards that count their rows, where something happened in the epoch. */
  readonly rows?: readonly {
    readonly operator: string
    readonly shard: number
    readonly rows: number
  }[]
}

/** One checkpoint: all of its parts by name. Published atomically as an entry of the log. */
export interface Manifest {
  readonly format: number
  readonly epoch: Epoch
  /** The identity of the checkpoint; the epoch number is not, as it may be run more than once. */
  readonly snapshotId: string
  readonly parentSnapshotId: string | undefined
  /** Where each source stands after the epoch, by source name. */
  readonly positions: Readonly<Record<string, Json>>
  /** Where the sources end that others wait for (`followedBy`); fixed at the first start. */
  readonly ends?: Readonly<Record<string, Json>>
  /** Watermarks as the coordinator keeps them; opaque here. */
  readonly time: Json
  /** The eviction watermark of the epoch, microseconds: state that it closed is dead in older entries. */
  readonly evictWatermark: number
  /** By operator name, then shard number. */
  readonly state: Readonly<Record<string, Readonly<Record<string, ShardVersion>>>>
  /** By sink name. */
  readonly committables: Readonly<Record<string, Json>>
  /** What each sink is, by the same names; what is committed in one is nothing to another. */
  readonly sinks?: Readonly<Record<string, string>>
  /** Those of them that had to be told to commit; the others were done with the epoch. Absent: all. */
  readonly toCommit?: readonly string[]
  /** What the plan looked like, for the compatibility check at a restart; opaque here. */
  readonly plan: Json
}

/** An entry of the gapless log; entry n is the file `log/<n>`. */
export type LogEntry =
  | {
      readonly type: 'attempt'
      readonly token: number
      readonly attempt: string
      readonly atMs: number
      readonly format: number
      readonly queryId: string
    }
  | { readonly type: 'decision'; readonly epoch: Epoch; readonly header: Json }
  | { readonly type: 'manifest'; readonly manifest: Manifest }
  | { readonly type: 'committed'; readonly epoch: Epoch; readonly snapshotId: string }
  /** Manifests newer than `epoch` never stood: an authoritative sink says so. */
  | { readonly type: 'void'; readonly epoch: Epoch; readonly snapshotId: string }
