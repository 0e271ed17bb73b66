import type { Epoch, Micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'

/**
 * One header per step, whose watermark is that many seconds further; late is what the one before evicted.
 * With `flush` the last one closes everything.
 */
export function steppedHeaders(steps: readonly number[], flush: boolean): readonly EpochHeader[] {
  let late = 0
  return steps.map((step, epoch) => {
    const isLast = flush && epoch === steps.length - 1
    const evict = isLast ? Number.MAX_SAFE_INTEGER : late + step * 1_000_000
    const header = {
      epoch: epoch as Epoch,
      lateWatermark: late as Micros,
      evictWatermark: evict as Micros,
      processingTime: 0 as Micros,
      idle: [],
      ranges: {},
      ...(isLast ? { flush: true } : {}),
    }
    late = evict
    return header
  })
}
