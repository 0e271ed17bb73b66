import { type Batch, type Column, isValid, liveRows, select } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { checkedTime } from '../expr/calendar.ts'
import type { Operator } from '../flow/operator.ts'
import { timesOf } from './row-times.ts'

/** Sessions put beside the rows; columns are numbers of the input, `kept` columns go on. */
export interface SessionAssignSpec {
  readonly timeColumn: number
  /** LONG, microseconds; or the same for all rows. */
  readonly gap:
    | { readonly kind: 'constant'; readonly micros: number }
    | { readonly kind: 'column'; readonly column: number }
  readonly kept: number
  /** The operator that merges the sessions, in whose progress the dropped rows are counted. */
  readonly operator?: string
  readonly output: Schema
}

/** The session of each row by itself; rows without a time or with a gap that is not above zero are dropped (rule S1). */
export function sessionAssignOperator(spec: SessionAssignSpec): Operator {
  let rowsIn = 0
  let nullTimes = 0
  let withoutGap = 0

  const assign = (batch: Batch): Batch => {
    const count = liveRows(batch)
    const times = timesOf(batch, spec.timeColumn)
    const gapOf = gapsOf(batch, spec.gap)
    const ends = new Float64Array(batch.rowCount)
    const rows = new Int32Array(count)
    let kept = 0
    for (let k = 0; k < count; k++) {
      const row = batch.selection === undefined ? k : (batch.selection[k] as number)
      if (!isValid(times.validity, row)) {
        nullTimes++
        continue
      }
      const gap = gapOf(row)
      // A gap of NULL counts as none.
      if (!(gap > 0)) {
        withoutGap++
        continue
      }
      const end = (times.values[row] as number) + gap
      ends[row] = end <= Number.MAX_SAFE_INTEGER ? end : checkedTime(end)
      rows[kept++] = row
    }
    rowsIn += count
    const session: Column = {
      layout: 'struct',
      children: [
        { layout: 'f64', values: times.values },
        { layout: 'f64', values: ends },
      ],
    }
    const columns = [...batch.columns.slice(0, spec.kept), session]
    const assigned = { ...batch, schema: spec.output, columns }
    return kept === count ? assigned : select(assigned, rows.subarray(0, kept))
  }

  return {
    name: 'session',

    open() {
      rowsIn = 0
      nullTimes = 0
      withoutGap = 0
    },

    process(_input, batch, output) {
      const assigned = assign(batch)
      return liveRows(assigned) === 0 ? undefined : output.emit(assigned)
    },

    closeEpoch() {
      const custom = { rowsWithNullEventTime: nullTimes, rowsWithoutGap: withoutGap }
      const { operator } = spec
      if (operator === undefined) return { progress: { session: { rowsIn, custom } } }
      // The operator counts its own rows.
      return nullTimes + withoutGap === 0 ? {} : { progress: { [operator]: { rowsIn: 0, custom } } }
    },

    freeze: () => undefined,
  }
}

/** The gap of each row; NaN for NULL. */
function gapsOf(batch: Batch, gap: SessionAssignSpec['gap']): (row: number) => number {
  if (gap.kind === 'constant') return () => gap.micros
  const column = batch.columns[gap.column]
  switch (column?.layout) {
    case 'f64':
    case 'i64': {
      const { values, validity } = column
      return (row) => (isValid(validity, row) ? Number(values[row]) : Number.NaN)
    }
    default:
      return () => Number.NaN
  }
}
