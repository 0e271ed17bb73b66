import { type Batch, originOf } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { compileStage } from '../expr/compile.ts'
import { type EvaluationContext, type Expression, noContext } from '../expr/expression.ts'
import type { Operator } from '../flow/operator.ts'
import { allOf, type BadRowPolicies, rejectedRows } from './bad-rows.ts'

/** A filter and a projection over it, as plain data. */
export interface ComputeSpec {
  readonly input: Schema
  readonly filter: Expression | undefined
  readonly columns: readonly Expression[]
  readonly output: Schema
  /** What becomes of rows that raise an error; absent = they end the query. */
  readonly badRows?: BadRowPolicies
}

/** Keeps the rows for which the filter is true (NULL counts as not true) and computes new columns. */
export function computeOperator({
  input,
  filter,
  columns,
  output,
  badRows,
}: ComputeSpec): Operator {
  const name = filter === undefined ? 'project' : 'filter'
  const bad = badRows === undefined ? undefined : rejectedRows(name, badRows)
  const work = filter === undefined ? { columns } : { filter, columns }
  const stage = compileStage(work, input, bad?.add)
  let context: EvaluationContext = noContext

  return {
    name,

    open({ processingTime }) {
      context = { processingTime }
      bad?.open()
    },

    process(_input, batch, out) {
      const result = stage.run(batch, context)
      const rejected = bad?.flush(batch, input, out)
      if (result.selection?.length === 0) return rejected
      const computed: Batch = {
        schema: output,
        rowCount: batch.rowCount,
        columns: result.columns,
        ...(result.selection === undefined ? {} : { selection: result.selection }),
        ...originOf(batch),
      }
      return allOf(rejected, out.emit(computed))
    },

    closeEpoch: () => bad?.report() ?? {},

    freeze: () => undefined,
  }
}
