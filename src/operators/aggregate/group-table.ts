import type { Column } from '../../batch/batch.ts'
import type { DataType } from '../../batch/schema.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { KeyedTable, type KeyedTableOptions } from '../keyed/keyed-table.ts'
import type { Accumulator, Arrival } from './accumulator.ts'
import { makeAccumulator } from './make-accumulator.ts'
import { UnsentMarks } from './unsent-marks.ts'

/** Rows of a batch that one aggregate takes; all of them unless it has a FILTER. */
export interface AggregateInput {
  readonly args: readonly Column[]
  /** Bit per row, set where the FILTER is true. */
  readonly keep?: (row: number) => boolean
  /** For aggregates that depend on the order of rows, where groups are merged. */
  readonly arrival?: Arrival
}

/** The groups of one shard in one window pane, or of one shard in an aggregation without windows. */
export class GroupTable extends KeyedTable {
  readonly accumulators: readonly Accumulator[]
  /** Kept where groups are not given out each time they change. */
  readonly unsent: UnsentMarks | undefined

  constructor(
    types: readonly DataType[],
    calls: readonly AggregateCall[],
    {
      marksUnsent = false,
      ...options
    }: KeyedTableOptions & { readonly marksUnsent?: boolean } = {},
  ) {
    const accumulators = calls.map(makeAccumulator)
    const unsent = marksUnsent ? new UnsentMarks() : undefined
    super(types, unsent === undefined ? accumulators : [...accumulators, unsent], options)
    this.accumulators = accumulators
    this.unsent = unsent
  }

  /** Adds rows to their groups and says which slot each went to, as `slotsOf`. */
  update(
    keyColumns: readonly Column[],
    hashes: Int32Array,
    rows: Int32Array | undefined,
    inputs: readonly AggregateInput[],
  ): Int32Array {
    const slots = this.slotsOf(keyColumns, hashes, rows)
    this.touchAll(slots)
    updateAll(this.accumulators, slots, rows, inputs)
    this.unsent?.mark(slots)
    return slots
  }

  /** Takes out groups that the watermark has closed, while all groups of the table are in memory. */
  close(slots: Int32Array): void {
    this.unsent?.clear(slots)
    if (this.unsent !== undefined) this.unsent.someLeft = false
    for (const slot of slots) this.forget(slot)
  }

  /** The groups that changed since they were last given out. */
  unsentSlots(): Int32Array {
    return this.unsent?.slots() ?? new Int32Array(0)
  }

  /** Every group has been given out as it is. */
  markSent(): void {
    const slots = this.unsentSlots()
    this.touchAll(slots)
    this.unsent?.clear(slots)
  }
}

/** Adds rows to accumulators: row `rows[k]` (k without `rows`) goes to slot `slots[k]`. */
export function updateAll(
  accumulators: readonly Accumulator[],
  slots: Int32Array,
  rows: Int32Array | undefined,
  inputs: readonly AggregateInput[],
): void {
  inputs.forEach((input, index) => {
    const accumulator = accumulators[index]
    if (accumulator === undefined) return
    if (input.keep === undefined) {
      accumulator.update(slots, rows, slots.length, input.args, input.arrival)
    } else updateFiltered(accumulator, slots, rows, input, input.keep)
  })
}

function updateFiltered(
  accumulator: Accumulator,
  slots: Int32Array,
  rows: Int32Array | undefined,
  { args, arrival }: AggregateInput,
  keep: (row: number) => boolean,
): void {
  const keptRows = new Int32Array(slots.length)
  const keptSlots = new Int32Array(slots.length)
  let kept = 0
  for (let k = 0; k < slots.length; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    if (!keep(row)) continue
    keptRows[kept] = row
    keptSlots[kept++] = slots[k] as number
  }
  accumulator.update(keptSlots, keptRows, kept, args, arrival)
}
