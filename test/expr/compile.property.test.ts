import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { rowsOf, valueAt } from '../../src/batch/read.ts'
import { type Schema, stringType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { StreamError } from '../../src/core/error.ts'
import { compileStage } from '../../src/expr/compile.ts'
import { generateStage } from '../../src/expr/compile-code.ts'
import { columnAtPath, readsOf } from '../../src/expr/compile-paths.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { interpretStage } from '../../src/expr/interpret-stage.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { expressionText } from '../../src/expr/print.ts'
import { resolveExpression } from '../../src/expr/resolve.ts'
import type { CompiledStage, StageSpec } from '../../src/expr/stage.ts'
import { inputSchema, randomBatch } from './random-batches.ts'
import {
  columnsOf,
  randomCall,
  randomCondition,
  randomExpression,
  usages,
  withOwnTests,
} from './random-expressions.ts'
import { type Dice, diceOf } from './random-values.ts'

const context = { processingTime: 1_700_000_000_123_456, epoch: 3 }

interface StageCase {
  readonly spec: StageSpec
  readonly batch: Batch
}

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

const cases = fc.record({
  seed: fc.noShrink(fc.integer()),
  depth: fc.integer({ min: 1, max: 3 }),
  rowCount: fc.nat({ max: 11 }),
})

test('a compiled stage gives what the interpreted stage gives, values and errors alike', () => {
  fc.assert(
    fc.property(cases, ({ seed, depth, rowCount }) => {
      const given = stageCase(diceOf(seed), depth, rowCount)
      const compiled = compileStage(given.spec, inputSchema)
      const { filter, columns } = given.spec
      const text = [...(filter === undefined ? [] : [filter]), ...columns].map(expressionText)
      expect(outcome(compiled, given), text.join('; ')).toEqual(
        outcome(interpretStage(given.spec, inputSchema), given),
      )
    }),
    { numRuns: 4000 },
  )
})

test('a text is compared whole, its byte order mark too', () => {
  const schema: Schema = [{ name: 's', type: stringType, nullable: false }]
  const batch = batchOf(schema, [['\ufeffa'], ['a']])
  const filter = resolveExpression(parseExpression("s = 'a'"), { schema })
  const { selection } = compileStage({ filter, columns: [] }, schema).run(batch, context)
  expect(selection).toEqual(Int32Array.of(1))
  expect(rowsOf(batch)).toEqual([['\ufeffa'], ['a']])
})

test('every function of the catalogue can be called with the types of the columns', () => {
  const without = [...usages]
    .filter(([name, ways]) => ways.length === 0 && !withOwnTests.has(name))
    .map(([name]) => name)
  expect(without).toEqual([])
})

test('most stages over plain layouts are compiled, so that the law says something', () => {
  const compiled = Array.from({ length: 200 }, (_, seed) => {
    const dice = diceOf(seed)
    const { spec, batch } = stageCase(dice, 2, 4)
    const reads = readsOf(spec.filter === undefined ? spec.columns : [spec.filter, ...spec.columns])
    const inputs = reads.map(({ path }) => columnAtPath(batch, path))
    return generateStage(spec.filter, spec.columns, reads, inputs) !== undefined
  })
  expect(compiled.filter((done) => done).length).toBeGreaterThan(120)
})
