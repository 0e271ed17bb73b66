import type { Batch } from '../../src/batch/batch.ts'
import { valueAt } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { StreamError } from '../../src/core/error.ts'
import type { Expression } from '../../src/expr/expression.ts'
import type { CompiledStage, StageSpec } from '../../src/expr/stage.ts'
import { inputSchema, randomBatch } from './random-batches.ts'
import { columnsOf, randomCall, randomCondition, randomExpression } from './random-expressions.ts'
import type { Dice } from './random-values.ts'

/** When stages run. */
export const context = { processingTime: 1_700_000_000_123_456, epoch: 3 }

/** A filter and columns, and rows for them. */
export interface StageCase {
  readonly spec: StageSpec
  readonly batch: Batch
}

/** Random ones; expressions are so many calls deep. */
export function stageCase(dice: Dice, depth: number, rowCount: number): StageCase {
  const columns: Expression[] = [randomCall(dice, depth)]
  if (dice.chance(0.3)) columns.push(randomCall(dice, 1))
  if (dice.chance(0.3)) columns.push(randomExpression(dice, dice.pick(inputSchema).type, 0))
  const filter = dice.chance(0.6) ? randomCondition(dice, depth) : undefined
  const spec: StageSpec = filter === undefined ? { columns } : { filter, columns }
  return { spec, batch: batchFor(dice, spec, rowCount) }
}

function batchFor(dice: Dice, { filter, columns }: StageSpec, rowCount: number): Batch {
  const expressions = filter === undefined ? columns : [filter, ...columns]
  return randomBatch(dice, rowCount, new Set(expressions.flatMap(columnsOf)))
}

/** The rows that a stage gives, with their physical numbers, or the code of the error. */
export function outcome(stage: CompiledStage, { spec, batch }: StageCase): unknown {
  try {
    const { columns, selection } = stage.run(batch, context)
    const rows = selection === undefined ? [...Array(batch.rowCount).keys()] : [...selection]
    return rows.map((row) => [
      row,
      ...spec.columns.map((column, index): Value => {
        const result = columns[index]
        return result === undefined ? 'no column' : valueAt(result, column.type, row)
      }),
    ])
  } catch (error) {
    // INTERNAL would mean that a typing rule let through what its function cannot take.
    if (error instanceof StreamError && error.code !== 'INTERNAL') return error.code
    throw error
  }
}
