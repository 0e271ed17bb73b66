import { type Batch, type Column, liveRows, select } from '../../batch/batch.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import { type DataType, timestampType } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import { type Micros, micros } from '../../core/units.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import { inputsOf } from '../aggregate/inputs.ts'
import { LateGroups } from '../aggregate/late-groups.ts'
import type { StateContext } from '../context.ts'
import { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import { splitLate } from '../row-times.ts'
import { emitSessions } from './emit.ts'
import { SessionTable } from './session-table.ts'
import type { SessionSpec } from './spec.ts'

/**
 * Aggregation by sessions (rules S1 to S7): sessions of one key that touch are one. A row is late when
 * its own session, before any merging, ended at or before the late watermark; a session is closed when
 * it ended at or before the eviction watermark, and what comes later begins a new one.
 */
export async function sessionOperator(spec: SessionSpec, context: StateContext): Promise<Operator> {
  const open = openSessions(spec, context)
  await open.attach()
  return new SessionOperator(spec, open)
}

/** The sessions of one task; not attached yet. */
export function openSessions(
  spec: Pick<SessionSpec, 'operator' | 'mode' | 'watermarked' | 'watermarkShift'> & {
    readonly keys: readonly { readonly type: DataType }[]
    readonly aggregates: readonly { readonly call: AggregateCall }[]
  },
  context: StateContext,
): KeyedBuckets<SessionTable> {
  const keyTypes = spec.keys.map(({ type }) => type)
  const calls = spec.aggregates.map(({ call }) => call)
  const closes = spec.watermarked && spec.mode === 'append'
  return new KeyedBuckets(
    {
      operator: spec.operator,
      keyTypes,
      layout: 'due',
      make: (options) => new SessionTable(keyTypes, calls, closes, options),
      // A key of which one session was closed and another was not has been written anew.
      overUntil: heldBack(context.restoredWatermark, spec.watermarkShift),
    },
    context,
  )
}

class SessionOperator implements Operator {
  readonly name: string
  readonly #spec: SessionSpec
  readonly #keyTypes: readonly DataType[]
  readonly #open: KeyedBuckets<SessionTable>
  #late = Number.NEGATIVE_INFINITY
  /** Physical rows of this epoch so far. */
  #arrived = 0
  #rowsIn = 0
  #rowsLate = 0
  readonly #lateGroups: LateGroups

  constructor(spec: SessionSpec, open: KeyedBuckets<SessionTable>) {
    this.name = spec.operator
    this.#spec = spec
    this.#keyTypes = spec.keys.map(({ type }) => type)
    this.#open = open
    this.#lateGroups = new LateGroups([...this.#keyTypes, timestampType, timestampType])
  }

  open(header: EpochHeader): void {
    const { mode, watermarked, watermarkShift } = this.#spec
    const never = mode === 'complete' || !watermarked
    this.#late = never ? Number.NEGATIVE_INFINITY : heldBack(header.lateWatermark, watermarkShift)
    this.#arrived = 0
    this.#rowsIn = 0
    this.#rowsLate = 0
    this.#lateGroups.clear()
    this.#open.openEpoch(header.epoch)
  }

  process(_input: number, batch: Batch, output: Output): Wait {
    const count = liveRows(batch)
    if (count === 0) return undefined
    this.#rowsIn += count
    const { sessionColumn } = this.#spec
    const [starts, ends] = timesOf(batch.columns[sessionColumn])
    const { rows, late } = splitLate(batch, sessionColumn, this.#late)
    this.#rowsLate += late.length
    const keyColumns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    const hashes = hashKeys(keyColumns, this.#keyTypes, rows, rows.length)
    // Sessions that merge are joined in order of arrival, not of their times.
    const arrival = { epoch: this.#open.epoch, first: this.#arrived }
    this.#arrived += batch.rowCount
    const add = (): Wait => {
      const inputs = inputsOf(this.#spec.aggregates, batch, arrival)
      for (const part of this.#open.split(hashes, rows)) {
        const table = this.#open.tableAt(0, part.position)
        const times = { starts: starts.values, ends: ends.values }
        table.add({ keyColumns, ...times, inputs }, part.hashes, part.rows)
      }
      if (late.length === 0) return undefined
      // Sessions of late rows never merge: each is a group of its own.
      this.#lateGroups.add(0, [...keyColumns, starts, ends], late)
      return output.emitSide('late', select(batch, late))
    }
    if (!this.#open.anyCold()) return add()
    return this.#open.pinned(async () => {
      await this.#open.fetch(0, keyColumns, hashes, rows)
      await add()
    })
  }

  closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const own = heldBackHeader(header, this.#spec.watermarkShift)
    return this.#open.pinned(() => this.#closeEpoch(own, output))
  }

  freeze() {
    return this.#open.freeze()
  }

  /** With the watermarks as this operator sees them. */
  async #closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    let updated = 0
    for (const table of this.#open.tablesOf(0)) updated += table.settleChanged()
    let removed = 0
    if (this.#spec.mode === 'complete') await this.#emitAll(output)
    else if (header.flush === true) removed = await this.#closeAll(output)
    else removed = await this.#close(header.evictWatermark, output)
    const nextWatermark = this.#nextWatermark()
    return {
      ...(nextWatermark === undefined ? {} : { nextWatermark }),
      progress: {
        [this.name]: {
          stateName: 'sessionWindowStateStoreSaveExec',
          rowsIn: this.#rowsIn,
          rowsTotal: this.#open.rowsTotal(),
          rowsUpdated: updated,
          rowsRemoved: removed,
          rowsDroppedByWatermark: this.#lateGroups.count,
          custom: { numLateInputRows: this.#rowsLate },
          memoryUsedBytes: this.#open.byteLength(),
          storedBytes: this.#open.storedBytes(),
          watermarks: operatorWatermarks(header, this.#spec.watermarkShift),
        },
      },
    }
  }

  /** Emits and forgets what ended at or before the watermark; how many sessions that were. */
  async #close(watermark: number, output: Output): Promise<number> {
    if (!this.#spec.watermarked) return 0
    const before = this.#open.rowsTotal()
    await this.#open.loadDue(watermark)
    for (const table of this.#open.tablesOf(0)) {
      const due = table.dueAt(watermark)
      await emitSessions(this.#spec, table, due, watermark, output)
      for (const slot of due) closeKey(table, slot, watermark)
    }
    return before - this.#open.rowsTotal()
  }

  /** The input has ended, and all sessions with it. */
  async #closeAll(output: Output): Promise<number> {
    await this.#emitAll(output)
    const count = this.#open.rowsTotal()
    for (const table of this.#open.tablesOf(0)) {
      for (const slot of table.liveSlots()) table.forget(slot)
    }
    return count
  }

  async #emitAll(output: Output): Promise<void> {
    await this.#open.loadBucket(0)
    for (const table of this.#open.tablesOf(0)) {
      await emitSessions(this.#spec, table, table.liveSlots(), Number.POSITIVE_INFINITY, output)
    }
  }

  #nextWatermark(): Micros | undefined {
    const next = this.#open.nextDue()
    return next === Number.POSITIVE_INFINITY ? undefined : micros(next + this.#spec.watermarkShift)
  }
}

function closeKey(table: SessionTable, slot: number, watermark: number): void {
  if (table.sessions.endsAfter(slot, watermark)) {
    table.touch(slot)
    table.sessions.close(slot, watermark)
    table.settle(slot)
  } else {
    table.forget(slot)
  }
}

type TimeColumn = Extract<Column, { layout: 'f64' }>

/** Starts and ends of a column of sessions, none of which is NULL. */
function timesOf(column: Column | undefined): readonly [TimeColumn, TimeColumn] {
  if (column?.layout === 'struct') {
    const [start, end] = column.children
    if (start?.layout === 'f64' && end?.layout === 'f64') return [start, end]
  }
  throw new StreamError('INTERNAL', { what: 'a session column without starts and ends' })
}
