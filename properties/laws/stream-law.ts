import { type Arbitrary, stringify } from 'fast-check'
import { optimize } from '../../src/plan/optimize.ts'
import { checkHeaders, expectedEpochs, lateRowsOf } from './expected-epochs.ts'
import { mustBeLateRows } from './late-rows.ts'
import { type LawOptions, type LawRun, runLaw } from './run-law.ts'
import { mustBeSameRows } from './same-rows.ts'
import { storageTexts } from './storage-choice.ts'
import type { StreamQuery } from './stream-query.ts'
import { rowsOfAll, runStream, type Schedule, type StreamOutcome } from './stream-run.ts'

/** What a law over streams has seen. */
export interface StreamLawReport extends LawRun {
  readonly epochs: number
  readonly rows: number
  readonly lateRows: number
  readonly restarts: number
  /** Streams without loss, whose whole output was compared with the batch answer. */
  readonly comparedWithBatch: number
}

/** A query and one way in which its stream comes about. */
export interface StreamCase {
  readonly query: StreamQuery
  readonly schedule: Schedule
}

/** What a stream showed, for claims beyond those that hold for every stream. */
export interface StreamFinding {
  /** Rows that were late for some step. */
  readonly lateRows: number
  /** Some row was kept out of some result. */
  readonly lost: boolean
  /** The whole output was compared with the batch answer. */
  readonly compared: boolean
}

/** Holds every stream to the reference, to the batch answer where there is one, and to a claim of its own. */
export async function streamLaw<Case extends StreamCase>(
  law: {
    readonly name: string
    readonly cases: Arbitrary<Case>
    readonly claim?: (finding: StreamFinding, one: Case) => void
  },
  options: LawOptions,
): Promise<StreamLawReport> {
  const report = { epochs: 0, rows: 0, lateRows: 0, restarts: 0, comparedWithBatch: 0 }
  const holds = async (one: Case): Promise<void> => {
    const { query, schedule } = one
    const outcome = await runStream(query, schedule)
    const finding = check(query, outcome)
    law.claim?.(finding, one)
    report.epochs += outcome.headers.length
    report.rows += schedule.arrivals.flatMap(({ rows }) => rows.flat()).length
    report.lateRows += finding.lateRows
    report.restarts += schedule.arrivals.filter((each) => each.lanesAfter !== undefined).length
    report.comparedWithBatch += finding.compared ? 1 : 0
  }
  const { name, cases } = law
  const run = await runLaw({ name, cases, holds, describe: streamText }, options)
  return { ...run, ...report }
}

/** A stream as a person reads it. */
export function streamText({ query, schedule }: StreamCase): string {
  const { arrivals, lanes, epochsInFlight, seed } = schedule
  const rows = arrivals.flatMap((arrival) => arrival.rows.flat())
  const how = [
    `lanes: ${lanes}`,
    `epochs in flight: ${epochsInFlight}`,
    ...storageTexts(schedule),
    `interleaving ${seed}`,
  ].join(', ')
  return [
    ...(query.text === undefined ? [] : [query.text]),
    `${query.outputMode} mode, ${how}, rows: ${rows.length}`,
    ...arrivals.flatMap(({ rows: arriving, settles, lanesAfter }, arrival) => [
      ...arriving.flatMap((each, input) =>
        each.map((row) => `arrival ${arrival}, input ${input}: ${stringify(row)}`),
      ),
      ...(settles ? [`everything is taken in after arrival ${arrival}`] : []),
      ...(lanesAfter === undefined ? [] : [`then it starts again, lanes: ${lanesAfter}`]),
    ]),
  ].join('\n')
}

function check(
  { outputMode: mode, dependsOnOrder = false }: StreamQuery,
  { plan, inputs, headers, committed, batchAnswer, lateLines }: StreamOutcome,
): StreamFinding {
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
  if (lost || dependsOnOrder || mode === 'update') return { lateRows, lost, compared: false }
  const output = mode === 'append' ? committed : committed.slice(-1)
  // A stream without any epoch has said nothing, where a batch counts zero rows.
  if (output.length === 0) return { lateRows, lost, compared: false }
  const rows = output.flatMap(({ batches }) => rowsOfAll(batches))
  mustBeSameRows('the whole output against the batch answer', rows, batchAnswer)
  return { lateRows, lost, compared: true }
}
