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

/** How much arrives. */
export interface CaseSize {
  readonly arrivals: { readonly minLength: number; readonly maxLength: number }
  /** Of each input in each arrival. */
  readonly rows: { readonly minLength: number; readonly maxLength: number }
}

/** 50 to 500 rows in few arrivals: steps are what takes time, and rows are what makes state. */
const fewArrivals: CaseSize = {
  arrivals: { minLength: 2, maxLength: 4 },
  rows: { minLength: 20, maxLength: 60 },
}

/** A snapshot stands in a checkpoint only some epochs later. */
const manyArrivals: CaseSize = {
  arrivals: { minLength: 5, maxLength: 7 },
  rows: { minLength: 10, maxLength: 14 },
}

/** Where requests are what takes time, to a disk or to a broker. */
export const fewRows: readonly CaseSize[] = [
  { arrivals: { minLength: 1, maxLength: 3 }, rows: { minLength: 4, maxLength: 16 } },
]

/** The random case of a seed. Always with several epochs in flight, as nothing less goes wrong in them. */
export function randomCase(
  seed: number,
  sizes: readonly CaseSize[] = [fewArrivals, fewArrivals, manyArrivals],
): CrashCase {
  const sized = fc.tuple(queries, fc.constantFrom(...sizes))
  const cases = sized.chain(([query, { arrivals, rows }]) => {
    const arrival = query.inputs.map(({ row }) => fc.array(row, { ...rows, size: 'max' }))
    return fc.record({
      query: fc.constant(query),
      arrivals: fc.array(fc.tuple(...arrival), arrivals),
      ...randomSettings,
      epochsInFlight: fc.integer({ min: 2, max: 3 }),
    })
  })
  const [one] = fc.sample(cases, { seed, numRuns: 1 })
  if (one === undefined) throw new Error('a sample of one has one')
  return one
}

/** The random pipeline of a seed, and what it is made of. */
export function randomPipeline(
  seed: number,
  sizes?: readonly CaseSize[],
): { readonly pipeline: CrashPipeline; readonly one: CrashCase } {
  const one = randomCase(seed, sizes)
  return { one, pipeline: pipelineOf(one, {}) }
}
