import type { EdgeRow } from '../batch/edge-row.ts'
import type { Json } from '../core/json.ts'

/**
 * What one epoch did: Spark's progress, field by field. `JSON.stringify` of it is Spark's JSON.
 * Rates are rows per second with one decimal, absent where Spark has NaN or infinity.
 */
export interface StreamingQueryProgress {
  readonly id: string
  readonly runId: string
  /** `null` for a query without a name. */
  readonly name: string | null
  /** When the trigger started, ISO in UTC with milliseconds. */
  readonly timestamp: string
  /** The epoch. Does not advance while idle. */
  readonly batchId: number
  /** Milliseconds. */
  readonly batchDuration: number
  readonly numInputRows: number
  /** Rows ÷ (start of this trigger − start of the previous one). */
  readonly inputRowsPerSecond?: number
  /** Rows ÷ processing time, at least 1 ms. */
  readonly processedRowsPerSecond?: number
  readonly durationMs: DurationMs
  readonly eventTime: EventTimeProgress
  readonly stateOperators: readonly StateOperatorProgress[]
  /** Not in Spark: what the calls of each `mapAsync` did; absent without one. */
  readonly asyncOperators?: readonly AsyncOperatorProgress[]
  readonly sources: readonly SourceProgress[]
  readonly sink: SinkProgress
  /** Not in Spark: rows of the epoch that were left out because they are bad; absent when there were none. */
  readonly badRows?: readonly BadRowProgress[]
  /** By name of the `observe` call. */
  readonly observedMetrics: Readonly<Record<string, EdgeRow>>
  /** Not in Spark: how the rows of the epoch were spread over the lanes. */
  readonly lanes?: readonly LaneProgress[]
}

/** Milliseconds per step of the epoch; steps that did not happen are absent. */
export interface DurationMs {
  readonly triggerExecution?: number
  readonly latestOffset?: number
  readonly getOffset?: number
  readonly walCommit?: number
  readonly getBatch?: number
  readonly queryPlanning?: number
  readonly addBatch?: number
  readonly commitOffsets?: number
  readonly commitBatch?: number
}

/** ISO times in UTC. Empty when the query has no watermark; no `min`, `max`, `avg` without rows. */
export interface EventTimeProgress {
  readonly max?: string
  readonly min?: string
  readonly avg?: string
  /** The one this epoch used. */
  readonly watermark?: string
}

/** Totals are as of the end of the epoch, the other counts are of the epoch. */
export interface StateOperatorProgress {
  /** `stateStoreSave` for aggregations. */
  readonly operatorName: string
  /** Rows of state, in memory or not. */
  readonly numRowsTotal: number
  readonly numRowsUpdated: number
  readonly allUpdatesTimeMs: number
  readonly numRowsRemoved: number
  readonly allRemovalsTimeMs: number
  readonly commitTimeMs: number
  readonly memoryUsedBytes: number
  /** Not in Spark: bytes of what does not fit into memory (`stateCache`), about. */
  readonly storedBytes: number
  readonly numRowsDroppedByWatermark: number
  readonly numShufflePartitions: number
  readonly numStateStoreInstances: number
  readonly customMetrics: Readonly<Record<string, number>>
  /**
   * Not in Spark: the watermarks of this operator, microseconds. Behind a join of streams they are held
   * back by `shift`, and what reads this operator is held back by `outputShift`.
   */
  readonly watermarks?: {
    readonly late: number
    readonly evict: number
    readonly shift: number
    readonly outputShift: number
  }
}

/** Figures of one epoch, over all lanes. */
export interface AsyncOperatorProgress {
  readonly operatorName: string
  readonly numInputRows: number
  /** The most rows that were waited for at a time: the largest number of each lane, added up. */
  readonly maxRowsInFlight: number
  readonly numRetries: number
  readonly numTimeouts: number
  /** Rows left out because their last call failed (`onError: 'drop'`). */
  readonly numRowsDropped: number
}

export interface SourceProgress {
  readonly description: string
  /** Positions by source partition; `null` before the first epoch. */
  readonly startOffset: Json
  readonly endOffset: Json
  readonly latestOffset: Json
  readonly numInputRows: number
  /**
   * Not in Spark, and only with `followedBy`: `waiting` for the parts before it, `reading`, or `ended`,
   * when the epoch began.
   */
  readonly turn?: 'waiting' | 'reading' | 'ended'
  readonly inputRowsPerSecond?: number
  readonly processedRowsPerSecond?: number
  readonly metrics: Readonly<Record<string, string>>
}

export interface SinkProgress {
  readonly description: string
  /** −1 when the sink does not know. */
  readonly numOutputRows: number
  readonly metrics: Readonly<Record<string, string>>
}

/** Rows that one operator, or the reader of a source, could not work with. */
export interface BadRowProgress {
  readonly operator: string
  readonly numRows: number
  /** How many of them went to the dead letters; the others are only counted. */
  readonly numDeadLetters: number
}

export interface LaneProgress {
  readonly lane: number
  readonly numInputRows: number
}
