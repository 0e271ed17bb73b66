import type { CreditLimit } from './job.ts'

/** What the sender of a channel may still send before the receiver has handled something. */
export interface Credit {
  /** Takes credit for one batch, or returns `false` and takes nothing. */
  take(bytes: number): boolean
  /** The receiver has handled the oldest batch under way. */
  give(): void
  /** Batches that were sent and not yet handled. */
  inFlight(): number
}

/**
 * Counts batches and bytes on one channel. Bytes never stop the only batch under way, so one that
 * is larger than the whole limit still goes. Sizes are remembered here, as a batch may measure
 * differently on the other side of a thread boundary.
 */
export function createCredit(limit: CreditLimit): Credit {
  const sizes: number[] = []
  let total = 0
  return {
    take(bytes) {
      if (sizes.length >= limit.batches) return false
      if (sizes.length > 0 && total + bytes > limit.bytes) return false
      sizes.push(bytes)
      total += bytes
      return true
    },
    give() {
      total -= sizes.shift() ?? 0
    },
    inFlight: () => sizes.length,
  }
}
