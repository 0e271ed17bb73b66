import type { Schema } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { EvaluationContext } from '../../src/expr/expression.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { LogicalPlan } from '../../src/plan/logical.ts'

/** The values of one row, by column. */
export type Row = readonly Value[]

/** The rows of one epoch by the name of their source. */
export type EpochRows = (source: string) => readonly Row[]

/** What one node of a plan answers, epoch by epoch. */
export type Evaluate = (header: EpochHeader, rows: EpochRows) => readonly Row[]

/** A row that came too late for one step of a plan. */
export interface LateRow {
  readonly row: Row
  /** Its columns. */
  readonly schema: Schema
  readonly plan: LogicalPlan
  /** Of a join. */
  readonly side?: 'left' | 'right'
  readonly epoch: number
  /** The watermark that it came after, as that step sees it. */
  readonly watermark: number
}

/** Takes rows that are left out: late ones, rows late in some of their windows only, and bad ones. */
export interface Late {
  late(row: Row, of: Pick<LateRow, 'plan' | 'schema' | 'side'>): void
  lost(): void
  readonly dropsBad: boolean
}

/** What an expression may know of an epoch. */
export function contextOf({ processingTime }: EpochHeader): EvaluationContext {
  return { processingTime }
}
