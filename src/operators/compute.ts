import { type Batch, originOf } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import type { RegistryWorld } from '../codecs/registry/exchange.ts'
import { mayAsk } from '../expr/asking.ts'
import { compileStage } from '../expr/compile.ts'
import { type EvaluationContext, type Expression, noContext } from '../expr/expression.ts'
import type { StageResult } from '../expr/stage.ts'
import type { Operator, Output, Wait } from '../flow/operator.ts'
import { askingRuns } from './asking-runs.ts'
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

/**
 * Keeps the rows for which the filter is true (NULL counts as not true) and computes new columns. A batch
 * with values whose schema only a registry knows is held until it has answered.
 */
export function computeOperator(
  { input, filter, columns, output, badRows }: ComputeSpec,
  world: RegistryWorld,
): Operator {
  const name = filter === undefined ? 'project' : 'filter'
  const bad = badRows === undefined ? undefined : rejectedRows(name, badRows)
  const work = filter === undefined ? { columns } : { filter, columns }
  const stage = compileStage(work, input, bad?.add)
  const expressions = filter === undefined ? columns : [filter, ...columns]
  const asking = expressions.some(mayAsk) ? askingRuns(world) : undefined
  let context: EvaluationContext = noContext

  const giveOut = (batch: Batch, result: StageResult, out: Output): Wait => {
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
  }

  return {
    name,

    open({ processingTime }) {
      context = { processingTime }
      bad?.open()
      asking?.open()
    },

    process(_input, batch, out) {
      const run = (): StageResult => stage.run(batch, context)
      if (asking === undefined) return giveOut(batch, run(), out)
      return asking.process(
        run,
        () => bad?.forget(),
        (result) => giveOut(batch, result, out),
      )
    },

    closeEpoch: () => bad?.report() ?? {},

    freeze: () => undefined,

    ...(asking === undefined ? {} : { abort: asking.stop, close: asking.stop }),
  }
}
