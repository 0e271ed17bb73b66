import { compareValues, equalValues } from '../../src/batch/compare.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import {
  hasAggregate,
  isRestated,
  isStreaming,
  type LogicalPlan,
  type SaveMode,
  type SortKey,
  type TopN,
} from '../../src/plan/logical.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import type { Evaluate, Row } from './oracle-node.ts'

interface Partition {
  readonly keys: Row
  /** In order of arrival. */
  rows: Row[]
}

/** How the rows of a plan are worked out. */
interface RankInput {
  readonly evaluate: Evaluate
  /** A node below, which must be asked instead of the input when its rows are changes. */
  readonly nodeOf: (plan: LogicalPlan) => Evaluate
}

/**
 * Row numbers by keeping every row and sorting it all anew. In update mode over an aggregation a changed
 * group takes the place of what it was before.
 */
export function topNNode(
  plan: TopN,
  mode: SaveMode,
  { evaluate, nodeOf }: RankInput,
  late: (row: Row) => void,
): Evaluate {
  if (!isStreaming(plan) || (mode === 'complete' && isRestated(plan.input))) {
    return (header, rows) => {
      const partitions: Partition[] = []
      for (const row of evaluate(header, rows)) put(plan, partitions, row, header)
      return partitions.flatMap(({ rows: all }) => numbered(best(plan, all, header)))
    }
  }
  const changes = mode === 'update' && hasAggregate(plan.input)
  const source = changes ? changingRows(plan.input, nodeOf) : plainRows(evaluate)
  const [time] = eventTimeColumns(plan)
  const held = watermarkDelay(plan.input)
  let partitions: Partition[] = []
  const known = new Map<string, { readonly row: Row; readonly partition: Partition }>()

  const closing = (row: Row): number | undefined => {
    const value = time === undefined ? null : (row[time.index] ?? null)
    if (value === null) return undefined
    return time?.kind === 'window' ? ((value as Row)[1] as number) : (value as number)
  }

  return (given, rows) => {
    const header = heldBackBy(held, given)
    const before = new Map(
      partitions.map((partition) => [partition, best(plan, partition.rows, header)]),
    )
    for (const { row, identity } of source(given, rows)) {
      const end = closing(row)
      if (mode !== 'complete' && end !== undefined && end <= header.lateWatermark) {
        late(row)
        continue
      }
      const old = identity === undefined ? undefined : known.get(identity)
      if (old !== undefined)
        old.partition.rows = old.partition.rows.filter((one) => one !== old.row)
      const partition = put(plan, partitions, row, header)
      if (identity !== undefined) known.set(identity, { row, partition })
    }
    const after = new Map(
      partitions.map((partition) => [partition, best(plan, partition.rows, header)]),
    )
    if (mode === 'complete') return [...after.values()].flatMap(numbered)
    const isOver = ({ rows: [first] }: Partition): boolean => {
      const end = first === undefined ? undefined : closing(first)
      return header.flush === true || (end !== undefined && end <= header.evictWatermark)
    }
    const over = partitions.filter(isOver)
    const output =
      mode === 'append'
        ? over.flatMap((partition) => numbered(after.get(partition) ?? []))
        : [...after].flatMap(([partition, list]) => {
            const earlier = before.get(partition) ?? []
            // Twins are two rows; a group that comes again as it was is the same one.
            return numbered(list).filter((_, at) =>
              changes ? !sameCells(list[at], earlier[at]) : list[at] !== earlier[at],
            )
          })
    partitions = partitions.filter((partition) => !over.includes(partition))
    for (const [identity, { partition }] of known) {
      if (over.includes(partition)) known.delete(identity)
    }
    return output
  }
}

/** Rows of the input; those with an identity take the place of earlier ones. */
type Source = (
  header: EpochHeader,
  rows: Parameters<Evaluate>[1],
) => readonly { readonly row: Row; readonly identity?: string }[]

function plainRows(evaluate: Evaluate): Source {
  return (header, rows) => evaluate(header, rows).map((row) => ({ row: [...row] }))
}

/** Groups as they change: what stands over the aggregation is computed of each, which keeps its keys. */
function changingRows(plan: LogicalPlan, nodeOf: (plan: LogicalPlan) => Evaluate): Source {
  if (plan.kind === 'aggregate') {
    const groups = nodeOf(plan)
    return (header, rows) =>
      groups(header, rows).map((row) => ({
        row,
        identity: textOf(row.slice(0, plan.keys.length)),
      }))
  }
  if (plan.kind !== 'filter' && plan.kind !== 'project') {
    throw new RangeError(`no group is known again behind ${plan.kind}`)
  }
  const below = changingRows(plan.input, nodeOf)
  return (header, rows) =>
    below(header, rows).flatMap(({ row, identity = '' }) => {
      if (plan.kind === 'project') {
        return [
          {
            row: plan.columns.map(({ expression }) => evaluated(expression, row, header)),
            identity,
          },
        ]
      }
      return evaluated(plan.predicate, row, header) === true ? [{ row, identity }] : []
    })
}

function put(plan: TopN, partitions: Partition[], row: Row, header: EpochHeader): Partition {
  const keys = plan.partition.map((expression) => evaluated(expression, row, header))
  let partition = partitions.find((each) =>
    plan.partition.every(({ type }, at) =>
      equalValues(type, each.keys[at] ?? null, keys[at] ?? null),
    ),
  )
  if (partition === undefined) {
    partition = { keys, rows: [] }
    partitions.push(partition)
  }
  partition.rows.push(row)
  return partition
}

/** The rows that are asked for, in order. */
function best(plan: TopN, rows: readonly Row[], header: EpochHeader): readonly Row[] {
  const sorted = [...rows].sort((left, right) => compareRows(plan.order, left, right, header))
  return sorted.slice(0, plan.limit)
}

function numbered(list: readonly Row[]): readonly Row[] {
  return list.map((row, at) => [...row, at + 1])
}

function compareRows(
  order: readonly SortKey[],
  left: Row,
  right: Row,
  header: EpochHeader,
): number {
  for (const { expression, descending, nullsFirst } of order) {
    const a = evaluated(expression, left, header)
    const b = evaluated(expression, right, header)
    if (a === null || b === null) {
      if (a !== b) return (a === null) === nullsFirst ? -1 : 1
      continue
    }
    const compared = compareValues(expression.type, a, b)
    if (compared !== 0) return descending ? -compared : compared
  }
  return 0
}

function evaluated(expression: Expression, row: Row, { processingTime }: EpochHeader): Value {
  return interpret(expression, (index) => row[index] ?? null, { processingTime })
}

function sameCells(left: Row | undefined, right: Row | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return textOf(left) === textOf(right)
}

function textOf(row: Row): string {
  return JSON.stringify(row, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
  })
}
