import type { Case, Step } from './case.ts'
import type { CaseQuery } from './case-query.ts'
import { differs, firstOf, nextEpochMillis, type Problem } from './expectations.ts'

/** Rows that a join keeps of each side, as of the last epoch. */
export function expectJoinState({ op, left, right }: Step, query: CaseQuery): Problem {
  const operators = query.progress().at(-1)?.stateOperators ?? []
  const joins = operators.filter(({ operatorName }) => operatorName === 'symmetricHashJoin')
  const { customMetrics = {} } = (op === undefined ? joins[0] : operators[op]) ?? {}
  return firstOf([
    left === undefined ? undefined : differs('left rows', left, customMetrics['numLeftRows'] ?? 0),
    right === undefined
      ? undefined
      : differs('right rows', right, customMetrics['numRightRows'] ?? 0),
  ])
}

/**
 * The watermarks of each stateful operator in the empty epoch that follows when the watermark has moved;
 * if that epoch would change nothing it was not run, and what it would have seen is worked out here.
 */
export async function expectOperatorWatermarks(
  { ops = [] }: Step,
  subject: Case,
  query: CaseQuery,
): Promise<Problem> {
  const last = query.progress().at(-1)
  const next = ((await nextEpochMillis(subject, query)) ?? 0) * 1000
  const used = Date.parse(last?.eventTime.watermark ?? '') * 1000
  const actual = (last?.stateOperators ?? []).map(({ watermarks }) => {
    const { late = 0, evict = 0, shift = 0 } = watermarks ?? {}
    return next > used
      ? { late_us: evict, evict_us: Math.max(0, next - shift) }
      : { late_us: late, evict_us: evict }
  })
  // What is late goes by the epoch before the last one, and so by where the rows were cut.
  const shown = (list: typeof ops) => (query.eachRow ? list.map((each) => each.evict_us) : list)
  return differs('watermarks of the operators', shown(ops), shown(actual))
}

/** What an operator makes of a watermark that reaches it. */
export function expectOutputWatermark(
  { op = 0, input_ms: input = 0, output_ms: output }: Step,
  query: CaseQuery,
): Problem {
  const { watermarks } = query.progress().at(-1)?.stateOperators[op] ?? {}
  const holds = (watermarks?.outputShift ?? 0) - (watermarks?.shift ?? 0)
  return differs('output watermark', output, input - holds / 1000)
}
