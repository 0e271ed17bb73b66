import type { Batch } from '../batch/batch.ts'
import type { Json } from '../core/json.ts'
import type { Epoch, Micros } from '../core/units.ts'

/**
 * Where a source stands: per source partition, whatever it needs to read on from there.
 * A position means "everything before it was read".
 */
export type Position = Readonly<Record<string, Json>>

export interface PositionRange {
  readonly from: Position
  readonly to: Position
}

/**
 * What was decided about an epoch before any of its rows was read (micro-batch triggers) or when it
 * was cut (continuous trigger). Written to the log, so a replayed epoch gets the same header.
 */
export interface EpochHeader {
  readonly epoch: Epoch
  /** Rows at or below it are late: `<=` for a time, `end <=` for a window. */
  readonly lateWatermark: Micros
  /** What is at or below it is emitted and forgotten at the barrier. */
  readonly evictWatermark: Micros
  /** The `current_timestamp()` of every row of the epoch. */
  readonly processingTime: Micros
  /** That of the epoch before; absent for the first. */
  readonly previousTime?: Micros
  /** Sources that did not hold back the watermark because they were idle. */
  readonly idle: readonly string[]
  /** Per source name. Absent while a continuous epoch is open. */
  readonly ranges?: Readonly<Record<string, PositionRange>>
  /** Empty epochs that would have done nothing were passed over before this one. */
  readonly skipped?: number
  /** The input was declared ended (`drain: "flush"`): everything left is emitted. */
  readonly flush?: boolean
}

/** Cuts a channel in two: what came before belongs to `epoch`. Never overtaken by a batch. */
export interface Barrier {
  readonly type: 'barrier'
  readonly epoch: Epoch
  /** Nothing follows: the query stops cleanly at this epoch. */
  readonly final: boolean
}

/** Everything that travels on a channel, in order. Order on one channel is the whole protocol. */
export type ChannelMessage =
  | { readonly type: 'open'; readonly header: EpochHeader }
  | { readonly type: 'data'; readonly batch: Batch }
  | Barrier
