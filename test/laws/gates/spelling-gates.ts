import { inspect, isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { queryOf, queryShape } from '../../../properties/laws/random-query.ts'
import { inFunctions, inSql, type Spell } from '../../../properties/laws/spellings.ts'
import { simulatedSession } from '../../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../../properties/virtual-file-system.ts'
import { analyze } from '../../../src/plan/analyze.ts'
import type { LogicalPlan } from '../../../src/plan/logical.ts'
import type { Gate } from './gate.ts'

const queriesAtOnce = 100

/** A query in SQL and the same one in functions. */
export const spellings: Gate = {
  id: 'G14S',
  name: 'the same query in SQL and in functions has the same plan',
  unit: 'queries',
  wanted: { test: 1_500, long: 200_000 },
  async round(seed) {
    const { session } = simulatedSession({ seed, files: virtualFileSystem(), life: 0 })
    let terms = 0
    const texts = new Set<string>()
    const spell: Spell = (text) => {
      const column = inFunctions(text)
      if (column === undefined) return inSql(text)
      terms += 1
      texts.add(text)
      return column
    }
    for (const shape of fc.sample(queryShape, { seed, numRuns: queriesAtOnce })) {
      const sql = queryOf(shape, inSql)
      const frames = sql.inputs.map(({ schema }) => session.memoryStream(schema).toDF())
      const planOf = (spell: Spell): LogicalPlan =>
        analyze(queryOf(shape, spell).query(frames, []).plan)
      const [left, right] = [planOf(inSql), planOf(spell)]
      if (isDeepStrictEqual(left, right)) continue
      const [inOne, inOther] = [left, right].map((plan) => inspect(plan, { depth: 12 }))
      throw new Error(`${sql.text}\nin SQL\n${inOne}\nin functions\n${inOther}`)
    }
    return { done: queriesAtOnce, figures: { 'terms in functions': terms }, kinds: [...texts] }
  },
}
