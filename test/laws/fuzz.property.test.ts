import { expect, test } from 'vitest'
import { parseSchema } from '../../src/batch/ddl.ts'
import { StreamError } from '../../src/core/error.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { decodeAll, fuzzedJson } from './fuzz/line-targets.ts'
import { spoiltReads } from './gates/fuzz-gates.ts'
import { testGates } from './gates/gate-test.ts'

testGates([spoiltReads])

test('deep nesting is refused, not followed to the end of the stack', () => {
  for (const depth of [100, 10_000, 200_000]) {
    const json = `{"l":${'['.repeat(depth)}${']'.repeat(depth)}}\n`
    decodeAll(fuzzedJson(), new TextEncoder().encode(json))
    const refusals = [
      () => parseExpression(`${'('.repeat(depth)}1${')'.repeat(depth)}`),
      () => parseExpression(`${'NOT '.repeat(depth)}a`),
      () => parseExpression(`${'-'.repeat(depth)}a`),
      () => parseSchema(`a ${'ARRAY<'.repeat(depth)}INT${'>'.repeat(depth)}`),
    ]
    for (const attempt of refusals) {
      try {
        attempt()
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(StreamError)
      }
    }
  }
})
