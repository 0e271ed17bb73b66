import { type Batch, type Column, isValid, select } from '../../batch/batch.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import { micros } from '../../core/units.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import type { StateContext } from '../context.ts'
import { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import { PagePool } from '../keyed/page-pool.ts'
import { splitLate, timesOf } from '../row-times.ts'
import { ClosingTable } from './closing-table.ts'
import { RankedLists } from './ranked-lists.ts'
import { RankedOutput } from './ranked-output.ts'
import { candidatesOf, RankedRecords } from './ranked-record.ts'
import type { TopNSpec } from './spec.ts'

type ListTable = ClosingTable<RankedLists>

/**
 * The best rows of each partition, of rows that never change: of rows that are equal by the order the one
 * that came first is better. Update mode gives out the places at which another row stands than before the
 * epoch, append mode a whole list when its partition closes, complete mode everything.
 */
export async function topNOperator(spec: TopNSpec, context: StateContext): Promise<Operator> {
  const records = new RankedRecords(spec)
  const lists = rankedLists(spec, spec.limit, records, context)
  await lists.attach()
  return new TopNOperator(spec, records, lists)
}

/** The lists of one task, each with at most `limit` rows; not attached yet. */
export function rankedLists(
  spec: Pick<TopNSpec, 'keys' | 'operator' | 'timeColumn' | 'mode' | 'watermarkShift'>,
  limit: number,
  records: RankedRecords,
  context: StateContext,
): KeyedBuckets<ListTable> {
  const keyTypes = spec.keys.map(({ type }) => type)
  const pages = new PagePool()
  return new KeyedBuckets(
    {
      operator: spec.operator,
      keyTypes,
      layout: 'due',
      make: (options) =>
        new ClosingTable(keyTypes, new RankedLists(records, limit, pages), options),
      ...(spec.timeColumn === undefined || spec.mode === 'complete'
        ? {}
        : { overUntil: heldBack(context.restoredWatermark, spec.watermarkShift) }),
    },
    context,
  )
}

class TopNOperator implements Operator {
  readonly name: string
  readonly #spec: TopNSpec
  readonly #keyTypes: readonly DataType[]
  readonly #records: RankedRecords
  readonly #tables: KeyedBuckets<ListTable>
  #late = Number.NEGATIVE_INFINITY
  /** Continuous trigger, update mode: changed places leave with the batch that changed them. */
  #eager = false
  #rowsIn = 0
  #rowsEntered = 0
  #rowsLate = 0

  constructor(spec: TopNSpec, records: RankedRecords, tables: KeyedBuckets<ListTable>) {
    this.name = spec.operator
    this.#spec = spec
    this.#keyTypes = spec.keys.map(({ type }) => type)
    this.#records = records
    this.#tables = tables
  }

  open(header: EpochHeader): void {
    const { mode, watermarkShift } = this.#spec
    this.#late =
      mode === 'complete'
        ? Number.NEGATIVE_INFINITY
        : heldBack(header.lateWatermark, watermarkShift)
    this.#eager = mode === 'update' && header.ranges === undefined && header.flush !== true
    this.#rowsIn = 0
    this.#rowsEntered = 0
    this.#rowsLate = 0
    this.#tables.openEpoch(header.epoch)
  }

  process(_input: number, batch: Batch, output: Output): Wait {
    const { rows, late } = splitLate(batch, this.#spec.timeColumn, this.#late)
    this.#rowsIn += rows.length + late.length
    this.#rowsLate += late.length
    if (!this.#tables.anyCold() && !this.#eager) {
      this.#add(batch, rows)
      return this.#emitLate(batch, late, output)
    }
    return this.#tables.pinned(async () => {
      const { columns, hashes } = this.#keysOf(batch, rows)
      await this.#tables.fetch(0, columns, hashes, rows)
      this.#add(batch, rows)
      if (this.#eager) await this.#emitChanged(output)
      await this.#emitLate(batch, late, output)
    })
  }

  closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const own = heldBackHeader(header, this.#spec.watermarkShift)
    return this.#tables.pinned(() => this.#close(own, output))
  }

  freeze() {
    return this.#tables.freeze()
  }

  async #close(header: EpochHeader, output: Output): Promise<EpochReport> {
    const { mode, timeColumn, watermarkShift: shift } = this.#spec
    if (mode === 'complete') await this.#emitAll(output)
    if (mode === 'update') await this.#emitChanged(output)
    const before = this.#tables.rowsTotal()
    const closes = mode !== 'complete' && (timeColumn !== undefined || header.flush === true)
    if (closes) await this.#closePartitions(header, output)
    const after = this.#tables.rowsTotal()
    const next = mode === 'complete' ? Number.POSITIVE_INFINITY : this.#tables.nextDue()
    return {
      ...(next === Number.POSITIVE_INFINITY ? {} : { nextWatermark: micros(next + shift) }),
      progress: {
        [this.name]: {
          stateName: 'topN',
          rowsIn: this.#rowsIn,
          rowsTotal: after,
          rowsUpdated: this.#rowsEntered,
          rowsRemoved: before - after,
          rowsDroppedByWatermark: this.#rowsLate,
          memoryUsedBytes: this.#tables.byteLength(),
          storedBytes: this.#tables.storedBytes(),
          watermarks: operatorWatermarks(header, shift),
        },
      },
    }
  }

  #keysOf(batch: Batch, rows: Int32Array) {
    const columns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    return { columns, hashes: hashKeys(columns, this.#keyTypes, rows, rows.length) }
  }

  #add(batch: Batch, rows: Int32Array): void {
    const { columns, hashes } = this.#keysOf(batch, rows)
    const candidate = candidatesOf(this.#spec, batch, rows)
    const { timeColumn } = this.#spec
    const times = timeColumn === undefined ? undefined : timesOf(batch, timeColumn)
    for (const part of this.#tables.split(hashes, rows)) {
      const table = this.#tables.tableAt(0, part.position)
      const slots = table.slotsOf(columns, part.hashes, part.rows)
      const { kept: lists } = table
      for (let k = 0; k < slots.length; k++) {
        const slot = slots[k] as number
        const row = part.rows[k] as number
        candidate.row = row
        const place = lists.placeOf(slot, candidate)
        if (place < 0) continue
        const isNew = lists.counts[slot] === 0
        table.touch(slot)
        lists.insert(slot, place, candidate)
        this.#rowsEntered++
        // A partition without a time is never over (rule W9).
        if (isNew && times !== undefined && isValid(times.validity, row)) {
          table.closeAt(slot, times.values[row] as number)
        }
      }
    }
  }

  #emitLate(batch: Batch, late: Int32Array, output: Output): Wait {
    if (late.length === 0) return undefined
    const { kept } = this.#spec
    // Without what was computed for the ranking alone.
    const { schema, columns } = batch
    const shown = { ...batch, schema: schema.slice(0, kept), columns: columns.slice(0, kept) }
    return output.emitSide('late', select(shown, late))
  }

  async #emitChanged(output: Output): Promise<void> {
    const rows = new RankedOutput(this.#spec, this.#records, output)
    for (const table of this.#tables.tablesOf(0)) {
      const { kept: lists } = table
      for (const slot of table.dirty) {
        const from = lists.changedFrom[slot] as number
        // Under the continuous trigger it went out with an earlier batch.
        if (from >= (lists.counts[slot] as number)) continue
        lists.settleChanges(slot)
        await rows.addList(lists, slot, from)
      }
    }
    await rows.flush()
  }

  async #emitAll(output: Output): Promise<void> {
    await this.#tables.loadBucket(0)
    const rows = new RankedOutput(this.#spec, this.#records, output)
    for (const table of this.#tables.tablesOf(0)) {
      for (const slot of table.liveSlots()) await rows.addList(table.kept, slot)
    }
    await rows.flush()
  }

  /** Forgets the partitions that are over, and gives them out in append mode. */
  async #closePartitions({ evictWatermark, flush }: EpochHeader, output: Output): Promise<void> {
    const { mode } = this.#spec
    const rows = new RankedOutput(this.#spec, this.#records, output)
    // At the end of the input partitions without a time are over too.
    if (flush === true) await this.#tables.loadBucket(0)
    else await this.#tables.loadDue(evictWatermark)
    for (const table of this.#tables.tablesOf(0)) {
      const due = flush === true ? table.liveSlots() : table.dueAt(evictWatermark)
      if (mode === 'append') for (const slot of due) await rows.addList(table.kept, slot)
      for (const slot of due) table.forget(slot)
    }
    await rows.flush()
  }
}
