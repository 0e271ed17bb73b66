import type { Schema } from '../batch/schema.ts'
import type { LateInputSpec, LateRowsSpec } from '../operators/late-rows.ts'
import type { TopNSpec } from '../operators/top-n/spec.ts'
import { inputsOf, type Join, type LogicalPlan, schemaOf } from '../plan/logical.ts'
import type { ColumnList } from './bucketing.ts'
import { allColumns } from './open-stage.ts'
import type { Step } from './physical.ts'

/** What is added to a step whose late rows are delivered; nothing where no row can be late. */
export interface Late {
  readonly late?: LateRowsSpec
}

interface LateOperator {
  readonly operator: string
  readonly watermarkShift: number
}

/** Whether some watermark below wants its late rows delivered. */
export function deliversLate(plan: LogicalPlan): boolean {
  if (plan.kind === 'watermark' && plan.rules.late === 'output') return true
  return inputsOf(plan).some(deliversLate)
}

/** Late rows of an operator that gets its rows as they are: with its first columns. */
export function lateRows(spec: LateOperator, time: number | undefined, row: Schema): Late {
  if (time === undefined) return {}
  const columns = row.map((_, index) => index)
  return lateOf(spec, [{ columns, row, time }])
}

/** Late rows of an aggregation, whose input is computed: with the columns that went into that, which are kept beside it. */
export function lateGroupRows(
  { kind, spec }: Extract<Step, { kind: 'aggregate' | 'sessions' }>,
  row: Schema,
  computed: ColumnList,
): Late {
  if (!spec.watermarked || spec.mode === 'complete') return {}
  const time =
    kind === 'sessions'
      ? spec.sessionColumn
      : spec.bucketing.kind === 'window'
        ? spec.bucketing.timeColumn
        : spec.bucketing.kind === 'timeKey'
          ? spec.keys[spec.bucketing.key]?.column
          : undefined
  if (time === undefined) return {}
  const columns = allColumns(row).map((column) => computed.add(column))
  return lateOf(spec, [{ columns, row, time }])
}

/** Late rows of a ranking whose partitions close. */
export function lateTopNRows(spec: TopNSpec, row: Schema): Late {
  return lateRows(spec, spec.timeColumn, row)
}

/** A join of streams, whose sides may have event times. */
interface LateJoin extends LateOperator {
  readonly left: { readonly time?: number }
  readonly right: { readonly time?: number }
}

/** Late rows of both sides of a join. */
export function lateJoinRows(spec: LateJoin, { left, right }: Pick<Join, 'left' | 'right'>): Late {
  const inputOf = (name: 'left' | 'right', side: LogicalPlan): LateInputSpec => {
    const row = schemaOf(side)
    // A side without a time has no late rows.
    return { name, columns: row.map((_, index) => index), row, time: spec[name].time ?? 0 }
  }
  if (spec.left.time === undefined && spec.right.time === undefined) return {}
  return lateOf(spec, [inputOf('left', left), inputOf('right', right)])
}

function lateOf(
  { operator, watermarkShift }: LateOperator,
  inputs: readonly LateInputSpec[],
): Late {
  return { late: { operator, watermarkShift, inputs } }
}
