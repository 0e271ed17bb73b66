import { expect, test } from 'vitest'
import { batchOf } from '../../src/batch/build.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { type Schema, stringType } from '../../src/batch/schema.ts'
import { compileStage } from '../../src/expr/compile.ts'
import { generateStage } from '../../src/expr/compile-code.ts'
import { columnAtPath, readsOf } from '../../src/expr/compile-paths.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { resolveExpression } from '../../src/expr/resolve.ts'
import { compiledStages } from '../laws/gates/compile-gates.ts'
import { testGates } from '../laws/gates/gate-test.ts'
import { usages, withOwnTests } from './random-expressions.ts'
import { diceOf } from './random-values.ts'
import { context, stageCase } from './stage-case.ts'

testGates([compiledStages])

test('a text is compared whole, its byte order mark too', () => {
  const schema: Schema = [{ name: 's', type: stringType, nullable: false }]
  const batch = batchOf(schema, [['\ufeffa'], ['a']])
  const filter = resolveExpression(parseExpression("s = 'a'"), { schema })
  const { selection } = compileStage({ filter, columns: [] }, schema).run(batch, context)
  expect(selection).toEqual(Int32Array.of(1))
  expect(rowsOf(batch)).toEqual([['\ufeffa'], ['a']])
})

test('the escape character of LIKE may come from a column', () => {
  const schema: Schema = ['s', 'e'].map((name) => ({ name, type: stringType, nullable: false }))
  const batch = batchOf(schema, [
    ['x', '!'],
    ['!x', '!'],
    ['!x', '/'],
  ])
  const filter = resolveExpression(parseExpression("like(s, '!x', e)"), { schema })
  const { selection } = compileStage({ filter, columns: [] }, schema).run(batch, context)
  expect(selection).toEqual(Int32Array.of(0, 2))
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
