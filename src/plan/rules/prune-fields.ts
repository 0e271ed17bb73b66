import type { DataType, Schema } from '../../batch/schema.ts'
import type { Expression } from '../../expr/expression.ts'
import { rewriteExpression } from '../../expr/rewrite.ts'
import { inputsOf, type LogicalPlan, rewrite, type Scan } from '../logical.ts'
import { mapExpressions } from '../map-expressions.ts'

/**
 * A projection or an aggregation over a scan, with nothing but filters and watermarks between them: who reads
 * which fields can be told.
 */
interface Reader {
  /** From above down to the last step over the scan. */
  readonly steps: readonly [LogicalPlan, ...LogicalPlan[]]
  readonly scan: Scan
}

/** What all readers of one source read of its structs, by the position of the column. */
interface Reads {
  readonly schema: Schema
  readonly fields: Map<number, Set<number>>
  readonly whole: Set<number>
  /** It is read somewhere else, too. */
  elsewhere: boolean
}

/** By the position of a struct: the positions of the fields that are left. */
type Kept = ReadonlyMap<number, readonly number[]>

/**
 * Fields of structs that nobody reads are not decoded (Spark: nested schema pruning). Holds for
 * projections and aggregations over a scan whose source finds fields by name, with filters and watermarks
 * between them. Of a stream with several readers the fields are left that one of them reads. Works on a
 * whole plan.
 */
export function pruneFields(plan: LogicalPlan): LogicalPlan {
  const reads = new Map<unknown, Reads>()
  collect(plan, reads)
  const kept = new Map<unknown, { readonly schema: Schema; readonly fields: Kept }>()
  for (const [key, read] of reads) {
    const fields = partlyRead(read)
    if (fields.size > 0) kept.set(key, { schema: narrowed(read.schema, fields), fields })
  }
  if (kept.size === 0) return plan
  return rewrite(plan, (node) => {
    const reader = readerOf(node)
    const left = reader && kept.get(keyOf(reader.scan))
    if (reader === undefined || left === undefined) return node
    const { steps, scan } = reader
    const positions = positionsOf(scan)
    const fieldsAt = (index: number) => left.fields.get(positions[index] ?? -1)
    return steps.reduceRight<LogicalPlan>(
      (input, step) => {
        const moved = mapExpressions(step, (expression) => moveFields(expression, fieldsAt))
        return { ...moved, input } as LogicalPlan
      },
      { ...scan, schema: left.schema },
    )
  })
}

function readerOf(node: LogicalPlan): Reader | undefined {
  if (node.kind !== 'project' && node.kind !== 'aggregate') return undefined
  const steps: [LogicalPlan, ...LogicalPlan[]] = [node]
  let below = node.input
  // A watermark reads a TIMESTAMP, which has no fields.
  for (; below.kind === 'filter' || below.kind === 'watermark'; below = below.input) {
    steps.push(below)
  }
  return below.kind === 'scan' ? { steps, scan: below } : undefined
}

/** The same for all scans that open one source. */
function keyOf(scan: Scan): unknown {
  return scan.streaming && scan.source !== '' ? scan.source : scan
}

function positionsOf({ columns, schema }: Scan): readonly number[] {
  return columns ?? [...schema.keys()]
}

function collect(node: LogicalPlan, reads: Map<unknown, Reads>): void {
  const reader = readerOf(node)
  const scan = node.kind === 'scan' ? node : reader?.scan
  if (scan === undefined) {
    for (const input of inputsOf(node)) collect(input, reads)
    return
  }
  const none = () => ({
    schema: scan.schema,
    fields: new Map<number, Set<number>>(),
    whole: new Set<number>(),
    elsewhere: false,
  })
  const read: Reads = reads.get(keyOf(scan)) ?? none()
  reads.set(keyOf(scan), read)
  if (reader === undefined || scan.fieldsByName !== true) read.elsewhere = true
  else for (const step of reader.steps) collectFields(step, positionsOf(scan), read)
}

function collectFields(step: LogicalPlan, positions: readonly number[], read: Reads): void {
  mapExpressions(step, (expression) => {
    const uses = new Map<number, number>()
    const count = (position: number, change: number) =>
      uses.set(position, (uses.get(position) ?? 0) + change)
    rewriteExpression(expression, (part) => {
      if (part.kind === 'column') count(positions[part.index] ?? -1, 1)
      if (part.kind === 'field' && part.input.kind === 'column') {
        const position = positions[part.input.index] ?? -1
        count(position, -1)
        read.fields.set(position, (read.fields.get(position) ?? new Set()).add(part.index))
      }
      return part
    })
    for (const [position, bare] of uses) if (bare > 0) read.whole.add(position)
    return expression
  })
}

/** The structs of which some fields are read, one by one, and others are not. */
function partlyRead({ schema, fields, whole, elsewhere }: Reads): Kept {
  if (elsewhere) return new Map()
  const partly = [...fields].filter(
    ([position, read]) =>
      !whole.has(position) && read.size < fieldsOf(schema[position]?.type).length,
  )
  return new Map(partly.map(([position, read]) => [position, [...read].sort((a, b) => a - b)]))
}

function narrowed(schema: Schema, kept: Kept): Schema {
  return schema.map((field, position) => {
    const fields = kept.get(position)
    return fields === undefined ? field : { ...field, type: withFields(field.type, fields) }
  })
}

function moveFields(
  expression: Expression,
  fieldsAt: (index: number) => readonly number[] | undefined,
): Expression {
  return rewriteExpression(expression, (part) => {
    if (part.kind === 'column') {
      const fields = fieldsAt(part.index)
      return fields === undefined ? part : { ...part, type: withFields(part.type, fields) }
    }
    if (part.kind !== 'field' || part.input.kind !== 'column') return part
    const fields = fieldsAt(part.input.index)
    return fields === undefined ? part : { ...part, index: fields.indexOf(part.index) }
  })
}

function withFields(type: DataType, kept: readonly number[]): DataType {
  if (type.kind !== 'struct') return type
  return { ...type, fields: type.fields.filter((_, index) => kept.includes(index)) }
}

function fieldsOf(type: DataType | undefined): Schema {
  return type?.kind === 'struct' ? type.fields : []
}
