import type { Batch, Column, Selection } from '../batch/batch.ts'
import type { StreamError } from '../core/error.ts'
import type { EvaluationContext, Expression } from './expression.ts'

/** A filter and the columns computed from the rows that pass it. */
export interface StageSpec {
  readonly filter?: Expression
  readonly columns: readonly Expression[]
}

/** The result over the physical rows of the input: columns, and which rows count. */
export interface StageResult {
  readonly columns: readonly Column[]
  readonly selection?: Selection
}

/** Takes the physical number of a row that raised an error, and the error; may throw it to end the run. */
export type RejectRow = (row: number, cause: StreamError) => void

/** A stage ready to run over many batches. */
export interface CompiledStage {
  run(batch: Batch, context: EvaluationContext): StageResult
}
