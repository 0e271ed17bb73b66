import type { Column } from '../../batch/batch.ts'
import type { Output } from '../../flow/operator.ts'
import { windowsOf } from '../window.ts'
import type { GroupBuckets } from './group-buckets.ts'
import type { GroupTable } from './group-table.ts'
import type { AggregateSpec } from './spec.ts'

const rowsPerBatch = 4096

/** Emits the results of some groups of one table, in batches. */
export async function emitTable(
  spec: AggregateSpec,
  table: GroupTable,
  slots: Int32Array,
  windowStart: number | undefined,
  output: Output,
): Promise<void> {
  for (let from = 0; from < slots.length; from += rowsPerBatch) {
    const part = slots.subarray(from, from + rowsPerBatch)
    const columns: Column[] = [...table.keys.columns(part)]
    if (spec.bucketing.kind === 'window' && windowStart !== undefined) {
      const { sizeMicros } = spec.bucketing.windows
      columns.splice(spec.bucketing.position, 0, windowColumn(windowStart, sizeMicros, part.length))
    }
    for (const accumulator of table.values) columns.push(accumulator.finish(part))
    const wait = output.emit({ schema: spec.output, rowCount: part.length, columns })
    if (wait !== undefined) await wait
  }
}

/** The start of the only window of a pane when windows do not overlap. */
export function singleWindow(spec: AggregateSpec, bucket: number): number | undefined {
  return spec.bucketing.kind === 'window' ? bucket : undefined
}

/**
 * Emits the groups of one window, combined from its panes: all of them, or those with a pane that
 * changed in this epoch.
 */
export async function emitWindow(
  spec: AggregateSpec,
  buckets: GroupBuckets,
  start: number,
  output: Output,
  which: 'all' | 'changed',
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

interface WindowEmission {
  readonly spec: AggregateSpec
  readonly buckets: GroupBuckets
  readonly start: number
  readonly output: Output
  readonly which: 'all' | 'changed'
}

async function emitPanes(
  { spec, buckets, start, output, which }: WindowEmission,
  panes: readonly GroupTable[],
): Promise<void> {
  const [only] = panes
  if (only === undefined) return
  if (panes.length === 1) {
    const slots = which === 'all' ? only.liveSlots() : Int32Array.from(only.dirty)
    return emitTable(spec, only, slots, start, output)
  }
  const merged = mergePanes(buckets, panes, which)
  await emitTable(spec, merged, merged.liveSlots(), start, output)
}

function mergePanes(
  buckets: GroupBuckets,
  panes: readonly GroupTable[],
  which: 'all' | 'changed',
): GroupTable {
  const merged = buckets.emptyTable()
  if (which === 'changed') {
    for (const pane of panes) for (const slot of pane.dirty) merged.insertFrom(pane, slot)
  }
  for (const pane of panes) {
    for (const slot of pane.liveSlots()) {
      const target = which === 'all' ? merged.insertFrom(pane, slot) : merged.findFrom(pane, slot)
      if (target < 0) continue
      merged.values.forEach((accumulator, index) => {
        const from = pane.values[index]
        if (from !== undefined) accumulator.merge(target, from, slot)
      })
    }
  }
  return merged
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
