import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOracle } from '../../properties/oracles/evaluate.ts'
import { intType, stringType, timestampType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { Column } from '../../src/dataframe/column.ts'
import {
  col,
  count,
  explode,
  explode_outer,
  lit,
  sum,
  upper,
  when,
  window,
} from '../../src/functions.ts'
import { analyze } from '../../src/plan/analyze.ts'
import { type JoinType, type LogicalPlan, type SaveMode, scansOf } from '../../src/plan/logical.ts'
import { optimize } from '../../src/plan/optimize.ts'
import type { UnresolvedPlan } from '../../src/plan/unresolved-plan.ts'
import { arrayType, scan, wantedRows } from './plans.ts'

const source: UnresolvedPlan = {
  kind: 'scan',
  scan: scan('in', [
    { name: 'a', type: intType, nullable: true },
    { name: 'b', type: intType, nullable: true },
    { name: 's', type: stringType, nullable: true },
    { name: 'at', type: timestampType, nullable: true },
    { name: 'list', type: arrayType(intType), nullable: true },
  ]),
}

/** Rows that a join may leave alone, among them one that its conditions must never see. */
const rates: UnresolvedPlan = {
  kind: 'scan',
  scan: scan(
    'rates',
    [
      { name: 'k', type: intType, nullable: true },
      { name: 'v', type: intType, nullable: true },
    ],
    false,
  ),
}
const rateRows: readonly (readonly Value[])[] = [
  [0, 2],
  [1, 5],
  [1, 9],
  [7, 0],
]

const small = fc.option(fc.integer({ min: -2, max: 3 }), { nil: null })
const row: fc.Arbitrary<readonly Value[]> = fc.tuple(
  small,
  small,
  fc.option(fc.constantFrom('x', 'Y', ''), { nil: null }),
  fc.option(
    fc.integer({ min: 0, max: 40 }).map((minutes) => minutes * 60_000_000),
    { nil: null },
  ),
  fc.option(fc.array(small, { maxLength: 3 }), { nil: null }),
)

const numbers: readonly Column[] = [
  col('a'),
  col('b'),
  lit(1),
  col('a').plus(col('b')),
  when(col('a').gt(0), col('b')).otherwise(2),
  lit(2).multiply(3),
]
const conditions: readonly Column[] = [
  col('a').gt(0),
  col('b').isNotNull(),
  col('a').gt(0).and(col('s').eq('x')),
  // Raises an error for b = 0, unless what stands before it keeps such rows away.
  col('b')
    .neq(0)
    .and(lit(6).divide(col('b')).gt(1)),
  col('s')
    .isNull()
    .or(col('a').lt(col('b'))),
  // Raises an error for b = 0, unless a step below keeps such rows away.
  lit(6).divide(col('b')).gt(1),
  upper(col('s')).eq('Y'),
  col('a').isin(0, 1),
  lit('x').eq(col('s')).and(col('b').eq(0)),
  lit(1).eq(1),
]

/** Of a row with one of `rates`. */
const pairConditions: readonly Column[] = [col('v').gt(col('b')), col('v').gt(2), col('s').eq('x')]
/** Raise errors. In the condition of a join they do so for rows without a partner, too, as in Spark. */
const riskyPairConditions: readonly Column[] = [
  lit(6).divide(col('v')).gt(1),
  lit(6).divide(col('b')).gt(1),
]

type Step = (input: UnresolvedPlan) => UnresolvedPlan

/** Steps that keep the columns a, b, s, at and list, so that any may follow any. */
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom(...conditions).map(
    (condition): Step =>
      (input) => ({
        kind: 'filter',
        input,
        predicate: condition.expression,
      }),
  ),
  fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...numbers)).map(
    ([name, { expression }]): Step =>
      (input) => ({
        kind: 'withColumns',
        input,
        columns: [{ name, expression }],
      }),
  ),
  fc.constant<Step>((input) => ({
    kind: 'withColumns',
    input,
    columns: [{ name: 'b', expression: explode_outer('list').expression }],
  })),
  fc.constant<Step>((input) => ({
    kind: 'withColumns',
    input,
    columns: [{ name: 'c', expression: explode('list').expression }],
  })),
  fc
    .record({
      type: fc.constantFrom<JoinType>('inner', 'leftOuter', 'leftSemi', 'leftAnti'),
      on: fc.subarray([...pairConditions]),
      where: fc.option(fc.constantFrom(...pairConditions, ...riskyPairConditions), {
        nil: undefined,
      }),
      // All pairs, with the condition in the filter.
      crossed: fc.boolean(),
    })
    .map(
      ({ type, on, where, crossed }): Step =>
        (input) => {
          const condition = [col('a').eq(col('k')), ...on].reduce((all, one) => all.and(one))
          const right = rates
          const all: UnresolvedPlan = { kind: 'join', left: input, right, type }
          const joined: UnresolvedPlan =
            type === 'inner' && crossed
              ? { kind: 'filter', input: all, predicate: condition.expression }
              : { ...all, condition: condition.expression }
          if (type === 'leftSemi' || type === 'leftAnti') return joined
          const kept: UnresolvedPlan =
            where === undefined
              ? joined
              : { kind: 'filter', input: joined, predicate: where.expression }
          return { kind: 'drop', input: kept, columns: ['k', 'v'] }
        },
    ),
  fc.constant<Step>((input) => ({
    kind: 'withColumns',
    input,
    columns: [{ name: 'w', expression: window('at', '10 minutes', '5 minutes').expression }],
  })),
  fc.constant<Step>((input) => ({ kind: 'union', inputs: [input, input], match: 'byPosition' })),
  fc.constant<Step>((input) => ({ kind: 'sort', input, keys: [col('a').desc().expression] })),
  fc.constant<Step>((input) => ({ kind: 'limit', input, count: 7 })),
  fc.constant<Step>((input) => ({ kind: 'drop', input, columns: ['w', 'c'] })),
)

const ends: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  (input) => input,
  (input) => ({ kind: 'select', input, columns: [col('s').expression] }),
  (input) => ({
    kind: 'aggregate',
    input,
    keys: [col('s').expression],
    aggregates: [sum('b').plus(count('*')).expression],
  }),
  (input) => ({
    kind: 'filter',
    input: {
      kind: 'aggregate',
      input: { kind: 'watermark', input, column: 'at', delay: '5 minutes' },
      keys: [window('at', '10 minutes').expression],
      aggregates: [count('a').alias('n').expression],
    },
    predicate: col('n').gt(1).expression,
  }),
)

/** The answers of two epochs, or the code of the error that ends them; the source leaves out what it may. */
function answers(plan: LogicalPlan, mode: SaveMode, all: readonly (readonly Value[])[]): unknown {
  const from = scansOf(plan).find((each) => each.source === 'in')
  const oracle = createOracle(plan, mode)
  const half = all.length >> 1
  const header = (number: number, watermark: number) => ({
    epoch: epoch(number),
    lateWatermark: micros(0),
    evictWatermark: micros(watermark),
    processingTime: micros(0),
    idle: [],
  })
  const given = (of: readonly (readonly Value[])[]) => (source: string) =>
    source === 'rates' ? rateRows : of
  return [
    oracle.epoch(header(0, 0), given(wantedRows(from, all.slice(0, half)))),
    oracle.epoch(header(1, 20 * 60_000_000), given(wantedRows(from, all.slice(half)))),
  ]
}

test('the optimised plan gives the same rows in the same order', () => {
  let changed = 0
  let compared = 0
  let leftOut = 0
  fc.assert(
    fc.property(
      fc.array(steps, { maxLength: 6 }),
      ends,
      fc.array(row, { maxLength: 12 }),
      fc.constantFrom<SaveMode>('append', 'update', 'complete'),
      (middle, end, rows, mode) => {
        const plan = analyze(
          end(middle.reduce<UnresolvedPlan>((input, step) => step(input), source)),
        )
        const better = optimize(plan)
        if (better !== plan) changed++
        const from = scansOf(better).find((each) => each.source === 'in')
        if (wantedRows(from, rows).length < rows.length) leftOut++
        let expected: unknown
        try {
          expected = answers(plan, mode, rows)
        } catch {
          // A plan that fails may be better off: its bad rows may now be filtered out first.
          return
        }
        compared++
        expect(answers(better, mode, rows)).toEqual(expected)
      },
    ),
    { numRuns: 1500 },
  )
  expect(changed).toBeGreaterThan(100)
  expect(compared).toBeGreaterThan(200)
  expect(leftOut).toBeGreaterThan(50)
})

test('what is optimised once stays as it is', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 6 }), ends, (middle, end) => {
      const once = optimize(
        analyze(end(middle.reduce<UnresolvedPlan>((input, step) => step(input), source))),
      )
      expect(optimize(once)).toBe(once)
    }),
    { numRuns: 200 },
  )
})

test('a constant that raises an error is left for the row that gets there', () => {
  const predicate = lit(1).divide(0).gt(col('a')).expression
  const plan = optimize(analyze({ kind: 'filter', input: source, predicate }))
  expect(plan.kind).toBe('filter')
  expect(optimize(plan)).toBe(plan)
})
