/**
 * Changes of one shard in one epoch, set aside at the barrier. `encode` may be called later, once,
 * while the operator already works on the next epoch: what it returns is the state at the barrier.
 */
export interface FrozenState {
  readonly operator: string
  readonly shard: number
  readonly changeCount: number
  /** Rows of the shard after the epoch, in memory or not; absent = the operator does not count them. */
  readonly rows?: number
  encode(): EntryBlock
}

/**
 * Packed changes: for each entry
 * `u32 keyLength, u32 valueLength + 1 (0 = deleted), key bytes, value bytes`, little endian.
 */
export type EntryBlock = Uint8Array
