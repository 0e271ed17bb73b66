import fc from 'fast-check'
import type { LawOptions } from './run-law.ts'
import { oneOf, scheduleOf } from './stream-equals-batch.ts'
import { type StreamLawReport, streamLaw } from './stream-law.ts'
import type { StreamQuery } from './stream-query.ts'

/** How many lanes a query is restarted with. */
const laneCounts = [1, 2, 3, 8] as const

/**
 * A query gives the same whatever its parallelism, and however often that changes: over random rows it stops
 * after each arrival and goes on with 1, 2, 3 or 8 lanes, and is held to all that `streamEqualsBatch` claims.
 *
 * @param queries one query, or an arbitrary that makes them
 * @throws LawFailure with the smallest stream that shows it
 */
export async function rescale(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: LawOptions = {},
): Promise<StreamLawReport> {
  const lanes = fc.constantFrom(...laneCounts)
  const cases = oneOf(queries).chain((query) =>
    scheduleOf(query).chain((schedule) => {
      const { length } = schedule.arrivals
      return fc.array(lanes, { minLength: length + 1, maxLength: length + 1 }).map((counts) => ({
        query,
        schedule: {
          ...schedule,
          lanes: counts[length] ?? 1,
          arrivals: schedule.arrivals.map((arrival, at) => ({
            ...arrival,
            lanesAfter: counts[at],
          })),
        },
      }))
    }),
  )
  return await streamLaw({ name: 'rescale', cases }, { runs: 50, ...options })
}
