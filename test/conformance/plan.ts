import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { type Column, explode, row_number, Window } from '../../src/functions.ts'
import { aggregateFrom } from './aggregates.ts'
import type {
  CaseColumn,
  CaseExpression,
  CaseRow,
  NamedCaseExpression,
  PlanNode,
  SortBy,
} from './case.ts'
import { isDescending, sortExpression } from './case.ts'
import { columnFrom } from './expression.ts'
import type { Fault } from './fault.ts'
import { processFrom } from './process-node.ts'

/** The frames that a plan's leaves stand for. */
export interface Leaves {
  source(name: string): DataFrame
  constant(columns: readonly CaseColumn[], rows: readonly CaseRow[]): DataFrame
  /** Strikes in programs of `process` nodes. */
  readonly fault: Fault
  readonly outputMode: string
  /** Whether an aggregation comes after a node. */
  isAggregated(node: PlanNode): boolean
}

/** A plan tree as calls of the public API. */
export function frameFrom(node: PlanNode, leaves: Leaves): DataFrame {
  const input = (): DataFrame => frameFrom(required(node.in, 'in'), leaves)
  switch (node.op) {
    case 'source':
      return leaves.source(required(node.name, 'name'))
    case 'static':
      return leaves.constant(constantColumns(node), node.rows ?? [])
    case 'project':
      return project(input(), node)
    case 'filter':
      return input().filter(columnFrom(node.cond))
    case 'explode':
      return input().select('*', explode(columnFrom(node.expr)).alias(required(node.as, 'as')))
    case 'union':
      return union(node, leaves)
    case 'join':
      return join(node, leaves)
    case 'sort':
      return input().orderBy(...(node.by ?? []).map(orderFrom))
    case 'watermark': {
      const delay = node.delay ?? `${required(node.delay_ms, 'delay_ms')} milliseconds`
      return input().withWatermark(required(node.column, 'column'), delay)
    }
    case 'dedup':
      return input().dropDuplicates(columnNames(node))
    case 'dedup_within_watermark':
      return input().dropDuplicatesWithinWatermark(columnNames(node))
    case 'limit':
      return input().limit(required(node.n, 'n'))
    case 'row_number': {
      const { partition_by: partition = [], order_by: order = [] } = node
      const numbers = Window.partitionBy(...partition).orderBy(...order)
      return input().withColumn('row_number', row_number().over(numbers))
    }
    case 'aggregate':
    case 'session_aggregate': {
      const keys = (node.keys ?? []).map(namedOrColumn)
      return input()
        .groupBy(...keys)
        .agg(...(node.aggs ?? []).map(aggregateFrom))
    }
    case 'process':
      return processFrom(node, input(), {
        fault: leaves.fault,
        isAggregated: leaves.isAggregated(node),
        outputMode: leaves.outputMode,
        constant: leaves.constant,
      })
    default:
      throw new RangeError(`the operator ${node.op} was not looked for`)
  }
}

/** A constant table may name its columns only: then its cells say their types. */
function constantColumns({ columns = [], rows = [] }: PlanNode): readonly CaseColumn[] {
  return columns.map((column, index) => {
    if (Array.isArray(column)) return [String(column[0]), String(column[1])]
    return [nameOf(column), typeOfCells(rows.map((row) => row[index]))]
  })
}

function typeOfCells(cells: readonly unknown[]): string {
  if (cells.some(Array.isArray)) return 'array<int>'
  if (cells.some((cell) => typeof cell === 'number' && !Number.isInteger(cell))) return 'double'
  if (cells.some((cell) => typeof cell === 'number' && Math.abs(cell) > 0x7fffffff)) return 'long'
  const texts = cells.filter((cell) => typeof cell === 'string')
  if (texts.length === 0) return 'int'
  return texts.every((text) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) ? 'timestamp' : 'string'
}

function project(input: DataFrame, { columns = [], keep }: PlanNode): DataFrame {
  const kept = keep === true ? ['*'] : Array.isArray(keep) ? keep.map(String) : []
  return input.select(...kept, ...columns.map(namedOrColumn))
}

function join(node: PlanNode, leaves: Leaves): DataFrame {
  const { equi = [], null_safe: nullSafe = [], where = [] } = node
  const keys = equi.map(([left, right], index) =>
    nullSafe.includes(index)
      ? columnFrom(left).eqNullSafe(columnFrom(right))
      : columnFrom(left).eq(columnFrom(right)),
  )
  const left = frameFrom(required(node.left, 'left'), leaves)
  const right = frameFrom(required(node.right, 'right'), leaves)
  return left.join(right, [...keys, ...where.map(columnFrom)], required(node.type, 'type'))
}

/** Columns by position; the first input gives them the names of the union. */
function union({ columns = [], inputs = [] }: PlanNode, leaves: Leaves): DataFrame {
  const [first, ...others] = inputs.map((input) => frameFrom(input, leaves))
  const head = required(first, 'inputs')
  const named = head.select(
    ...head.columns.map((column, index) => {
      const name = columns[index]
      return columnFrom(['col', column]).alias(name === undefined ? column : nameOf(name))
    }),
  )
  return others.reduce((all, other) => all.union(other), named)
}

function namedOrColumn(column: NamedCaseExpression | string): Column {
  return typeof column === 'string' ? columnFrom(['col', column]) : namedColumn(column)
}

function namedColumn({ as, expr }: NamedCaseExpression): Column {
  return columnFrom(expr).alias(as)
}

function nameOf(column: NamedCaseExpression | string): string {
  return typeof column === 'string' ? column : column.as
}

function orderFrom(by: CaseExpression | SortBy): Column {
  const expression = sortExpression(by)
  const column =
    typeof expression === 'string' ? columnFrom(['col', expression]) : columnFrom(expression)
  return isDescending(by) ? column.desc() : column.asc()
}

function columnNames({ columns = [] }: PlanNode): readonly string[] {
  return columns.map(nameOf)
}

function required<T>(value: T | undefined, member: string): T {
  if (value === undefined) throw new RangeError(`a node of the plan lacks ${member}`)
  return value
}
