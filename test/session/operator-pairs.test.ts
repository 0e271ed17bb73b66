import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { expectedEpochs } from '../../properties/laws/expected-epochs.ts'
import { mustBeSameRows } from '../../properties/laws/same-rows.ts'
import { scheduleOf } from '../../properties/laws/stream-equals-batch.ts'
import type { StreamInput, StreamQuery } from '../../properties/laws/stream-query.ts'
import { rowsOfAll, runStream } from '../../properties/laws/stream-run.ts'
import { StreamError } from '../../src/core/error.ts'
import { type DataFrame, Session } from '../../src/index.ts'
import { analyze } from '../../src/plan/analyze.ts'
import { checkStreaming } from '../../src/plan/streaming-rules.ts'
import { type Mode, modes, timed } from './matrix/cell.ts'
import { type Operator, operators } from './matrix/operators.ts'
import { sparkTakes } from './matrix/spark-rules.ts'

// Every stateful step behind every other, in every mode: what is taken gives what the reference gives,
// and where we differ from Spark in what is taken, it is on the list below.

const spark = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
afterAll(() => spark.stop())

const schema = 'user STRING, t TIMESTAMP, v INT'
const pairs = operators.flatMap((below) => operators.map((above) => [below, above] as const))

const build = (below: Operator, above: Operator, input: DataFrame, other: DataFrame): DataFrame =>
  above.apply(below.apply(timed(input), timed(other)), timed(other))

/** Undefined if the pair is taken in the mode. */
function refusal(below: Operator, above: Operator, mode: Mode): StreamError | undefined {
  try {
    const [input, other] = [spark.memoryStream(schema).toDF(), spark.memoryStream(schema).toDF()]
    checkStreaming(analyze(build(below, above, input, other).plan), mode)
    return undefined
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown
    throw thrown
  }
}

/** Where we refuse what Spark takes: patterns of `above behind below, mode`. */
const ours: readonly (readonly [RegExp, why: string])[] = [
  [
    /^distinct users behind (?:windows|times|users|sessions), (?:update|complete)$/,
    'each change of a group is a row, so the rule that Spark has for keys with a time holds without one',
  ],
  [
    /^(?:windows|times|users) behind mapGroupsWithState, update$/,
    'each change of a group would be counted; the guide of Spark forbids it, its check lets it pass',
  ],
  [
    /^distinct users behind flatMapGroupsWithState with event time, append$/,
    'Spark lets it pass as nothing is late there; one rule for everything with state is easier to keep',
  ],
]

const named = (below: Operator, above: Operator, mode: Mode): string =>
  `${above.name} behind ${below.name}, ${mode}`

test('what is taken is what Spark takes, but for what is said here', () => {
  const differences = modes.flatMap((mode) =>
    pairs.flatMap(([below, above]) => {
      const refused = refusal(below, above, mode)
      if ((refused === undefined) === sparkTakes(below, above, mode)) return []
      return [[named(below, above, mode), refused?.hint] as const]
    }),
  )
  const unexplained = differences.filter(([name]) => !ours.some(([pattern]) => pattern.test(name)))
  expect(unexplained).toEqual([])
  // All of them refuse, and say what to do; and none of the explanations is out of date.
  for (const [, hint] of differences) expect(hint).toMatch(/outputMode|transformWithState/)
  for (const [pattern] of ours) expect(differences.some(([name]) => pattern.test(name))).toBe(true)
})

/** Few users, half a minute: rows that meet, repeat and come late. */
const input: StreamInput = {
  schema,
  row: fc.tuple(
    fc.constantFrom('ada', 'bob', 'cid'),
    fc.integer({ min: 0, max: 30 }).map((second) => new Date(second * 1000)),
    fc.integer({ min: 0, max: 3 }),
  ),
}

/** When a key is forgotten depends on which of its rows was the first, and these come in any order. */
const hasNoOrder = (below: Operator, above: Operator): boolean =>
  above.name === 'distinct for a time' && !['deduplicate', 'limit'].includes(below.kind)

/** The reference knows only rules, not what a user wrote. */
const hasReference = (below: Operator, above: Operator): boolean =>
  below.kind !== 'own' && above.kind !== 'own'

const taken = modes.flatMap((mode) =>
  pairs.flatMap(([below, above]) =>
    sparkTakes(below, above, mode) &&
    !hasNoOrder(below, above) &&
    hasReference(below, above) &&
    !ours.some(([pattern]) => pattern.test(named(below, above, mode)))
      ? [[named(below, above, mode), below, above, mode] as const]
      : [],
  ),
)

test.each(taken)(
  '%s: what the reference gives',
  async (name, below, above, outputMode) => {
    const query: StreamQuery = {
      inputs: [input, input],
      query: ([first, second]) => {
        const result = build(below, above, first as DataFrame, second as DataFrame)
        const { shown } = above
        return shown === undefined ? result : result.selectExpr('1 AS one', ...shown)
      },
      outputMode,
      text: name,
    }
    // Not as a law that looks for the smallest failure: there are hundreds of them.
    for (const schedule of fc.sample(scheduleOf(query), { numRuns: 1, seed: 20_261_121 })) {
      const { plan, inputs, headers, committed } = await runStream(query, schedule)
      const expected = expectedEpochs(plan, outputMode, headers, inputs)
      committed.forEach(({ epoch, batches }, index) => {
        const what = `epoch ${epoch} of ${fc.stringify(schedule)}`
        mustBeSameRows(what, rowsOfAll(batches), expected.epochs[index] ?? [])
      })
    }
  },
  60_000,
)

test('there is something to take in every mode', () => {
  const counts = modes.map((mode) => taken.filter(([, , , each]) => each === mode).length)
  expect(counts.every((count) => count > 10)).toBe(true)
  console.log(
    `pairs of steps equal to their reference: ${modes.map((mode, at) => `${counts[at]} in ${mode}`).join(', ')}`,
  )
})
