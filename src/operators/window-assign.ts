import { type Batch, isValid, siblingOrder } from '../batch/batch.ts'
import { packRows } from '../batch/pack.ts'
import { forEachRow } from '../batch/read.ts'
import type { Schema } from '../batch/schema.ts'
import { checkedTime } from '../expr/calendar.ts'
import type { Operator } from '../flow/operator.ts'
import { type Windows, windowsOf } from './window.ts'

/** Windows put beside the rows; `timeColumn` is a column of the input, `kept` columns go on. */
export interface WindowAssignSpec {
  readonly timeColumn: number
  readonly kept: number
  readonly windows: Windows
  readonly output: Schema
}

/** One row per window that holds the row's time; rows whose time is NULL are dropped (Spark's rule). */
export function windowAssignOperator(spec: WindowAssignSpec): Operator {
  let rowsIn = 0
  let nullTimes = 0
  return {
    name: 'window',

    open() {
      rowsIn = 0
      nullTimes = 0
    },

    process(_input, batch, output) {
      const assigned = assign(batch, spec)
      rowsIn += assigned.rowsIn
      nullTimes += assigned.nullTimes
      return assigned.batch.rowCount === 0 ? undefined : output.emit(assigned.batch)
    },

    closeEpoch: () => ({
      progress: { window: { rowsIn, custom: { rowsWithNullEventTime: nullTimes } } },
    }),

    freeze: () => undefined,
  }
}

function assign(
  batch: Batch,
  spec: WindowAssignSpec,
): { batch: Batch; rowsIn: number; nullTimes: number } {
  const math = windowsOf(spec.windows)
  const column = batch.columns[spec.timeColumn]
  const rows: number[] = []
  const starts: number[] = []
  const siblings: number[] = []
  let rowsIn = 0
  let nullTimes = 0
  forEachRow(batch, (row) => {
    rowsIn++
    if (column?.layout !== 'f64' || !isValid(column.validity, row)) {
      nullTimes++
      return
    }
    const time = column.values[row] as number
    let position = 0
    for (let start = math.firstStart(time); start <= time; start += spec.windows.slideMicros) {
      rows.push(row)
      starts.push(start)
      siblings.push(position++)
    }
  })
  const kept = packRows(
    {
      ...batch,
      schema: batch.schema.slice(0, spec.kept),
      columns: batch.columns.slice(0, spec.kept),
    },
    Int32Array.from(rows),
  )
  const start = Float64Array.from(starts)
  const end = Float64Array.from(starts, (value) => checkedTime(value + spec.windows.sizeMicros))
  return {
    rowsIn,
    nullTimes,
    batch: {
      ...kept,
      ...(kept.order === undefined ? {} : { order: siblingOrder(kept.order, siblings) }),
      schema: spec.output,
      columns: [
        ...kept.columns,
        {
          layout: 'struct',
          children: [
            { layout: 'f64', values: start },
            { layout: 'f64', values: end },
          ],
        },
      ],
    },
  }
}
