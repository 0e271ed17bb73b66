import { type Batch, type Column, isValid, liveRows, select } from '../../batch/batch.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import { type Micros, micros } from '../../core/units.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import type { StateContext } from '../context.ts'
import { type RowTimes, timesOf } from '../row-times.ts'
import { windowsOf } from '../window.ts'
import { type EarlyResults, earlyResults } from './early-results.ts'
import { emitChanged, emitTable, emitWindow, singleWindow } from './emit.ts'
import { type ChangedGroups, GroupBuckets } from './group-buckets.ts'
import { inputsOf } from './inputs.ts'
import { LateWindows } from './late-groups.ts'
import {
  type AggregateSpec,
  bucketFunction,
  closingFunction,
  emitsClosed,
  firstClosing,
  lastClosing,
  nullBucket,
} from './spec.ts'

/** Rows of one batch that fall in one bucket; all rows without `rows`. */
interface BucketRows {
  readonly bucket: number
  readonly rows: Int32Array | undefined
  readonly count: number
}

/** The rows of one batch, by what becomes of them. */
interface SplitRows {
  readonly parts: readonly BucketRows[]
  readonly late: number[]
  /** The number of the batch's first physical row among those of the epoch. */
  readonly first: number
}

/** What stands for a bucket where a row has none: it is late, or has no time. */
const lateBucket = Number.NEGATIVE_INFINITY
const noBucket = Number.POSITIVE_INFINITY

/**
 * Keyed aggregation, with and without windows, in every output mode, with Spark's timing: a row is
 * late when its last window ended at or before the late watermark; a group is closed when its window
 * ended at or before the eviction watermark (rules W3, W4, E1 to E4).
 */
export async function aggregateOperator(
  spec: AggregateSpec,
  context: StateContext,
): Promise<Operator> {
  const buckets = new GroupBuckets(spec, context)
  await buckets.attach()
  return new AggregateOperator(spec, buckets)
}

class AggregateOperator implements Operator {
  readonly name: string
  readonly #spec: AggregateSpec
  readonly #buckets: GroupBuckets
  readonly #keyTypes
  readonly #bucketOf: (time: number) => number
  readonly #lastClosing: (bucket: number) => number
  /** In streams only: a batch has nothing but final rows. */
  readonly #early: EarlyResults | undefined
  #late = 0
  /** Continuous trigger, update mode: changed groups leave with the batch that changed them. */
  #eager = false
  #rowsIn = 0
  readonly #lateGroups: LateWindows
  #rowsNullTime = 0
  #epoch = 0
  /** Physical rows of this epoch so far, the first number of the next batch. */
  #arrived = 0

  constructor(spec: AggregateSpec, buckets: GroupBuckets) {
    this.name = spec.operator
    this.#spec = spec
    this.#buckets = buckets
    this.#keyTypes = spec.keys.map((key) => key.type)
    this.#bucketOf = bucketFunction(spec.bucketing)
    this.#lastClosing = closingFunction(spec.bucketing)
    this.#lateGroups = new LateWindows(spec)
    this.#early =
      spec.early && spec.mode === 'update'
        ? earlyResults(spec, buckets, spec.early.everyMicros)
        : undefined
  }

  open(header: EpochHeader): void {
    const { mode, watermarkShift } = this.#spec
    this.#late =
      mode === 'complete'
        ? Number.NEGATIVE_INFINITY
        : heldBack(header.lateWatermark, watermarkShift)
    // Ranges are absent while a continuous epoch is open; overlapping windows are combined at the barrier.
    const goesAtOnce = mode === 'update' && this.#early === undefined && !this.#overlaps()
    this.#eager = goesAtOnce && header.ranges === undefined
    this.#rowsIn = 0
    this.#lateGroups.clear()
    this.#rowsNullTime = 0
    this.#epoch = header.epoch
    this.#arrived = 0
    this.#buckets.openEpoch(header.epoch)
  }

  process(_input: number, batch: Batch, output: Output): Wait {
    const count = liveRows(batch)
    if (count === 0) return undefined
    this.#rowsIn += count
    const { parts, late } = this.#split(batch, count)
    const first = this.#arrived
    this.#arrived += batch.rowCount
    if (this.#buckets.anyCold() || this.#eager) {
      return this.#buckets.pinned(() => this.#processSlowly(batch, { parts, late, first }, output))
    }
    for (const part of parts) this.#add(batch, part, first)
    return this.#emitLate(batch, late, output)
  }

  closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const own = heldBackHeader(header, this.#spec.watermarkShift)
    return this.#buckets.pinned(() => this.#closeEpoch(own, output))
  }

  freeze() {
    return this.#buckets.freeze()
  }

  async #closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const before = this.#buckets.rowsTotal()
    const changed = this.#buckets.changedCount()
    const { mode } = this.#spec
    if (mode === 'update' && !this.#eager && this.#early === undefined) {
      await emitChanged(this.#spec, this.#buckets, header, output)
    }
    if (mode === 'complete') await this.#emitAll(output)
    else if (this.#spec.watermarked || header.flush === true) await this.#close(header, output)
    await this.#early?.emit(header, output)
    if (header.flush === true && mode === 'append' && before === 0) await this.#emitGlobal(output)
    const after = this.#buckets.rowsTotal()
    const nextWatermark = this.#nextWatermark(header)
    const nextTimer = this.#early?.nextTimer(header)
    return {
      ...(nextWatermark === undefined ? {} : { nextWatermark }),
      ...(nextTimer === undefined ? {} : { nextTimer }),
      progress: {
        [this.name]: {
          stateName: 'stateStoreSave',
          rowsIn: this.#rowsIn,
          rowsTotal: after,
          rowsUpdated: changed,
          rowsRemoved: before - after,
          rowsDroppedByWatermark: this.#lateGroups.count,
          memoryUsedBytes: this.#buckets.byteLength(),
          storedBytes: this.#buckets.storedBytes(),
          watermarks: operatorWatermarks(header, this.#spec.watermarkShift),
          custom: {
            numLateInputRows: this.#lateGroups.rows,
            rowsWithNullEventTime: this.#rowsNullTime,
          },
        },
      },
    }
  }

  #overlaps(): boolean {
    const { bucketing } = this.#spec
    return bucketing.kind === 'window' && windowsOf(bucketing.windows).panesPerWindow > 1
  }

  #nextWatermark(header: EpochHeader): Micros | undefined {
    if (!this.#spec.watermarked || this.#spec.mode === 'complete') return undefined
    let next: number | undefined
    for (const bucket of this.#buckets.numbers()) {
      if (bucket === nullBucket) continue
      const closing = this.#nextClosing(bucket, header.evictWatermark)
      if (next === undefined || closing < next) next = closing
    }
    return next === undefined ? undefined : micros(next + this.#spec.watermarkShift)
  }

  /** The next watermark above `watermark` that emits or forgets something of the bucket. */
  #nextClosing(bucket: number, watermark: number): number {
    const { bucketing } = this.#spec
    // Update mode forgets silently, and only when the last window of a pane is over.
    if (!emitsClosed(this.#spec)) return lastClosing(bucketing, bucket)
    let closing = firstClosing(bucketing, bucket)
    if (bucketing.kind === 'window') {
      const { slideMicros } = bucketing.windows
      if (closing <= watermark) {
        closing += (Math.floor((watermark - closing) / slideMicros) + 1) * slideMicros
      }
    }
    return closing
  }

  #split(batch: Batch, count: number): { parts: readonly BucketRows[]; late: number[] } {
    const { bucketing } = this.#spec
    const all = [{ bucket: 0, rows: batch.selection, count }]
    if (bucketing.kind === 'none') return { parts: all, late: [] }
    const times = timesOf(batch, timeColumn(this.#spec, bucketing))
    const late: number[] = []
    const limit = this.#spec.watermarked ? this.#late : Number.NEGATIVE_INFINITY
    const single = this.#singleBucket(times, batch.selection, count, limit)
    if (single !== undefined) {
      const parts = [{ bucket: single, rows: batch.selection, count }]
      this.#lateGroups.addOverlapped(batch, parts, limit)
      return { parts, late }
    }
    const lists = new Map<number, number[]>()
    let list: number[] = []
    let listed = noBucket
    for (let k = 0; k < count; k++) {
      const row = batch.selection === undefined ? k : (batch.selection[k] as number)
      const bucket = this.#bucketOfRow(times, row, limit)
      if (bucket === lateBucket) late.push(row)
      else if (bucket === noBucket) this.#rowsNullTime++
      else {
        // Rows of one time come together: the list is looked up when it changes.
        if (bucket !== listed) {
          list = lists.get(bucket) ?? []
          lists.set(bucket, list)
          listed = bucket
        }
        list.push(row)
      }
    }
    const parts = [...lists].map(([bucket, rows]) => ({
      bucket,
      rows: Int32Array.from(rows),
      count: rows.length,
    }))
    this.#lateGroups.addOverlapped(batch, parts, limit)
    this.#lateGroups.addLate(batch, times, late)
    return { parts, late }
  }

  /** The bucket that all rows share, if none is null or late: then no row lists are needed. */
  #singleBucket(
    times: RowTimes,
    rows: Int32Array | undefined,
    count: number,
    limit: number,
  ): number | undefined {
    if (times.validity !== undefined) return undefined
    const { values } = times
    let min = Number.POSITIVE_INFINITY
    let max = Number.NEGATIVE_INFINITY
    for (let k = 0; k < count; k++) {
      const time = values[rows === undefined ? k : (rows[k] as number)] as number
      if (time < min) min = time
      if (time > max) max = time
    }
    const { bucketing } = this.#spec
    const bucket = this.#bucketOf(min)
    if (bucket !== this.#bucketOf(max)) return undefined
    const oldest = bucketing.kind === 'timeKey' ? min : this.#lastClosing(bucket)
    return oldest <= limit ? undefined : bucket
  }

  /** Also `lateBucket`; `noBucket` for a null time in a window. */
  #bucketOfRow(times: RowTimes, row: number, limit: number): number {
    const { bucketing } = this.#spec
    if (!isValid(times.validity, row)) return bucketing.kind === 'window' ? noBucket : nullBucket
    const time = times.values[row] as number
    const bucket = this.#bucketOf(time)
    const closes = bucketing.kind === 'timeKey' ? time : this.#lastClosing(bucket)
    return closes <= limit ? lateBucket : bucket
  }

  async #fetch(batch: Batch, part: BucketRows): Promise<void> {
    if (!this.#buckets.anyCold()) return
    const keyColumns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    const hashes = hashKeys(keyColumns, this.#keyTypes, part.rows, part.count)
    await this.#buckets.fetch(part.bucket, keyColumns, hashes, part.rows)
  }

  #add(batch: Batch, part: BucketRows, first: number): readonly ChangedGroups[] {
    const keyColumns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    const hashes = hashKeys(keyColumns, this.#keyTypes, part.rows, part.count)
    // Only panes are merged; elsewhere the order of the calls is the order of the rows.
    const arrival = this.#overlaps() ? { epoch: this.#epoch, first } : undefined
    const inputs = inputsOf(this.#spec.aggregates, batch, arrival)
    return this.#buckets.update(part.bucket, keyColumns, hashes, part.rows, inputs)
  }

  /** With groups out of memory, or results that may not wait for the barrier. */
  async #processSlowly(
    batch: Batch,
    { parts, late, first }: SplitRows,
    output: Output,
  ): Promise<void> {
    for (const part of parts) {
      await this.#fetch(batch, part)
      const changed = this.#add(batch, part, first)
      if (!this.#eager) continue
      const start = singleWindow(this.#spec, part.bucket)
      for (const { table, slots } of changed) {
        await emitTable(this.#spec, table, Int32Array.from(new Set(slots)), start, output)
      }
    }
    await this.#emitLate(batch, late, output)
  }

  #emitLate(batch: Batch, late: number[], output: Output): Wait {
    if (late.length === 0) return undefined
    return output.emitSide('late', select(batch, Int32Array.from(late)))
  }

  async #emitAll(output: Output): Promise<void> {
    const { bucketing } = this.#spec
    for (const start of this.#buckets.windowStarts()) {
      if (bucketing.kind !== 'window') break
      await this.#buckets.loadWindow(start)
      await emitWindow(this.#spec, this.#buckets, start, output, 'all')
    }
    if (bucketing.kind === 'window') return
    for (const bucket of this.#buckets.numbers()) await this.#emitBucket(bucket, output)
    await this.#emitGlobal(output)
  }

  /** Every group of a bucket without windows. */
  async #emitBucket(bucket: number, output: Output): Promise<void> {
    await this.#buckets.loadBucket(bucket)
    for (const table of this.#buckets.tablesOf(bucket)) {
      await emitTable(this.#spec, table, table.liveSlots(), undefined, output)
    }
  }

  /** A global aggregate has a row even without input. */
  async #emitGlobal(output: Output): Promise<void> {
    if (!this.#spec.global || this.#buckets.rowsTotal() > 0) return
    if (this.#spec.bucketing.kind !== 'none') return
    const table = this.#buckets.emptyTable()
    table.keys.insertEncoded(new Uint8Array(0), 0)
    await emitTable(this.#spec, table, Int32Array.of(0), undefined, output)
  }

  /** Emits (append, early results) and forgets what the eviction watermark closes. */
  async #close(header: EpochHeader, output: Output): Promise<void> {
    const { bucketing, mode } = this.#spec
    const emits = emitsClosed(this.#spec)
    const watermark = header.evictWatermark
    if (emits && bucketing.kind === 'window') {
      for (const start of this.#buckets.windowStarts()) {
        const end = start + bucketing.windows.sizeMicros
        // A pane that is still open may reach into windows that were emitted or passed over before.
        if (end > watermark || end <= header.lateWatermark) continue
        await this.#buckets.loadWindow(start)
        await emitWindow(this.#spec, this.#buckets, start, output, 'all')
      }
    }
    for (const bucket of this.#buckets.numbers()) {
      const closed =
        bucketing.kind === 'none' ? mode === 'append' : lastClosing(bucketing, bucket) <= watermark
      if (closed) {
        if (emits && bucketing.kind !== 'window') {
          await this.#emitBucket(bucket, output)
        }
        await this.#buckets.drop(bucket)
      } else if (bucketing.kind === 'timeKey' && bucket <= watermark) {
        await this.#closePart(bucket, bucketing.key, watermark, output)
      }
    }
  }

  /** The bucket that the watermark stands in: only groups at or below it are closed. */
  async #closePart(bucket: number, key: number, watermark: number, output: Output): Promise<void> {
    await this.#buckets.loadBucket(bucket)
    for (const table of this.#buckets.tablesOf(bucket)) {
      const all = table.liveSlots()
      const times = table.keys.columns(all)[key]
      if (times?.layout !== 'f64') continue
      const closed = all.filter((_, k) => (times.values[k] as number) <= watermark)
      if (closed.length === 0) continue
      if (emitsClosed(this.#spec)) {
        await emitTable(this.#spec, table, closed, undefined, output)
      }
      table.close(closed)
    }
  }
}

/** The column that decides the bucket. */
function timeColumn(
  { keys }: AggregateSpec,
  bucketing: Exclude<AggregateSpec['bucketing'], { kind: 'none' }>,
): number {
  return bucketing.kind === 'window' ? bucketing.timeColumn : (keys[bucketing.key]?.column ?? 0)
}
