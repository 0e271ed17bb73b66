import type { OperatorState } from '../../state/operator-state.ts'

/** What the runtime hands to a stateful operator. */
export interface StateContext {
  readonly state: OperatorState
  /** The shard of a key hash. */
  shardOf(hash: number): number
  /** The eviction watermark of the restored checkpoint; entries closed by it are dead. */
  readonly restoredWatermark: number
  /** What the state of the operator is made of, as the fingerprint of the plan says; absent in batch queries. */
  readonly shape?: string
  /** Which query runs. */
  readonly query?: { readonly queryId: string; readonly runId: string }
}
