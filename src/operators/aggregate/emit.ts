import type { Column } from '../../batch/batch.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { Output } from '../../flow/operator.ts'
import { windowsOf } from '../window.ts'
import type { GroupBuckets } from './group-buckets.ts'
import type { GroupTable } from './group-table.ts'
import { mergeAll, mergeSlot } from './pane-tree.ts'
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
      columns.splice(
        spec.bucketing.position,
        0,
        constantWindow(windowStart, sizeMicros, part.length),
      )
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
  which: 'all' | ChangedSince,
): Promise<void> {
  if (spec.bucketing.kind !== 'window') return
  const emission = { spec, buckets, start, output }
  const math = windowsOf(spec.bucketing.windows)
  if (which === 'all') {
    const ofShards = buckets.shards.map((shard) => buckets.windowTables(start, shard))
    for (const tables of fewGroups(ofShards)) await emitAllOf(emission, tables)
    return
  }
  // Equal keys are in one shard, so each shard is combined by itself.
  for (const shard of buckets.shards) {
    const panes: GroupTable[] = []
    for (let index = 0; index < math.panesPerWindow; index++) {
      const table = buckets.tableOf(start + index * math.paneMicros, shard)
      if (table !== undefined && table.count > 0) panes.push(table)
    }
    await emitChangedOf(emission, panes, which)
  }
}

type ChangedSince = 'changed' | 'unsent'

interface WindowEmission {
  readonly spec: AggregateSpec
  readonly buckets: GroupBuckets
  readonly start: number
  readonly output: Output
}

/** Shards with few groups come out together: a batch costs as much as many rows. */
function fewGroups(
  ofShards: readonly (readonly GroupTable[])[],
): readonly (readonly GroupTable[])[] {
  const all = ofShards.flat()
  const groups = all.reduce((sum, table) => sum + table.size, 0)
  return groups <= rowsPerBatch ? [all] : ofShards
}

async function emitAllOf(
  { spec, buckets, start, output }: WindowEmission,
  tables: readonly GroupTable[],
): Promise<void> {
  const [only] = tables
  if (only === undefined) return
  if (tables.length === 1) return emitTable(spec, only, only.liveSlots(), start, output)
  const merged = buckets.emptyTable()
  for (const table of tables) mergeAll(merged, table)
  await emitTable(spec, merged, merged.liveSlots(), start, output)
}

async function emitChangedOf(
  { spec, buckets, start, output }: WindowEmission,
  panes: readonly GroupTable[],
  which: ChangedSince,
): Promise<void> {
  const [only] = panes
  if (only === undefined) return
  if (panes.length === 1) return emitTable(spec, only, slotsOf(only, which), start, output, false)
  const merged = buckets.emptyTable()
  for (const pane of panes) {
    for (const slot of slotsOf(pane, which)) merged.insertFrom(pane, slot)
  }
  for (const pane of panes) {
    for (const slot of pane.liveSlots()) {
      const target = merged.findFrom(pane, slot)
      if (target >= 0) mergeSlot(merged, target, pane, slot)
    }
  }
  await emitTable(spec, merged, merged.liveSlots(), start, output, false)
}

function slotsOf(pane: GroupTable, which: ChangedSince): Int32Array {
  return which === 'changed' ? Int32Array.from(pane.dirty) : pane.unsentSlots()
}

function flagColumn(flag: boolean, count: number): Column {
  return { layout: 'bits', values: new Uint8Array((count + 7) >> 3).fill(flag ? 255 : 0) }
}

/** A column of one window, for every row. */
export function constantWindow(start: number, size: number, count: number): Column {
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
