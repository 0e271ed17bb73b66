import fc from 'fast-check'
import type { LawOptions } from './run-law.ts'
import { storageChoices } from './storage-choice.ts'
import { type StreamLawReport, streamLaw } from './stream-law.ts'
import type { StreamQuery } from './stream-query.ts'
import type { Arrival, Schedule } from './stream-run.ts'

/**
 * A streaming query gives what its batch twin gives. Over random rows (the arbitraries of the inputs,
 * cut into random epochs, some in flight at a time, with restarts on other numbers of lanes and every
 * interleaving of the actors drawn from the seed):
 *
 * - the epochs cover the input without gap or overlap, under the watermarks that the rules ask for;
 * - each epoch commits exactly the rows that the row-by-row reference gives for it;
 * - every row that came too late for some step is delivered once, with the name of the step;
 * - if no row came too late for any window, and the answer does not depend on the order of rows, the
 *   whole output is the answer of the same query over the same rows as a batch.
 *
 * @param queries one query, or an arbitrary that makes them
 * @throws LawFailure with the smallest stream that shows it
 */
export async function streamEqualsBatch(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: LawOptions = {},
): Promise<StreamLawReport> {
  const cases = oneOf(queries).chain((query) =>
    scheduleOf(query).map((schedule) => ({ query, schedule })),
  )
  return await streamLaw({ name: 'streamEqualsBatch', cases }, options)
}

/** One query, or whatever an arbitrary makes. */
export function oneOf(queries: StreamQuery | fc.Arbitrary<StreamQuery>): fc.Arbitrary<StreamQuery> {
  return 'query' in queries ? fc.constant(queries) : queries
}

/** Random arrivals for the inputs of a query. */
export function scheduleOf(query: StreamQuery): fc.Arbitrary<Schedule> {
  const arrival: fc.Arbitrary<Arrival> = fc.record({
    rows: fc.tuple(...query.inputs.map(({ row }) => withRepeats(row))),
    settles: fc.boolean(),
    lanesAfter: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 4, nil: undefined }),
  })
  return fc.record({
    arrivals: fc.array(arrival, { minLength: 1, maxLength: 6 }),
    lanes: fc.integer({ min: 1, max: 3 }),
    epochsInFlight: fc.integer({ min: 1, max: 3 }),
    ...storageChoices,
    seed: fc.integer({ min: 0 }),
  })
}

function withRepeats(
  row: fc.Arbitrary<readonly unknown[]>,
): fc.Arbitrary<readonly (readonly unknown[])[]> {
  const some = fc.array(row, { maxLength: 8 })
  return fc
    .tuple(some, fc.boolean())
    .map(([rows, repeats]) => (repeats ? [...rows, ...rows] : rows))
}
