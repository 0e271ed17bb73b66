import { type Batch, type Column, isValid, select } from '../batch/batch.ts'
import { hashKeys } from '../batch/key-hash.ts'
import type { DataType } from '../batch/schema.ts'
import { micros } from '../core/units.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../flow/held-back.ts'
import type { EpochHeader } from '../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../flow/operator.ts'
import type { StateContext } from './context.ts'
import { KeyedBuckets } from './keyed/keyed-buckets.ts'
import { KeyedTable } from './keyed/keyed-table.ts'
import { NumberValues } from './keyed/number-values.ts'
import { splitLate, timesOf } from './row-times.ts'

/** The keys seen, each with the time at which it is forgotten. */
export type SeenKeys = KeyedBuckets<KeyedTable<NumberValues>>

/** The removal of duplicates, as plain data; columns are numbers of the input batch. */
export interface DeduplicateSpec {
  readonly operator: string
  readonly keys: readonly {
    readonly column: number
    readonly name: string
    readonly type: DataType
  }[]
  /** The event time that decides what is late and when a row is forgotten; absent = never. */
  readonly timeColumn?: number
  /** How long after its event time a row is remembered; absent = the time is one of the keys. */
  readonly withinMicros?: number
  /** How far this operator is behind the watermark of the query. */
  readonly watermarkShift: number
}

/**
 * The first row of each key, in order of arrival (rules D1, D2): late rows are left out first; a key
 * is forgotten when the watermark reaches its event time, or that of its first row plus the delay.
 */
export async function deduplicateOperator(
  spec: DeduplicateSpec,
  context: StateContext,
): Promise<Operator> {
  const seen = seenKeys(spec, context)
  await seen.attach()
  return new DeduplicateOperator(spec, seen)
}

/** The keys that were seen; not attached yet. */
export function seenKeys(
  spec: Pick<DeduplicateSpec, 'operator' | 'watermarkShift'> & {
    readonly keys: readonly { readonly type: DataType }[]
  },
  context: StateContext,
): SeenKeys {
  const keyTypes = spec.keys.map(({ type }) => type)
  return new KeyedBuckets(
    {
      operator: spec.operator,
      keyTypes,
      layout: 'due',
      make: (options) => {
        const expiries = new NumberValues(Number.POSITIVE_INFINITY)
        const dueOf = (slot: number): number => expiries.numbers[slot] as number
        return new KeyedTable(keyTypes, [expiries], { ...options, dueOf })
      },
      overUntil: heldBack(context.restoredWatermark, spec.watermarkShift),
    },
    context,
  )
}

class DeduplicateOperator implements Operator {
  readonly name: string
  readonly #spec: DeduplicateSpec
  readonly #keyTypes: readonly DataType[]
  readonly #seen: SeenKeys
  #late = Number.NEGATIVE_INFINITY
  #rowsIn = 0
  #rowsNew = 0
  #rowsLate = 0

  constructor(spec: DeduplicateSpec, seen: SeenKeys) {
    this.name = spec.operator
    this.#spec = spec
    this.#keyTypes = spec.keys.map(({ type }) => type)
    this.#seen = seen
  }

  open(header: EpochHeader): void {
    this.#late = heldBack(header.lateWatermark, this.#spec.watermarkShift)
    this.#rowsIn = 0
    this.#rowsNew = 0
    this.#rowsLate = 0
    this.#seen.openEpoch(header.epoch)
  }

  process(_input: number, batch: Batch, output: Output): Wait {
    const { rows, late } = splitLate(batch, this.#spec.timeColumn, this.#late)
    this.#rowsIn += rows.length + late.length
    this.#rowsLate += late.length
    if (!this.#seen.anyCold()) return this.#handle(batch, rows, late, output)
    return this.#seen.pinned(async () => {
      const { columns, hashes } = this.#keysOf(batch, rows)
      await this.#seen.fetch(0, columns, hashes, rows)
      await this.#handle(batch, rows, late, output)
    })
  }

  async closeEpoch(header: EpochHeader): Promise<EpochReport> {
    const shift = this.#spec.watermarkShift
    const own = heldBackHeader(header, shift)
    const removed = await this.#seen.pinned(() => this.#forget(own.evictWatermark))
    const next = this.#seen.nextDue()
    const within = this.#spec.withinMicros !== undefined
    return {
      ...(next === Number.POSITIVE_INFINITY ? {} : { nextWatermark: micros(next + shift) }),
      progress: {
        [this.name]: {
          stateName: within ? 'dedupeWithinWatermark' : 'dedupe',
          rowsIn: this.#rowsIn,
          rowsTotal: this.#seen.rowsTotal(),
          rowsUpdated: this.#rowsNew,
          rowsRemoved: removed,
          rowsDroppedByWatermark: this.#rowsLate,
          memoryUsedBytes: this.#seen.byteLength(),
          storedBytes: this.#seen.storedBytes(),
          watermarks: operatorWatermarks(own, shift),
          custom: { numDroppedDuplicateRows: this.#rowsIn - this.#rowsNew - this.#rowsLate },
        },
      },
    }
  }

  freeze() {
    return this.#seen.freeze()
  }

  async #forget(evict: number): Promise<number> {
    if (this.#spec.timeColumn === undefined) return 0
    await this.#seen.loadDue(evict)
    let removed = 0
    for (const table of this.#seen.tablesOf(0)) {
      const due = table.dueAt(evict)
      for (const slot of due) table.forget(slot)
      removed += due.length
    }
    return removed
  }

  #keysOf(batch: Batch, rows: Int32Array) {
    const columns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    return { columns, hashes: hashKeys(columns, this.#keyTypes, rows, rows.length) }
  }

  #handle(batch: Batch, rows: Int32Array, late: Int32Array, output: Output): Wait {
    const { columns, hashes } = this.#keysOf(batch, rows)
    const isNew = new Uint8Array(batch.rowCount)
    for (const part of this.#seen.split(hashes, rows)) {
      const table = this.#seen.tableAt(0, part.position)
      // New keys get the next slots in order of rows: the first row of each is where its slot appears.
      let next = table.count
      const slots = table.slotsOf(columns, part.hashes, part.rows)
      const newRows: number[] = []
      const newSlots: number[] = []
      for (let k = 0; k < slots.length; k++) {
        if (slots[k] !== next) continue
        newSlots.push(next++)
        newRows.push(part.rows[k] as number)
      }
      this.#remember(batch, table, newSlots, newRows)
      for (const row of newRows) isNew[row] = 1
    }
    const first = rows.filter((row) => isNew[row] === 1)
    this.#rowsNew += first.length
    const wait = first.length === 0 ? undefined : output.emit(select(batch, first))
    if (late.length === 0) return wait
    const emitLate = (): Wait => output.emitSide('late', select(batch, late))
    return wait === undefined ? emitLate() : wait.then(emitLate)
  }

  #remember(
    batch: Batch,
    table: KeyedTable<NumberValues>,
    slots: readonly number[],
    rows: readonly number[],
  ): void {
    const { timeColumn, withinMicros = 0 } = this.#spec
    const times = timeColumn === undefined ? undefined : timesOf(batch, timeColumn)
    const expiries = table.values[0]?.numbers
    slots.forEach((slot, index) => {
      table.touch(slot)
      const row = rows[index] as number
      // A row without a time is never over (rule W9).
      if (times === undefined || expiries === undefined || !isValid(times.validity, row)) return
      expiries[slot] = (times.values[row] as number) + withinMicros
      table.settle(slot)
    })
  }
}
