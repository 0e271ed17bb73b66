import type { DataType, Schema } from '../../batch/schema.ts'
import type { Expression } from '../../expr/expression.ts'
import { rewriteExpression } from '../expressions.ts'
import { type LogicalPlan, type Scan, scanSchema } from '../logical.ts'
import { mapExpressions } from '../map-expressions.ts'

/** Positions of the fields that are read, by the position of their struct among the scan's columns. */
type FieldsRead = ReadonlyMap<number, readonly number[]>

/**
 * Fields of structs that nobody reads are not decoded (Spark: nested schema pruning). Holds for a
 * projection or an aggregation, over filters, over a scan whose source finds fields by name.
 */
export function pruneFields(node: LogicalPlan): LogicalPlan {
  if (node.kind !== 'project' && node.kind !== 'aggregate') return node
  const steps: LogicalPlan[] = [node]
  let below = node.input
  for (; below.kind === 'filter'; below = below.input) steps.push(below)
  if (below.kind !== 'scan' || below.fieldsByName !== true) return node
  const read = fieldsRead(steps, scanSchema(below))
  if (read.size === 0) return node
  return steps.reduceRight<LogicalPlan>(
    (input, step) => {
      const moved = mapExpressions(step, (expression) => moveFields(expression, read))
      return { ...moved, input } as LogicalPlan
    },
    narrowed(below, read),
  )
}

/** The structs of which some fields are read, one by one, and others are not. */
function fieldsRead(steps: readonly LogicalPlan[], schema: Schema): FieldsRead {
  const reads = new Map<number, Set<number>>()
  const whole = new Set<number>()
  const visit = (expression: Expression): Expression => {
    const uses = new Map<number, number>()
    const count = (index: number, change: number) =>
      uses.set(index, (uses.get(index) ?? 0) + change)
    rewriteExpression(expression, (part) => {
      if (part.kind === 'column') count(part.index, 1)
      if (part.kind === 'field' && part.input.kind === 'column') {
        const { index } = part.input
        count(index, -1)
        reads.set(index, (reads.get(index) ?? new Set()).add(part.index))
      }
      return part
    })
    for (const [index, bare] of uses) if (bare > 0) whole.add(index)
    return expression
  }
  for (const step of steps) mapExpressions(step, visit)
  const partly = [...reads].filter(
    ([index, fields]) => !whole.has(index) && fields.size < fieldsOf(schema[index]?.type).length,
  )
  return new Map(partly.map(([index, fields]) => [index, [...fields].sort((a, b) => a - b)]))
}

function moveFields(expression: Expression, read: FieldsRead): Expression {
  return rewriteExpression(expression, (part) => {
    if (part.kind === 'column') {
      const fields = read.get(part.index)
      return fields === undefined ? part : { ...part, type: withFields(part.type, fields) }
    }
    if (part.kind !== 'field' || part.input.kind !== 'column') return part
    const fields = read.get(part.input.index)
    return fields === undefined ? part : { ...part, index: fields.indexOf(part.index) }
  })
}

function narrowed(scan: Scan, read: FieldsRead): Scan {
  const positions = scan.columns ?? [...scan.schema.keys()]
  const schema = scan.schema.map((field, position) => {
    const fields = read.get(positions.indexOf(position))
    return fields === undefined ? field : { ...field, type: withFields(field.type, fields) }
  })
  return { ...scan, schema }
}

function withFields(type: DataType, kept: readonly number[]): DataType {
  if (type.kind !== 'struct') return type
  return { ...type, fields: type.fields.filter((_, index) => kept.includes(index)) }
}

function fieldsOf(type: DataType | undefined): Schema {
  return type?.kind === 'struct' ? type.fields : []
}
