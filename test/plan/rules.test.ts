import { expect, test } from 'vitest'
import { booleanType, intType, stringType } from '../../src/batch/schema.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { conjunction, conjuncts } from '../../src/plan/conditions.ts'
import {
  inputsOf,
  type LogicalPlan,
  scanSchema,
  scansOf,
  schemaOf,
} from '../../src/plan/logical.ts'
import { mergeFilters } from '../../src/plan/rules/merge-filters.ts'
import { mergeProjects } from '../../src/plan/rules/merge-projects.ts'
import { pruneColumns } from '../../src/plan/rules/prune-columns.ts'
import { pushFilter } from '../../src/plan/rules/push-filter.ts'
import { shareScans } from '../../src/plan/rules/share-scans.ts'
import { wantRows } from '../../src/plan/rules/want-rows.ts'
import {
  arrayType,
  call,
  clicks,
  column,
  constant,
  counted,
  filter,
  greater,
  project,
  scan,
  sessions,
  sorted,
  union,
  watermark,
  windowed,
} from './plans.ts'

const rows = scan('clicks')
const price = column(rows, 'price')
const dear = greater(price, constant(10))
const named: Expression = call(
  '=',
  [column(rows, 'user'), constant('ann', stringType)],
  booleanType,
)
/** Raises an error for a price of 0. */
const risky = greater(call('/', [constant(1), price], intType), constant(0))

/** The kinds of nodes from the top down, first inputs only. */
function kinds(plan: LogicalPlan): readonly string[] {
  const [input] = inputsOf(plan)
  return input === undefined ? [plan.kind] : [plan.kind, ...kinds(input)]
}

test('two filters become one whose inner condition comes first', () => {
  const merged = mergeFilters(filter(filter(rows, dear), named))
  expect(merged).toEqual(filter(rows, conjunction([dear, named])))
})

test('a filter that may raise an error is not merged with one that may be NULL', () => {
  const plan = filter(filter(rows, dear), risky)
  expect(mergeFilters(plan)).toBe(plan)
})

test('a filter sinks below what only adds columns', () => {
  expect(kinds(pushFilter(filter(windowed(rows, 'at'), dear)))).toEqual([
    'window',
    'filter',
    'scan',
  ])
  expect(kinds(pushFilter(filter(sorted(rows, 'at'), dear)))).toEqual(['sort', 'filter', 'scan'])
  const twice = pushFilter(filter(union(rows, scan('others')), dear))
  expect(twice.kind === 'union' && twice.inputs.map((input) => input.kind)).toEqual([
    'filter',
    'filter',
  ])
})

test('a filter over the window itself stays above it', () => {
  const plan = windowed(rows, 'at')
  const onWindow = filter(plan, call('isnotnull', [column(plan, 'window')], booleanType))
  expect(pushFilter(onWindow)).toBe(onWindow)
})

test('a filter sinks through a projection under the names below it', () => {
  const projected = project(rows, 'price', 'user')
  const pushed = pushFilter(filter(projected, greater(column(projected, 'price'), constant(10))))
  expect(pushed).toEqual(project(filter(rows, dear), 'price', 'user'))
})

test('a filter over a computed column stays, so that nothing is computed twice', () => {
  const half = call('/', [price, constant(2)], intType)
  const projected: LogicalPlan = {
    kind: 'project',
    input: rows,
    columns: [{ name: 'half', expression: half }],
  }
  const plan = filter(projected, greater(column(projected, 'half'), constant(1)))
  expect(pushFilter(plan)).toBe(plan)
})

test('a filter never sinks below a watermark, an aggregation or a limit', () => {
  for (const below of [
    watermark(rows, 'at'),
    counted(rows, 'price'),
    { kind: 'limit', input: rows, count: 3 } as const,
  ]) {
    const plan = filter(below, greater(column(below, 'price'), constant(1)))
    expect(pushFilter(plan)).toBe(plan)
  }
})

test('only the conditions that can sink do, and none overtakes its guard', () => {
  const plan = windowed(rows, 'at')
  const onWindow = call('isnotnull', [column(plan, 'window')], booleanType)
  const pushed = pushFilter(filter(plan, conjunction([onWindow, dear])))
  expect(kinds(pushed)).toEqual(['filter', 'window', 'filter', 'scan'])
  const guarded = filter(plan, conjunction([onWindow, risky]))
  expect(pushFilter(guarded)).toBe(guarded)
})

test('what can raise an error is not tried below a step that drops rows', () => {
  const lists = scan('lists', [
    ...clicks,
    { name: 'list', type: arrayType(intType), nullable: true },
  ])
  const element = { name: 'col', type: intType, nullable: true }
  const exploded: LogicalPlan = {
    kind: 'generate',
    input: lists,
    expression: column(lists, 'list'),
    outer: false,
    withPosition: false,
    columns: [element],
  }
  const joined: LogicalPlan = {
    kind: 'join',
    left: rows,
    right: scan('others'),
    type: 'inner',
    keys: [{ left: column(rows, 'user'), right: column(rows, 'user'), nullSafe: false }],
  }
  for (const below of [exploded, windowed(rows, 'at'), sessions(rows, 'at'), joined]) {
    const plan = filter(below, risky)
    expect(pushFilter(plan)).toBe(plan)
    expect(pushFilter(filter(below, dear)).kind).toBe(below.kind)
  }
})

test('a projection of a projection becomes one', () => {
  const inner: LogicalPlan = {
    kind: 'project',
    input: rows,
    columns: [
      { name: 'user', expression: column(rows, 'user') },
      { name: 'double', expression: call('*', [price, constant(2)], intType) },
    ],
  }
  const once = mergeProjects(project(inner, 'double'))
  expect(kinds(once)).toEqual(['project', 'scan'])
  expect(schemaOf(once).map((field) => field.name)).toEqual(['double'])
  const double = column(inner, 'double')
  const twice: LogicalPlan = {
    kind: 'project',
    input: inner,
    columns: [{ name: 'square', expression: call('*', [double, double], intType) }],
  }
  expect(mergeProjects(twice)).toBe(twice)
})

test('a projection that changes nothing goes away, one that renames does not', () => {
  expect(mergeProjects(project(rows, 'user', 'at', 'price'))).toBe(rows)
  const renamed: LogicalPlan = {
    kind: 'project',
    input: scan('one', [{ name: 'a', type: intType, nullable: true }]),
    columns: [
      {
        name: 'b',
        expression: { kind: 'column', index: 0, name: 'a', type: intType, nullable: true },
      },
    ],
  }
  expect(mergeProjects(renamed)).toBe(renamed)
})

test('a scan decodes only the columns that are read, and keeps its whole schema', () => {
  const pruned = pruneColumns(counted(filter(rows, dear), 'user'))
  const [scanned] = scansOf(pruned)
  expect(scanned?.columns).toEqual([0, 2])
  expect(scanned?.schema).toBe(clicks)
  expect(scanned && scanSchema(scanned).map((field) => field.name)).toEqual(['user', 'price'])
})

test('columns that move are found again, below windows too', () => {
  const pruned = pruneColumns(counted(windowed(watermark(rows, 'at'), 'at'), 'window', 'price'))
  expect(kinds(pruned)).toEqual(['aggregate', 'window', 'watermark', 'scan'])
  const [scanned] = scansOf(pruned)
  expect(scanned?.columns).toEqual([1, 2])
  expect(pruned.kind === 'aggregate' && pruned.keys.map(({ expression }) => expression)).toEqual([
    expect.objectContaining({ index: 2 }),
    expect.objectContaining({ index: 1 }),
  ])
})

test('a scan of which nothing is read keeps its cheapest column', () => {
  const [scanned] = scansOf(pruneColumns(counted(rows)))
  expect(scanned?.columns).toEqual([1])
})

test('the inputs of a union keep the same columns at the same places', () => {
  const left = filter(rows, dear)
  const pruned = pruneColumns(counted(union(left, scan('others')), 'user'))
  const inputs =
    pruned.kind === 'aggregate' && pruned.input.kind === 'union' ? pruned.input.inputs : []
  expect(inputs.map((input) => schemaOf(input).map((field) => field.name))).toEqual([
    ['user'],
    ['user'],
  ])
})

test('a plan that reads everything comes back itself', () => {
  const plan = filter(rows, dear)
  expect(pruneColumns(plan)).toBe(plan)
  const needed = pruneColumns(counted(plan, 'user'))
  expect(pruneColumns(needed)).toBe(needed)
})

test('conditions come apart and together in the same order', () => {
  const all = [dear, named, risky]
  expect(conjuncts(conjunction(all))).toEqual(all)
})

test('a watermark goes below the choice of columns of a shared scan, and below no step of the user', () => {
  const some: LogicalPlan = { ...rows, columns: [0, 1] }
  const shared = shareScans(union(watermark(some, 'at'), project(rows, 'price', 'at', 'user')))
  expect(inputsOf(shared).map(kinds)).toEqual([
    ['project', 'watermark', 'scan'],
    ['project', 'scan'],
  ])
  const renamed: LogicalPlan = {
    kind: 'project',
    input: rows,
    columns: [{ name: 'seen', expression: column(rows, 'at') }],
  }
  const plan = union(watermark(renamed, 'seen'), renamed)
  expect(shareScans(plan)).toBe(plan)
  const alone: LogicalPlan = union(watermark(project(scan('other'), 'at'), 'at'), rows, rows)
  expect(inputsOf(shareScans(alone)).map(kinds)[0]).toEqual(['watermark', 'project', 'scan'])
})

test('a scan is told which values its readers keep, up to a condition that may raise an error', () => {
  const wantedIn = (plan: LogicalPlan) => scansOf(wantRows(plan)).map(({ wanted }) => wanted)
  const isAnn = { column: 'user', values: ['ann'] }
  const priceIs = (...values: readonly (number | null)[]) =>
    call('in', [price, ...values.map((value) => constant(value))], booleanType)
  expect(wantedIn(filter(rows, conjunction([dear, named, priceIs(1, null)])))).toEqual([
    [isAnn, { column: 'price', values: [1] }],
  ])
  expect(wantedIn(filter(rows, conjunction([named, risky, priceIs(1)])))).toEqual([[isAnn]])
  const turned = call('=', [constant('ann', stringType), column(rows, 'user')], booleanType)
  expect(wantedIn(filter(rows, turned))).toEqual([[isAnn]])
  const either = call('or', [named, priceIs(1)], booleanType)
  const columns = call('=', [price, price], booleanType)
  for (const other of [dear, either, columns])
    expect(wantedIn(filter(rows, other))).toEqual([undefined])
  expect(wantedIn(filter(watermark(rows, 'at'), named))).toEqual([undefined])
})

test('a row that one of several readers keeps is wanted', () => {
  const priceIs = (value: number) => call('=', [price, constant(value)], booleanType)
  const both = union(filter(rows, conjunction([named, priceIs(1)])), filter(rows, priceIs(2)))
  const wanted = [{ column: 'price', values: [1, 2] }]
  expect(scansOf(wantRows(both)).map((each) => each.wanted)).toEqual([wanted, wanted])
  for (const all of [rows, watermark(rows, 'at'), filter(rows, dear)]) {
    const plan = union(filter(rows, priceIs(1)), all)
    expect(scansOf(wantRows(plan)).map((each) => each.wanted)).toEqual([undefined, undefined])
  }
})
