import { type Batch, originOf } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { compileStage } from '../expr/compile.ts'
import { type EvaluationContext, type Expression, noContext } from '../expr/expression.ts'
import type { Operator } from '../flow/operator.ts'

/** A filter and a projection over it, as plain data. */
export interface ComputeSpec {
  readonly input: Schema
  readonly filter: Expression | undefined
  readonly columns: readonly Expression[]
  readonly output: Schema
}

/** Keeps the rows for which the filter is true (NULL counts as not true) and computes new columns. */
export function computeOperator({ input, filter, columns, output }: ComputeSpec): Operator {
  const stage = compileStage(filter === undefined ? { columns } : { filter, columns }, input)
  let context: EvaluationContext = noContext

  return {
    name: filter === undefined ? 'project' : 'filter',

    open({ epoch, processingTime }) {
      context = { epoch, processingTime }
    },

    process(_input, batch, out) {
      const result = stage.run(batch, context)
      if (result.selection?.length === 0) return undefined
      const computed: Batch = {
        schema: output,
        rowCount: batch.rowCount,
        columns: result.columns,
        ...(result.selection === undefined ? {} : { selection: result.selection }),
        ...originOf(batch),
      }
      return out.emit(computed)
    },

    closeEpoch: () => ({}),

    freeze: () => undefined,
  }
}
