import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { type WantedValues, wantedByAny } from '../../batch/wanted-values.ts'
import type { Expression } from '../../expr/expression.ts'
import { canRaise, conjuncts } from '../conditions.ts'
import { inputsOf, type LogicalPlan, rewrite, scanSchema } from '../logical.ts'

/**
 * Tells each scan which rows its readers keep, by their filters right above it, so that a source need
 * not make the others into columns. The filters stay: a source may do so or not. Runs before scans are
 * shared, which puts choices of columns between them and their filters.
 */
export function wantRows(plan: LogicalPlan): LogicalPlan {
  const readers = new Map<string, (readonly WantedValues[])[]>()
  const visit = (node: LogicalPlan, above: LogicalPlan | undefined): void => {
    if (node.kind === 'scan') {
      const wanted = above?.kind === 'filter' ? wantedOf(above.predicate, scanSchema(node)) : []
      readers.set(node.source, [...(readers.get(node.source) ?? []), wanted])
    }
    for (const input of inputsOf(node)) visit(input, node)
  }
  visit(plan, undefined)
  return rewrite(plan, (node) => {
    if (node.kind !== 'scan' || node.wanted !== undefined) return node
    const wanted = wantedByAny(readers.get(node.source) ?? [])
    return wanted.length === 0 ? node : { ...node, wanted }
  })
}

/** Columns that have to equal a constant. A condition behind one that may raise an error says nothing. */
function wantedOf(predicate: Expression, schema: Schema): readonly WantedValues[] {
  const wanted: WantedValues[] = []
  for (const condition of conjuncts(predicate)) {
    if (canRaise(condition)) break
    const values = equality(condition)
    const field = values === undefined ? undefined : schema[values.column]
    if (values === undefined || field === undefined || !plainKinds.has(field.type.kind)) continue
    wanted.push({ column: field.name, values: values.of })
  }
  return wanted
}

/** Equal values of these types are the same value in JavaScript. */
const plainKinds: ReadonlySet<string> = new Set([
  'byte',
  'short',
  'int',
  'long',
  'string',
  'boolean',
])

/** A column by its number and the constants that it may equal. */
function equality(
  condition: Expression,
): { readonly column: number; readonly of: readonly Value[] } | undefined {
  if (condition.kind !== 'call' || !['=', 'in'].includes(condition.name)) return undefined
  const [left, right] = condition.args
  const isTurned = condition.name === '=' && left?.kind === 'literal'
  const column = isTurned ? right : left
  const others = isTurned ? [left] : condition.args.slice(1)
  if (column?.kind !== 'column') return undefined
  const constants = others.flatMap((other) => (other.kind === 'literal' ? [other.value] : []))
  if (constants.length < others.length) return undefined
  return { column: column.index, of: constants.filter((value) => value !== null) }
}
