import { reasonOf, StreamError } from '../../src/core/error.ts'
import type { StreamingQueryProgress } from '../../src/dataframe/progress.ts'
import { type Case, type CaseRow, nodesOf, type Step } from './case.ts'
import type { CaseQuery } from './case-query.ts'
import { nextWatermarkMs } from './next-watermark.ts'
import { isLifted, refusalOf } from './refusals.ts'
import { difference } from './rows.ts'

/** What a step found wrong, with what was expected and what is; nothing when all is well. */
export type Problem = string | undefined

/** True of epochs that read rows. */
export function hasInput({ numInputRows }: StreamingQueryProgress): boolean {
  return numInputRows > 0
}

/** The rows of an expectation. */
export function rowList({ rows }: Step): readonly CaseRow[] {
  return Array.isArray(rows) ? rows : []
}

export function differs(what: string, expected: unknown, actual: unknown): Problem {
  const left = JSON.stringify(expected)
  const right = JSON.stringify(actual)
  return left === right ? undefined : `${what}: expected ${left}, actual ${right}`
}

export function firstOf(problems: readonly Problem[]): Problem {
  return problems.find((problem) => problem !== undefined)
}

/** The epochs of the latest run that read rows, one after the other. */
export function expectBatches(step: Step, query: CaseQuery): Problem {
  const epochs = (query.current?.recentProgress ?? []).filter(hasInput)
  const actual = epochs.map(({ batchId }) => query.results.of(batchId))
  const expected = rowList(step)
  return (
    differs('epochs with input', expected.length, actual.length) ??
    firstOf(expected.map((rows, index) => difference(batchRows(rows), actual[index] ?? [])))
  )
}

/** One entry of `expect_batches` is a list of rows. */
function batchRows(rows: CaseRow): readonly CaseRow[] {
  return rows.flatMap((row) => (Array.isArray(row) ? [row] : []))
}

export async function expectWatermark(
  { ms }: Step,
  subject: Case,
  query: CaseQuery,
): Promise<Problem> {
  return differs('watermark', ms, await nextEpochMillis(subject, query))
}

/** The watermark of the query that the next epoch will use, milliseconds. */
export async function nextEpochMillis(
  { query: { plan, options } }: Case,
  query: CaseQuery,
): Promise<number | undefined> {
  const nodeCount = nodesOf(plan).filter(({ op }) => op === 'watermark').length
  const policy = options.watermark_policy ?? 'min'
  // A maximum over several nodes would hide an engine that takes the minimum, so there what the last
  // epoch used counts: these cases always run one more.
  return nodeCount > 1 && policy === 'max'
    ? millis(query.progress().at(-1)?.eventTime.watermark)
    : nextWatermarkMs(query.checkpoint, { policy, nodeCount })
}

export function expectEventTime(
  { last_data_batch: expected = {} }: Step,
  query: CaseQuery,
): Problem {
  const eventTime = query.progress().filter(hasInput).at(-1)?.eventTime ?? {}
  const actual: Readonly<Record<string, string | undefined>> = {
    min_ms: eventTime.min,
    max_ms: eventTime.max,
    avg_ms: eventTime.avg,
    watermark_used_ms: eventTime.watermark,
  }
  return firstOf(
    Object.entries(expected).map(([name, ms]) => differs(name, ms, millis(actual[name]))),
  )
}

function millis(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time)
}

/** Fields of the progress that the cases sum up. */
const sums = [
  { counter: 'updated', field: 'numRowsUpdated' },
  { counter: 'removed', field: 'numRowsRemoved' },
  { counter: 'dropped_by_watermark', field: 'numRowsDroppedByWatermark' },
] as const

/** Totals as of now, and the other counts over the progress from `countedUpTo` on. */
export function expectState(step: Step, query: CaseQuery, countedUpTo: number): Problem {
  const progress = query.progress()
  const isLastData = step.basis === 'last_data_batch'
  const counted = isLastData ? progress.filter(hasInput).slice(-1) : progress.slice(countedUpTo)
  const newest = (isLastData ? counted : progress).at(-1)?.stateOperators ?? []
  const totals = newest.map(({ numRowsTotal }) => numRowsTotal)
  // Spark's own book-keeping need not be copied, nor what its optimizer makes of a plan.
  if (step.optimizer_dependent !== undefined || step.accounting !== undefined) return undefined
  const total = step.total === undefined ? undefined : differs('total', step.total, totals)
  const others = sums.map(({ counter, field }) => {
    const expected = step[counter]
    const actual = expected?.map((_, operator) =>
      counted.reduce(
        (sum, { stateOperators }) => sum + (stateOperators[operator]?.[field] ?? 0),
        0,
      ),
    )
    return differs(counter, expected, actual)
  })
  const expected = step.duplicates_dropped
  const dropped = expected?.map((_, operator) =>
    counted.reduce(
      (sum, { stateOperators }) =>
        sum + (stateOperators[operator]?.customMetrics['numDroppedDuplicateRows'] ?? 0),
      0,
    ),
  )
  return firstOf([total, ...others, differs('duplicates_dropped', expected, dropped)])
}

/** A refusal for the reason that the case names; the wording is free. */
export function expectRefusal({ reason = '', mentions = [] }: Step, problem: unknown): Problem {
  if (isLifted(reason)) return problem === undefined ? undefined : reasonOf(problem)
  const { codes, about } = refusalOf(reason) ?? { codes: [] }
  const wanted = `${codes.join(' or ')} for ${reason}`
  if (problem === undefined) return `expected ${wanted}, actual no error`
  const fits =
    problem instanceof StreamError &&
    codes.includes(problem.code) &&
    about?.test(problem.message) !== false
  if (!fits) return `expected ${wanted}, actual ${reasonOf(problem)}`
  const unmentioned = mentions.find((word) => !reasonOf(problem).includes(word))
  return unmentioned === undefined ? undefined : `the error does not mention ${unmentioned}`
}
