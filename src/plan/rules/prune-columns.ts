import type { DataType } from '../../batch/schema.ts'
import { unreachable } from '../../core/error.ts'
import { columnsRead, moveColumns } from '../expressions.ts'
import {
  type Aggregate,
  type AsofJoin,
  type Deduplicate,
  type Join,
  keepsLeftOnly,
  type LogicalPlan,
  type Project,
  type Scan,
  scanSchema,
  schemaOf,
  type TopN,
  type Union,
} from '../logical.ts'

/** A plan with fewer columns, and where the ones that were asked for are now. */
interface Pruned {
  readonly plan: LogicalPlan
  readonly to: (index: number) => number
}

type Needed = ReadonlySet<number>

const stay = (index: number): number => index

/**
 * Columns that nobody reads are not computed, and not decoded. Works on a whole plan. What an
 * aggregation computes is left alone: its state must not depend on the steps after it.
 */
export function pruneColumns(plan: LogicalPlan): LogicalPlan {
  return prune(plan, new Set(schemaOf(plan).keys())).plan
}

function prune(plan: LogicalPlan, needed: Needed): Pruned {
  switch (plan.kind) {
    case 'scan':
      return pruneScan(plan, needed)
    case 'project':
      return pruneProject(plan, needed)
    case 'filter': {
      const { plan: input, to } = prune(plan.input, plus(needed, columnsRead(plan.predicate)))
      if (input === plan.input) return { plan, to }
      return { plan: { ...plan, input, predicate: moveColumns(plan.predicate, to) }, to }
    }
    case 'watermark': {
      const { plan: input, to } = prune(plan.input, plus(needed, [plan.column]))
      if (input === plan.input) return { plan, to }
      return { plan: { ...plan, input, column: to(plan.column) }, to }
    }
    case 'sort': {
      const read = plan.keys.flatMap((key) => [...columnsRead(key.expression)])
      const { plan: input, to } = prune(plan.input, plus(needed, read))
      if (input === plan.input) return { plan, to }
      const keys = plan.keys.map((key) => ({
        ...key,
        expression: moveColumns(key.expression, to),
      }))
      return { plan: { ...plan, input, keys }, to }
    }
    case 'topN':
      return pruneTopN(plan, needed)
    case 'deduplicate':
      return pruneDeduplicate(plan, needed)
    case 'limit': {
      const { plan: input, to } = prune(plan.input, needed)
      return { plan: input === plan.input ? plan : { ...plan, input }, to }
    }
    case 'generate': {
      const { input, to, behind } = pruneBehind(plan, needed, columnsRead(plan.expression))
      if (input === plan.input) return { plan, to: stay }
      return { plan: { ...plan, input, expression: moveColumns(plan.expression, to) }, to: behind }
    }
    case 'window': {
      const { input, to, behind } = pruneBehind(plan, needed, columnsRead(plan.time))
      if (input === plan.input) return { plan, to: stay }
      return { plan: { ...plan, input, time: moveColumns(plan.time, to) }, to: behind }
    }
    case 'session': {
      const read = [...columnsRead(plan.time), ...columnsRead(plan.gap)]
      const { input, to, behind } = pruneBehind(plan, needed, read)
      if (input === plan.input) return { plan, to: stay }
      const [time, gap] = [moveColumns(plan.time, to), moveColumns(plan.gap, to)]
      return { plan: { ...plan, input, time, gap }, to: behind }
    }
    case 'aggregate':
      return { plan: pruneAggregate(plan), to: stay }
    case 'join':
      return pruneJoin(plan, needed)
    case 'asofJoin':
      return pruneAsofJoin(plan, needed)
    case 'mapRows':
    case 'mapAsync':
    case 'own':
    case 'process': {
      // The function of the user may read every column.
      const { plan: input } = prune(plan.input, new Set(schemaOf(plan.input).keys()))
      return { plan: input === plan.input ? plan : { ...plan, input }, to: stay }
    }
    case 'union':
      return pruneUnion(plan, needed)
    default:
      return unreachable(plan)
  }
}

function pruneScan(plan: Scan, needed: Needed): Pruned {
  const schema = scanSchema(plan)
  const kept = [...schema.keys()].filter((index) => needed.has(index))
  // A batch of rows without columns would be a special case for every operator and decoder.
  if (kept.length === 0 && schema.length > 0) kept.push(cheapest(schema.map(({ type }) => type)))
  if (kept.length === schema.length) return { plan, to: stay }
  const original = plan.columns ?? [...plan.schema.keys()]
  const columns = kept.flatMap((index) => original[index] ?? [])
  return { plan: { ...plan, columns }, to: (index) => kept.indexOf(index) }
}

function cheapest(types: readonly DataType[]): number {
  const costs = types.map(({ kind }): number => {
    if (['array', 'map', 'struct'].includes(kind)) return 2
    return ['string', 'binary', 'decimal'].includes(kind) ? 1 : 0
  })
  return costs.indexOf(Math.min(...costs))
}

function pruneProject(plan: Project, needed: Needed): Pruned {
  const wanted = [...plan.columns.keys()].filter((index) => needed.has(index))
  const kept = wanted.length === 0 && plan.columns.length > 0 ? [0] : wanted
  const columns = plan.columns.filter((_, index) => kept.includes(index))
  const read = columns.flatMap(({ expression }) => [...columnsRead(expression)])
  const { plan: input, to } = prune(plan.input, new Set(read))
  const same = columns.length === plan.columns.length
  if (input === plan.input && same) return { plan, to: stay }
  return {
    plan: {
      ...plan,
      input,
      columns: columns.map(({ name, expression }) => ({
        name,
        expression: moveColumns(expression, to),
      })),
    },
    to: (index) => kept.indexOf(index),
  }
}

/** For nodes that put columns behind those of their input. */
function pruneBehind(
  plan: Extract<LogicalPlan, { kind: 'generate' | 'window' | 'session' | 'topN' }>,
  needed: Needed,
  read: Iterable<number>,
) {
  const width = schemaOf(plan.input).length
  const below = new Set([...needed].filter((index) => index < width))
  const { plan: input, to } = prune(plan.input, plus(below, read))
  const newWidth = schemaOf(input).length
  const behind = (index: number): number => (index < width ? to(index) : index - width + newWidth)
  return { input, to, behind }
}

/** State holds whole rows, as that of a join does. */
function pruneTopN(plan: TopN, needed: Needed): Pruned {
  const read = [...plan.partition, ...plan.order.map(({ expression }) => expression)]
  const { input, to, behind } = pruneBehind(
    plan,
    needed,
    read.flatMap((expression) => [...columnsRead(expression)]),
  )
  if (input === plan.input) return { plan, to: stay }
  const partition = plan.partition.map((expression) => moveColumns(expression, to))
  const order = plan.order.map((key) => ({
    ...key,
    expression: moveColumns(key.expression, to),
  }))
  return { plan: { ...plan, input, partition, order }, to: behind }
}

function pruneAggregate(plan: Aggregate): Aggregate {
  const read = [
    ...plan.keys.map(({ expression }) => expression),
    ...plan.aggregates.flatMap(({ call }) => [
      ...call.args,
      ...(call.filter === undefined ? [] : [call.filter]),
    ]),
  ].flatMap((expression) => [...columnsRead(expression)])
  const { plan: input, to } = prune(plan.input, new Set(read))
  if (input === plan.input) return plan
  return {
    ...plan,
    input,
    keys: plan.keys.map(({ name, expression }) => ({
      name,
      expression: moveColumns(expression, to),
    })),
    aggregates: plan.aggregates.map(({ name, call }) => ({
      name,
      call: {
        ...call,
        args: call.args.map((argument) => moveColumns(argument, to)),
        ...(call.filter === undefined ? {} : { filter: moveColumns(call.filter, to) }),
      },
    })),
  }
}

function pruneDeduplicate(plan: Deduplicate, needed: Needed): Pruned {
  const read = [...plan.keys, ...(plan.within === undefined ? [] : [plan.within.time.index])]
  const { plan: input, to } = prune(plan.input, plus(needed, read))
  if (input === plan.input) return { plan, to }
  const { within } = plan
  const moved = within && { ...within, time: { ...within.time, index: to(within.time.index) } }
  const keys = plan.keys.map(to)
  return { plan: { ...plan, input, keys, ...(moved === undefined ? {} : { within: moved }) }, to }
}

/** State holds whole rows, so columns that nobody reads are taken away before they come to it. */
function pruneJoin(plan: Join, needed: Needed): Pruned {
  const read = new Set(needed)
  if (plan.condition !== undefined) for (const at of columnsRead(plan.condition)) read.add(at)
  const sides = pruneSides(plan, read)
  if (sides === undefined) return { plan, to: stay }
  const { left, right, keys, to, toLeft } = sides
  const condition = plan.condition && moveColumns(plan.condition, to)
  return {
    plan: { ...plan, left, right, keys, ...(condition === undefined ? {} : { condition }) },
    to: keepsLeftOnly(plan.type) ? toLeft : to,
  }
}

function pruneAsofJoin(plan: AsofJoin, needed: Needed): Pruned {
  const width = schemaOf(plan.left).length
  const sides = pruneSides(plan, plus(needed, [plan.leftTime, plan.rightTime + width]))
  if (sides === undefined) return { plan, to: stay }
  const { left, right, keys, to, toLeft, toRight } = sides
  const times = { leftTime: toLeft(plan.leftTime), rightTime: toRight(plan.rightTime) }
  return { plan: { ...plan, left, right, keys, ...times }, to }
}

/** Both sides without the columns that neither `read` nor the keys name; `undefined` if nothing changed. */
function pruneSides(plan: Join | AsofJoin, read: Needed) {
  const width = schemaOf(plan.left).length
  const leftRead = plan.keys.flatMap(({ left }) => [...columnsRead(left)])
  const rightRead = plan.keys.flatMap(({ right }) => [...columnsRead(right)])
  const ofLeft = [...read].filter((index) => index < width)
  const ofRight = [...read].filter((index) => index >= width).map((index) => index - width)
  const { plan: left, to: toLeft } = prune(plan.left, plus(new Set(ofLeft), leftRead))
  const { plan: right, to: toRight } = prune(plan.right, plus(new Set(ofRight), rightRead))
  if (left === plan.left && right === plan.right) return undefined
  const newWidth = schemaOf(left).length
  const to = (index: number): number =>
    index < width ? toLeft(index) : toRight(index - width) + newWidth
  const keys = plan.keys.map((key) => ({
    ...key,
    left: moveColumns(key.left, toLeft),
    right: moveColumns(key.right, toRight),
  }))
  return { left, right, keys, to, toLeft, toRight }
}

/** The inputs of a union must keep the same columns at the same places. */
function pruneUnion(plan: Union, needed: Needed): Pruned {
  const width = schemaOf(plan).length
  const kept = [...Array(width).keys()].filter((index) => needed.has(index))
  if (kept.length === 0 && width > 0) kept.push(0)
  const inputs = plan.inputs.map((input) => {
    const pruned = prune(input, new Set(kept))
    const schema = schemaOf(pruned.plan)
    const inPlace =
      schema.length === kept.length && kept.every((index, at) => pruned.to(index) === at)
    if (inPlace) return pruned.plan
    const names = schemaOf(input)
    const columns = kept.flatMap((index) => {
      const field = schema[pruned.to(index)]
      if (field === undefined) return []
      const { type, nullable } = field
      const name = names[index]?.name ?? field.name
      const expression = { kind: 'column' as const, index: pruned.to(index), name, type, nullable }
      return [{ name, expression }]
    })
    return { kind: 'project' as const, input: pruned.plan, columns }
  })
  const same = inputs.every((input, index) => input === plan.inputs[index])
  if (same) return { plan, to: stay }
  return { plan: { ...plan, inputs }, to: (index) => kept.indexOf(index) }
}

function plus(needed: Needed, more: Iterable<number>): Needed {
  return new Set([...needed, ...more])
}
