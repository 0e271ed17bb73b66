import fc from 'fast-check'
import type { CrashPipeline } from '../../../properties/laws/crash-life.ts'
import {
  type CrashCase,
  pipelineOf,
  randomSettings,
} from '../../../properties/laws/exactly-once.ts'
import { joinQueryOf, joinShape } from '../../../properties/laws/random-join.ts'
import { queryOf, queryShape } from '../../../properties/laws/random-query.ts'
import type { StreamQuery } from '../../../properties/laws/stream-query.ts'
import { asofQueries } from '../asof-queries.ts'
import { programQueries } from '../program-queries.ts'

/** Random queries of one to five steps, a third of them joins, some with custom state and timers. */
export const queries: fc.Arbitrary<StreamQuery> = fc.oneof(
  { weight: 6, arbitrary: queryShape.map(queryOf) },
  { weight: 3, arbitrary: joinShape.map(joinQueryOf) },
  { weight: 1, arbitrary: asofQueries },
  { weight: 1, arbitrary: programQueries },
)

/** A query with 50 to 500 rows, in few arrivals: steps are what takes time, and rows are what makes state. */
const cases: fc.Arbitrary<CrashCase> = queries.chain((query) => {
  const arrival = fc.tuple(
    ...query.inputs.map(({ row }) => fc.array(row, { minLength: 20, maxLength: 60, size: 'max' })),
  )
  return fc.record({
    query: fc.constant(query),
    arrivals: fc.array(arrival, { minLength: 2, maxLength: 4 }),
    ...randomSettings,
    epochsInFlight: fc.integer({ min: 1, max: 3 }),
  })
})

/** The random pipeline of a seed, and what it is made of. */
export function randomPipeline(seed: number): {
  readonly pipeline: CrashPipeline
  readonly one: CrashCase
} {
  const [one] = fc.sample(cases, { seed, numRuns: 1 })
  if (one === undefined) throw new Error('a sample of one has one')
  return { one, pipeline: pipelineOf(one, {}) }
}
