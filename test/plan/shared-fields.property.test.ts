import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOracle } from '../../properties/oracles/evaluate.ts'
import {
  type DataType,
  intType,
  type Schema,
  stringType,
  timestampType,
} from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { Column } from '../../src/dataframe/column.ts'
import { col, count, lit } from '../../src/functions.ts'
import { analyze } from '../../src/plan/analyze.ts'
import { type LogicalPlan, scanSchema, scansOf } from '../../src/plan/logical.ts'
import { optimize } from '../../src/plan/optimize.ts'
import type { UnresolvedPlan } from '../../src/plan/unresolved-plan.ts'
import { scan, wantedRows } from './plans.ts'

const structOf = (fields: Readonly<Record<string, DataType>>): DataType => ({
  kind: 'struct',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type, nullable: true })),
})
const columns: Schema = [
  { name: 'kind', type: intType, nullable: true },
  { name: 'at', type: timestampType, nullable: true },
  { name: 'p', type: structOf({ x: intType, y: stringType, z: intType }), nullable: true },
  { name: 'q', type: structOf({ w: intType, x: intType, y: stringType }), nullable: true },
]
/** One stream, wherever it stands. */
const source: UnresolvedPlan = {
  kind: 'scan',
  scan: { ...scan('in', columns), fieldsByName: true },
}

const filters: readonly Column[] = [
  col('kind').gt(0),
  col('p.x').gt(0),
  col('q.w').isNotNull(),
  col('p').isNotNull(),
  col('q.y').eq('a'),
]
/** Mostly the readers of a stream want some kinds of its rows. */
const kinds: readonly (Column | undefined)[] = [
  col('kind').eq(1),
  lit(0).eq(col('kind')),
  col('kind').isin(0, 2, null),
  undefined,
]
const numbers = ['kind', 'p.x', 'p.z', 'q.w', 'q.x'] as const
/** A struct as text is read whole. */
const texts = ['p.y', 'q.y', 'p'] as const

/** Everything that reads the stream gives the columns a and b. */
const reader: fc.Arbitrary<UnresolvedPlan> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    where: fc.subarray([...filters], { maxLength: 2 }),
    // Behind a limit the fields that are read above cannot be told at the scan.
    limited: fc.integer({ max: 5, min: 0 }).map((value) => value === 0),
    // Above how many of the filters a watermark stands, if there is one.
    marked: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
    number: fc.constantFrom(...numbers),
    text: fc.constantFrom(...texts, undefined),
    grouped: fc.boolean(),
  })
  .map(({ kind, where: others, limited, marked, number, text, grouped }) => {
    const where = kind === undefined ? others : [kind, ...others]
    const from: UnresolvedPlan = limited ? { kind: 'limit', input: source, count: 100 } : source
    const watermark = (input: UnresolvedPlan): UnresolvedPlan => ({
      kind: 'watermark',
      input,
      column: 'at',
      delay: '1 second',
    })
    const below = marked === undefined ? where : where.slice(0, marked)
    const filtered = (input: UnresolvedPlan, conditions: readonly Column[]) =>
      conditions.reduce<UnresolvedPlan>(
        (each, { expression: predicate }) => ({ kind: 'filter', input: each, predicate }),
        input,
      )
    const lower = filtered(from, below)
    const input =
      marked === undefined ? lower : filtered(watermark(lower), where.slice(below.length))
    const a = col(number).alias('a').expression
    const b = (text === undefined ? lit('-') : col(text).cast('string')).alias('b').expression
    if (!grouped) return { kind: 'select', input, columns: [a, b] }
    const n = count(text ?? 'kind').alias('b')
    const groups: UnresolvedPlan = {
      kind: 'aggregate',
      input,
      keys: [a],
      aggregates: [n.expression],
    }
    return {
      kind: 'select',
      input: groups,
      columns: [col('a').expression, col('b').cast('string').expression],
    }
  })

const plans: fc.Arbitrary<UnresolvedPlan> = fc.oneof(
  reader,
  fc
    .array(reader, { minLength: 2, maxLength: 3 })
    .map((inputs): UnresolvedPlan => ({ kind: 'union', inputs, match: 'byPosition' })),
  fc.tuple(reader, reader).map(
    ([left, right]): UnresolvedPlan => ({
      kind: 'join',
      left,
      right,
      type: 'inner',
      using: ['a'],
    }),
  ),
)

const small = fc.option(fc.integer({ min: -1, max: 2 }), { nil: null })
const text = fc.option(fc.constantFrom('a', 'b'), { nil: null })
const rows: fc.Arbitrary<readonly (readonly Value[])[]> = fc.array(
  fc.tuple(
    small,
    fc.option(
      fc.nat({ max: 3 }).map((second) => second * 1_000_000),
      { nil: null },
    ),
    fc.option(fc.tuple(small, text, small), { nil: null }),
    fc.option(fc.tuple(small, small, text), { nil: null }),
  ),
  { maxLength: 12 },
)

/** What the plan answers when its source gives only the rows and the fields that the plan asks for. */
function answer(plan: LogicalPlan, given: readonly (readonly Value[])[]): unknown {
  const [first] = scansOf(plan)
  const header = {
    epoch: epoch(0),
    lateWatermark: micros(0),
    evictWatermark: micros(0),
    processingTime: micros(0),
    idle: [],
  }
  const narrowed = wantedRows(first, given).map((row) =>
    columns.map((column, at) => narrow(row[at] ?? null, column.type, first?.schema[at]?.type)),
  )
  const printed = createOracle(plan, 'update')
    .epoch(header, () => narrowed)
    .map((row) => row.map(String).join('|'))
  return printed.sort()
}

function narrow(value: Value, from: DataType, to: DataType | undefined): Value {
  if (value === null || from.kind !== 'struct' || to?.kind !== 'struct') return value
  const names = from.fields.map(({ name }) => name)
  return to.fields.map(({ name }) => (value as readonly Value[])[names.indexOf(name)] ?? null)
}

test('all readers of a stream get the fields that one of them reads, and answer the same', () => {
  let narrower = 0
  let marked = 0
  let shared = 0
  let leftOut = 0
  fc.assert(
    fc.property(plans, rows, (unresolved, given) => {
      const plan = analyze(unresolved)
      const better = optimize(plan)
      expect(answer(better, given)).toEqual(answer(plan, given))
      const scans = scansOf(better)
      const asked = scans.map((each) => JSON.stringify([scanSchema(each), each.wanted]))
      expect(new Set(asked).size).toBe(1)
      if (scans.length > 1 && wantedRows(scans[0], given).length < given.length) leftOut++
      if (JSON.stringify(scans[0]?.schema) === JSON.stringify(columns)) return
      narrower++
      if (JSON.stringify(better).includes('"kind":"watermark"')) marked++
      if (scans.length > 1) shared++
    }),
    { numRuns: 500 },
  )
  expect(narrower).toBeGreaterThan(100)
  expect(shared).toBeGreaterThan(50)
  expect(marked).toBeGreaterThan(50)
  expect(leftOut).toBeGreaterThan(10)
})
