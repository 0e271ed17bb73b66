import { StreamError } from '../core/error.ts'
import type { Position } from '../flow/message.ts'

/** The number that a position has for a partition; partitions it does not know begin at 0. */
export function numberAt(position: Position, partition: string): number {
  const at = position[partition] ?? 0
  if (typeof at === 'number' && Number.isSafeInteger(at) && at >= 0) return at
  throw new StreamError('CHECKPOINT_CORRUPT', {
    path: `the position of partition ${partition}`,
    what: `${JSON.stringify(at)} is not a row number`,
  })
}

/**
 * Divides `limit` rows over partitions that have `waiting` rows each: as even as can be, and
 * together exactly `limit` or everything there is.
 */
export function shareRows(waiting: readonly number[], limit: number): readonly number[] {
  const shares = waiting.map(() => 0)
  const byWaiting = waiting.map((_, index) => index)
  byWaiting.sort((left, right) => (waiting[left] ?? 0) - (waiting[right] ?? 0) || left - right)
  let left = limit
  byWaiting.forEach((partition, done) => {
    const share = Math.min(waiting[partition] ?? 0, Math.floor(left / (waiting.length - done)))
    shares[partition] = share
    left -= share
  })
  return shares
}
