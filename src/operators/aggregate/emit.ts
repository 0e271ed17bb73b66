import type { Column } from '../../batch/batch.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { Output } from '../../flow/operator.ts'
import { windowsOf } from '../window.ts'
import type { GroupBuckets } from './group-buckets.ts'
import type { GroupTable } from './group-table.ts'
import type { AggregateSpec } from './spec.ts'

const rowsPerBatch = 4096

/** Emits the results of some groups of one table, in batches. `isFinal` is said by specs with early results. */
export async function emitTable(
  spec: AggregateSpec,
  table: GroupTable,
  slots: Int32Array,
  windowStart: number | undefined,
  output: Output,
  isFinal = true,
): Promise<void> {
  for (let from = 0; from < slots.length; from += rowsPerBatch) {
    const part = slots.subarray(from, from + rowsPerBatch)
    const columns: Column[] = [...table.keys.columns(part)]
    if (spec.bucketing.kind === 'window' && windowStart !== undefined) {
      const { sizeMicros } = spec.bucketing.windows
      columns.splice(spec.bucketing.position, 0, windowColumn(windowStart, sizeMicros, part.length))
    }
    for (const accumulator of table.accumulators) columns.push(accumulator.finish(part))
    if (spec.early !== undefined) columns.push(flagColumn(isFinal, part.length))
    const wait = output.emit({ schema: spec.output, rowCount: part.length, columns })
    if (wait !== undefined) await wait
  }
}

/** Update mode: each group changed in this epoch once, whether or not its window closes now. */
export async function emitChanged(
  spec: AggregateSpec,
  buckets: GroupBuckets,
  header: EpochHeader,
  output: Output,
): Promise<void> {
  const { bucketing } = spec
  if (bucketing.kind === 'window' && windowsOf(bucketing.windows).panesPerWindow > 1) {
    const math = windowsOf(bucketing.windows)
    const starts = new Set<number>()
    for (const bucket of buckets.numbers()) {
      const changed = buckets.tablesOf(bucket).some((table) => table.dirty.length > 0)
      if (changed) for (const start of math.startsOf(bucket)) starts.add(start)
    }
    for (const start of [...starts].sort((a, b) => a - b)) {
      if (start + bucketing.windows.sizeMicros <= header.lateWatermark) continue
      await buckets.loadWindow(start)
      await emitWindow(spec, buckets, start, output, 'changed')
    }
    return
  }
  for (const bucket of buckets.numbers()) {
    const start = singleWindow(spec, bucket)
    for (const table of buckets.tablesOf(bucket)) {
      await emitTable(spec, table, Int32Array.from(table.dirty), start, output)
    }
  }
}

/** The start of the only window of a pane when windows do not overlap. */
export function singleWindow(spec: AggregateSpec, bucket: number): number | undefined {
  return spec.bucketing.kind === 'window' ? bucket : undefined
}

/**
 * Emits the groups of one window, combined from its panes: all of them, or those with a pane that
 * changed in this epoch, or that changed since it was last given out.
 */
export async function emitWindow(
  spec: AggregateSpec,
  buckets: GroupBuckets,
  start: number,
  output: Output,
  which: Which,
): Promise<void> {
  if (spec.bucketing.kind !== 'window') return
  const math = windowsOf(spec.bucketing.windows)
  // Equal keys are in one shard, so each shard is combined by itself.
  for (const shard of buckets.shards) {
    const panes: GroupTable[] = []
    for (let index = 0; index < math.panesPerWindow; index++) {
      const table = buckets.tableOf(start + index * math.paneMicros, shard)
      if (table !== undefined && table.count > 0) panes.push(table)
    }
    await emitPanes({ spec, buckets, start, output, which }, panes)
  }
}

type Which = 'all' | 'changed' | 'unsent'

interface WindowEmission {
  readonly spec: AggregateSpec
  readonly buckets: GroupBuckets
  readonly start: number
  readonly output: Output
  readonly which: Which
}

async function emitPanes(
  { spec, buckets, start, output, which }: WindowEmission,
  panes: readonly GroupTable[],
): Promise<void> {
  const [only] = panes
  if (only === undefined) return
  if (panes.length === 1) {
    return emitTable(spec, only, slotsOf(only, which), start, output, which === 'all')
  }
  const merged = mergePanes(buckets, panes, which)
  await emitTable(spec, merged, merged.liveSlots(), start, output, which === 'all')
}

function slotsOf(pane: GroupTable, which: Which): Int32Array {
  if (which === 'all') return pane.liveSlots()
  return which === 'changed' ? Int32Array.from(pane.dirty) : pane.unsentSlots()
}

function mergePanes(buckets: GroupBuckets, panes: readonly GroupTable[], which: Which): GroupTable {
  const merged = buckets.emptyTable()
  if (which !== 'all') {
    for (const pane of panes) {
      for (const slot of slotsOf(pane, which)) merged.insertFrom(pane, slot)
    }
  }
  for (const pane of panes) {
    for (const slot of pane.liveSlots()) {
      const target = which === 'all' ? merged.insertFrom(pane, slot) : merged.findFrom(pane, slot)
      if (target < 0) continue
      merged.accumulators.forEach((accumulator, index) => {
        const from = pane.accumulators[index]
        if (from !== undefined) accumulator.merge(target, from, slot)
      })
    }
  }
  return merged
}

function flagColumn(flag: boolean, count: number): Column {
  return { layout: 'bits', values: new Uint8Array((count + 7) >> 3).fill(flag ? 255 : 0) }
}

function windowColumn(start: number, size: number, count: number): Column {
  const starts = new Float64Array(count).fill(start)
  const ends = new Float64Array(count).fill(start + size)
  return {
    layout: 'struct',
    children: [
      { layout: 'f64', values: starts },
      { layout: 'f64', values: ends },
    ],
  }
}
