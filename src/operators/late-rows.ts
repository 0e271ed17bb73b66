import type { Batch } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { packRows } from '../batch/pack.ts'
import { type Schema, stringType, timestampType } from '../batch/schema.ts'
import { heldBack } from '../flow/held-back.ts'
import type { EpochHeader } from '../flow/message.ts'
import type { Operator, Output } from '../flow/operator.ts'
import { timesOf } from './row-times.ts'

/** The side output on which operators set late rows aside, as they came in. */
export const lateSide = 'late'

/** How the late rows of an operator are shown, as plain data. */
export interface LateRowsSpec {
  readonly operator: string
  readonly watermarkShift: number
  readonly inputs: readonly LateInputSpec[]
}

export interface LateInputSpec {
  /** Which input it is, for operators that have several. */
  readonly name?: string
  /** The columns that rows are shown with, and what they are called. */
  readonly columns: readonly number[]
  readonly row: Schema
  /** The column that is compared with the watermark: a time, or windows that count by their ends. */
  readonly time: number
}

/**
 * Makes the late rows of an operator tell what they are: each with the name of the operator, its input,
 * the watermark that the row came after, its time, and the row in one column. Batches of all operators
 * then differ in nothing but the fields of `row`.
 */
export function withLateRows(inner: Operator, spec: LateRowsSpec): Operator {
  let watermark = 0
  const made = spec.inputs.map(() => new WeakMap<Output, Output>())
  const outputOf = (input: number, output: Output): Output => {
    const show = spec.inputs[input]
    const known = made[input]?.get(output)
    if (known !== undefined || show === undefined) return known ?? output
    const aside: Output = {
      emit: (batch) => output.emit(batch),
      emitSide(side, batch) {
        const shown = side === lateSide ? lateBatch(batch, spec.operator, show, watermark) : batch
        return output.emitSide(side, shown)
      },
    }
    made[input]?.set(output, aside)
    return aside
  }
  return {
    name: inner.name,
    open(header: EpochHeader) {
      watermark = heldBack(header.lateWatermark, spec.watermarkShift)
      inner.open(header)
    },
    process: (input, batch, output) => inner.process(input, batch, outputOf(input, output)),
    closeEpoch: (header, output) => inner.closeEpoch(header, outputOf(0, output)),
    freeze: () => inner.freeze(),
    close: () => inner.close?.(),
    abort: () => inner.abort?.(),
  }
}

/** Only the late rows are copied: the batch they came in is not kept alive by a reader that takes its time. */
function lateBatch(
  batch: Batch,
  operator: string,
  { name, columns, row, time }: LateInputSpec,
  watermark: number,
): Batch {
  const picked = columns.flatMap((index) => batch.columns[index] ?? [])
  const rows = packRows({ rowCount: batch.rowCount, schema: row, columns: picked }, batch.selection)
  const { rowCount } = rows
  const { values, validity } = timesOf(batch, time)
  const times = packRows(
    {
      rowCount: batch.rowCount,
      schema: [],
      columns: [{ layout: 'f64', values, ...(validity === undefined ? {} : { validity }) }],
    },
    batch.selection,
  )
  const repeat = <T>(value: T): T[] => new Array<T>(rowCount).fill(value)
  return {
    schema: [
      { name: 'operator', type: stringType, nullable: false },
      { name: 'input', type: stringType, nullable: true },
      { name: 'watermark', type: timestampType, nullable: false },
      { name: 'eventTime', type: timestampType, nullable: true },
      { name: 'row', type: { kind: 'struct', fields: row }, nullable: false },
    ],
    rowCount,
    columns: [
      columnOf(stringType, repeat(operator)),
      columnOf(stringType, repeat(name ?? null)),
      { layout: 'f64', values: new Float64Array(rowCount).fill(watermark) },
      ...times.columns,
      { layout: 'struct', children: rows.columns },
    ],
  }
}
