import fc from 'fast-check'
import { optimize } from '../../src/plan/optimize.ts'
import { checkHeaders, expectedEpochs, lateRowsOf } from './expected-epochs.ts'
import { mustBeLateRows } from './late-rows.ts'
import { mustBeSameRows } from './same-rows.ts'
import type { StreamQuery } from './stream-query.ts'
import {
  type Arrival,
  rowsOfAll,
  runStream,
  type Schedule,
  type StreamOutcome,
} from './stream-run.ts'

/** How many streams, and from which seed; a failure prints its seed and the smallest stream that fails. */
export interface StreamLawOptions {
  /** Default 100. */
  readonly runs?: number
  readonly seed?: number
}

/** What the law has seen. */
export interface StreamLawReport {
  readonly streams: number
  readonly epochs: number
  readonly rows: number
  readonly lateRows: number
  readonly restarts: number
  /** Streams without loss, whose whole output was compared with the batch answer. */
  readonly comparedWithBatch: number
}

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
 * @throws Error with the seed and the smallest failing stream
 */
export async function streamEqualsBatch(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  { runs = 100, seed }: StreamLawOptions = {},
): Promise<StreamLawReport> {
  const report = { streams: 0, epochs: 0, rows: 0, lateRows: 0, restarts: 0, comparedWithBatch: 0 }
  const given = 'query' in queries ? fc.constant(queries) : queries
  const streams = given.chain((query) =>
    scheduleOf(query).map((schedule) => printable(query, schedule)),
  )
  const law = fc.asyncProperty(streams, async ({ query, schedule }) => {
    const outcome = await runStream(query, schedule)
    const { lateRows, compared } = check(query, outcome)
    report.streams += 1
    report.epochs += outcome.headers.length
    report.rows += schedule.arrivals.flatMap(({ rows }) => rows.flat()).length
    report.lateRows += lateRows
    report.restarts += schedule.arrivals.filter((each) => each.lanesAfter !== undefined).length
    report.comparedWithBatch += compared ? 1 : 0
  })
  await fc.assert(law, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
  return report
}

/** Of a query only its description can be read. */
function printable(query: StreamQuery, schedule: Schedule) {
  const text = (): string => `${query.text ?? 'the query'} over ${fc.stringify(schedule)}`
  return { query, schedule, [fc.toStringMethod]: text }
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

function check(
  { outputMode: mode, dependsOnOrder = false }: StreamQuery,
  { plan, inputs, headers, committed, batchAnswer, lateLines }: StreamOutcome,
): { readonly lateRows: number; readonly compared: boolean } {
  checkHeaders(plan, headers, inputs)
  const expected = expectedEpochs(plan, mode, headers, inputs)
  const epochs = committed.map(({ epoch }) => epoch)
  if (epochs.join() !== headers.map(({ epoch }) => epoch).join()) {
    throw new Error(`${headers.length} epochs were decided, and committed were ${epochs.join()}`)
  }
  committed.forEach(({ epoch, batches }, index) => {
    mustBeSameRows(`epoch ${epoch}`, rowsOfAll(batches), expected.epochs[index] ?? [])
  })
  const { lateRows, lost } = expected
  // Late rows have the columns that the query reads, and come to operators in its own order of steps.
  const optimized = optimize(plan)
  mustBeLateRows(optimized, lateLines, lateRowsOf(optimized, mode, headers, inputs))
  if (lost || dependsOnOrder || mode === 'update') return { lateRows, compared: false }
  const output = mode === 'append' ? committed : committed.slice(-1)
  // A stream without any epoch has said nothing, where a batch counts zero rows.
  if (output.length === 0) return { lateRows, compared: false }
  const rows = output.flatMap(({ batches }) => rowsOfAll(batches))
  mustBeSameRows('the whole output against the batch answer', rows, batchAnswer)
  return { lateRows, compared: true }
}
