import { inspect, isDeepStrictEqual } from 'node:util'
import { seededRandom } from '../../../src/core/random.ts'
import { compileStage } from '../../../src/expr/compile.ts'
import { interpretStage } from '../../../src/expr/interpret-stage.ts'
import { expressionText } from '../../../src/expr/print.ts'
import { inputSchema } from '../../expr/random-batches.ts'
import { diceOf } from '../../expr/random-values.ts'
import { outcome, stageCase } from '../../expr/stage-case.ts'
import type { Gate } from './gate.ts'

const stagesAtOnce = 500

/** A stage as the engine runs it, and value by value. */
export const compiledStages: Gate = {
  id: 'G14C',
  name: 'a compiled stage gives what the interpreted stage gives, values and errors alike',
  unit: 'stages',
  wanted: { test: 4_000, long: 2_000_000 },
  least: { rows: 5_000, errors: 100 },
  async round(seed) {
    const random = seededRandom(seed)
    const below = (end: number): number => Math.floor(random.next() * end)
    const figures = { rows: 0, errors: 0 }
    for (let left = stagesAtOnce; left > 0; left--) {
      const [own, depth, rowCount] = [below(2 ** 32), 1 + below(3), below(12)] as const
      const given = stageCase(diceOf(own), depth, rowCount)
      const found = outcome(compileStage(given.spec, inputSchema), given)
      const wanted = outcome(interpretStage(given.spec, inputSchema), given)
      if (!isDeepStrictEqual(found, wanted)) {
        const { filter, columns } = given.spec
        const text = [...(filter === undefined ? [] : [filter]), ...columns].map(expressionText)
        const difference = `${inspect(found)}, not ${inspect(wanted)}`
        throw new Error(`dice ${own}, ${depth}, ${rowCount}: ${text.join('; ')}: ${difference}`)
      }
      figures.rows += rowCount
      if (!Array.isArray(found)) figures.errors += 1
    }
    return { done: stagesAtOnce, figures }
  },
}
