import { columnAt } from '../expressions.ts'
import {
  inputsOf,
  type LogicalPlan,
  rewrite,
  type Scan,
  scanSchema,
  scansOf,
  type Watermark,
} from '../logical.ts'

/**
 * A stream with several readers, such as a join with itself, is opened and decoded once: so each reader
 * gets the columns that any of them reads, and leaves out the others itself. Runs after the other rules.
 */
export function shareScans(plan: LogicalPlan): LogicalPlan {
  const columns = new Map<string, Set<number>>()
  for (const scan of sharedScans(plan)) {
    const wanted = columns.get(scan.source) ?? new Set()
    for (const column of columnsOf(scan)) wanted.add(column)
    columns.set(scan.source, wanted)
  }
  if (columns.size === 0) return plan
  return rewrite(plan, (node) => {
    if (node.kind === 'watermark') return belowColumns(node, columns)
    const wanted = node.kind === 'scan' && node.streaming ? columns.get(node.source) : undefined
    if (node.kind !== 'scan' || wanted === undefined) return node
    const own = columnsOf(node)
    if (own.length === wanted.size) return node
    const all = [...wanted].sort((a, b) => a - b)
    const input: Scan = { ...node, columns: all }
    const schema = scanSchema(input)
    return {
      kind: 'project',
      input,
      columns: own.map((column) => {
        const at = all.indexOf(column)
        return { name: schema[at]?.name ?? '', expression: columnAt(schema, at) }
      }),
    }
  })
}

/** A watermark right above a shared scan stands below the choice of columns, so that it can be shared, too. */
function belowColumns(node: Watermark, shared: ReadonlyMap<string, unknown>): LogicalPlan {
  const { input: project } = node
  if (project.kind !== 'project' || project.input.kind !== 'scan') return node
  const { source, streaming } = project.input
  const isChoice = project.columns.every(
    ({ name, expression }) => expression.kind === 'column' && expression.name === name,
  )
  const expression = project.columns[node.column]?.expression
  if (!streaming || !shared.has(source) || !isChoice || expression?.kind !== 'column') return node
  return { ...project, input: { ...node, input: project.input, column: expression.index } }
}

/** The nodes of watermarks right above a scan that have several readers. */
export function sharedWatermarks(plan: LogicalPlan): ReadonlySet<string> {
  const nodes = marksOf(plan)
  return new Set(nodes.filter((node, at) => nodes.indexOf(node) !== at))
}

function marksOf(plan: LogicalPlan): readonly string[] {
  const below = inputsOf(plan).flatMap(marksOf)
  const isMark = plan.kind === 'watermark' && plan.input.kind === 'scan' && plan.input.streaming
  return isMark ? [plan.node, ...below] : below
}

/** Every scan of a stream that another one reads too. */
export function sharedScans(plan: LogicalPlan): readonly Scan[] {
  const scans = scansOf(plan).filter(({ streaming, source }) => streaming && source !== '')
  return scans.filter((scan) => scans.filter((other) => other.source === scan.source).length > 1)
}

function columnsOf({ schema, columns }: Scan): readonly number[] {
  return columns ?? [...schema.keys()]
}
