import { type Micros, micros } from '../../core/units.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { Output } from '../../flow/operator.ts'
import { windowsOf } from '../window.ts'
import { emitTable, emitWindow, singleWindow } from './emit.ts'
import type { GroupBuckets } from './group-buckets.ts'
import type { AggregateSpec } from './spec.ts'

/** Gives out groups that are still open, with what they have come to so far. */
export interface EarlyResults {
  /**
   * In the first epoch at or after each multiple of the interval: every open group that changed since
   * it was last given out. Comes after the closed groups have left.
   */
  emit(header: EpochHeader, output: Output): Promise<void>
  /** When the next ones are due, after `emit`; `undefined` while every open group has been given out. */
  nextTimer(header: EpochHeader): Micros | undefined
}

/** The early results of an aggregation whose state is attached. */
export function earlyResults(
  spec: AggregateSpec,
  buckets: GroupBuckets,
  everyMicros: number,
): EarlyResults {
  // What lay outside of memory when the state was restored, nobody has looked at yet.
  let isRestored = buckets.anyCold()
  return {
    async emit(header, output) {
      const isFirst = isFirstOfInterval(header, everyMicros)
      if (isFirst || isRestored) await buckets.loadUnsent(isRestored)
      isRestored = false
      if (!isFirst) return
      if (spec.bucketing.kind === 'window') await emitWindows(spec, buckets, header, output)
      else await emitGroups(spec, buckets, output)
    },
    nextTimer({ processingTime }) {
      if (everyMicros === 0 || !buckets.anyUnsent()) return undefined
      return micros((Math.floor(processingTime / everyMicros) + 1) * everyMicros)
    },
  }
}

/** Whether no epoch before this one had a time in the same interval. */
function isFirstOfInterval(
  { processingTime, previousTime }: EpochHeader,
  everyMicros: number,
): boolean {
  if (everyMicros === 0 || previousTime === undefined) return true
  return Math.floor(processingTime / everyMicros) > Math.floor(previousTime / everyMicros)
}

async function emitWindows(
  spec: AggregateSpec,
  buckets: GroupBuckets,
  header: EpochHeader,
  output: Output,
): Promise<void> {
  if (spec.bucketing.kind !== 'window') return
  const { windows } = spec.bucketing
  const math = windowsOf(windows)
  if (math.panesPerWindow === 1) return emitGroups(spec, buckets, output)
  const unsent = buckets.numbers().filter((bucket) => buckets.isUnsent(bucket))
  const starts = new Set(unsent.flatMap((bucket) => [...math.startsOf(bucket)]))
  for (const start of [...starts].sort((left, right) => left - right)) {
    // A pane that is still open reaches into windows that are closed.
    if (start + windows.sizeMicros <= header.evictWatermark) continue
    await buckets.loadWindow(start)
    await emitWindow(spec, buckets, start, output, 'unsent')
  }
  for (const bucket of unsent) for (const table of buckets.tablesOf(bucket)) table.markSent()
}

async function emitGroups(
  spec: AggregateSpec,
  buckets: GroupBuckets,
  output: Output,
): Promise<void> {
  for (const bucket of buckets.numbers()) {
    const start = singleWindow(spec, bucket)
    for (const table of buckets.tablesOf(bucket)) {
      await emitTable(spec, table, table.unsentSlots(), start, output, false)
      table.markSent()
    }
  }
}
