import fc from 'fast-check'
import { type CrashCoverage, crashCoverage, stepKind } from './crash-coverage.ts'
import type { CrashPipeline } from './crash-life.ts'
import { CrashFailure, crashPoints } from './crash-points.ts'
import type { SinkUnderCrash, SourceUnderCrash } from './own-parts.ts'
import { type LawOptions, type LawRun, runLaw } from './run-law.ts'
import {
  type StorageChoice,
  storageChoices,
  storageConfig,
  storageTexts,
} from './storage-choice.ts'
import type { StreamQuery } from './stream-query.ts'

/** What is crashed, and how often. */
export interface ExactlyOnceOptions extends LawOptions {
  /** A sink of one's own under the query. Default: a table that keeps what was committed. */
  readonly sink?: () => SinkUnderCrash
  /** Sources of one's own, by number of the input. Default: streams in memory. */
  readonly sources?: readonly ((() => SourceUnderCrash) | undefined)[]
  /** Settings of the session, beside `lanes` and `epochsInFlight`, which are tried. */
  readonly config?: Readonly<Record<string, string | number>>
  /**
   * After every so manieth crash the process dies again while it comes up, before every so manieth step.
   * Default: after every 100th, before every 7th.
   */
  readonly again?: { readonly afterEvery: number; readonly every: number }
}

/** What was tried, all of it with success. */
export interface ExactlyOnceReport extends LawRun {
  readonly crashes: CrashCoverage
  readonly secondCrashes: CrashCoverage
}

/** A query with all the rows of a run, and how it is run. */
export interface CrashCase extends StorageChoice {
  readonly query: StreamQuery
  /** What arrives, one item after the other: for each input its rows. */
  readonly arrivals: readonly (readonly (readonly (readonly unknown[])[])[])[]
  readonly lanes: number
  readonly epochsInFlight: number
  /** Old epochs are deleted as soon as they may. */
  readonly forgets: boolean
  readonly seed: number
}

/**
 * Whatever the moment at which the process dies, every row counts once. For random rows the query runs once
 * to count its steps: each request to the disk and to the sink, each message between actors. Then, for each of
 * these steps, a new machine dies before it (its power fails, or the process alone is killed), comes up again
 * and runs to the end. Held against a row-by-row reference:
 *
 * - each epoch commits exactly the rows that the reference gives for the rows it read;
 * - what was visible stays visible, and nothing else ever is;
 * - no transaction, lock, hidden file or file of state is left over.
 *
 * A sink or a source of one's own takes part with all its requests to the disk, and with those that it tells
 * by `step`.
 *
 * @param queries one query, or an arbitrary that makes them
 * @throws LawFailure with the smallest input, the step before which the process died, and what led to it
 */
export async function exactlyOnce(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: ExactlyOnceOptions = {},
): Promise<ExactlyOnceReport> {
  const { again = { afterEvery: 100, every: 7 } } = options
  const given = 'query' in queries ? fc.constant(queries) : queries
  const crashes = crashCoverage()
  const secondCrashes = crashCoverage()
  let suspect: string | undefined
  const run = await runLaw(
    {
      name: 'exactlyOnce',
      cases: given.chain(caseOf),
      describe: caseText,
      async holds(one) {
        const only = suspect
        try {
          await crashPoints(pipelineOf(one, options), {
            seed: one.seed,
            secondAfterEvery: again.afterEvery,
            secondEvery: again.every,
            onCrash: (step, isSecond) => (isSecond ? secondCrashes : crashes).add(step),
            // A smaller input shows the same fault, or shows nothing.
            ...(only === undefined ? {} : { only: (name: string) => stepKind(name) === only }),
          })
        } catch (thrown) {
          if (thrown instanceof CrashFailure) suspect = stepKind(thrown.crashes[0]?.name ?? '')
          throw thrown
        }
      },
    },
    { runs: 5, ...options },
  )
  return { ...run, crashes, secondCrashes }
}

/** Random arrivals for a query. */
export function caseOf(query: StreamQuery): fc.Arbitrary<CrashCase> {
  return fc.record({
    query: fc.constant(query),
    arrivals: fc.array(
      fc.tuple(...query.inputs.map(({ row }) => fc.array(row, { maxLength: 6 }))),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    ...randomSettings,
  })
}

/** What of a case is not its query and its rows. */
export const randomSettings = {
  lanes: fc.integer({ min: 1, max: 2 }),
  epochsInFlight: fc.integer({ min: 1, max: 2 }),
  ...storageChoices,
  forgets: fc.boolean(),
  seed: fc.nat({ max: 0xffff }),
}

/** A case as a pipeline that can be run over and over. */
export function pipelineOf(
  one: CrashCase,
  { sink, sources, config = {} }: ExactlyOnceOptions,
): CrashPipeline {
  const { query, arrivals, lanes, epochsInFlight, forgets, hasSlowDisk } = one
  const storage = {
    // Few shards: what is done for each of them is the same.
    shards: 3,
    ...storageConfig(one),
    ...(forgets ? { minEpochsToRetain: 1, minRetention: 0 } : {}),
  }
  return {
    name: query.text ?? 'the query',
    schemas: query.inputs.map(({ schema }) => schema),
    arrivals,
    ...(query.tables === undefined ? {} : { tables: query.tables }),
    query: query.query,
    ...(query.reference === undefined ? {} : { reference: query.reference }),
    outputMode: query.outputMode,
    hasSlowDisk,
    config: { allowUnbounded: 'true', ...storage, ...config, lanes, epochsInFlight },
    ...(sink === undefined ? {} : { ownSink: sink }),
    ...(sources === undefined ? {} : { ownSources: sources }),
  }
}

/** A case as a person reads it. */
export function caseText(one: CrashCase): string {
  const { query, arrivals, lanes, epochsInFlight } = one
  const kinds = [...storageTexts(one), ...(one.forgets ? ['old epochs deleted'] : [])]
  const rows = arrivals.flatMap((inputs, arrival) =>
    inputs.flatMap((each, input) =>
      each.map((row) => `arrival ${arrival}, input ${input}: ${fc.stringify(row)}`),
    ),
  )
  return [
    ...(query.text === undefined ? [] : [query.text]),
    `${query.outputMode} mode, lanes: ${lanes}, epochs in flight: ${epochsInFlight}, ${[`rows: ${rows.length}`, ...kinds].join(', ')}`,
    ...rows,
  ].join('\n')
}
