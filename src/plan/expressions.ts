import type { Schema } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { fold } from '../expr/fold.ts'
import { rewriteExpression } from '../expr/rewrite.ts'

/** Computes what constants alone decide. Keeps what it cannot fold as the same object, so that a plan comes to rest. */
export function foldConstants(expression: Expression): Expression {
  return rewriteExpression(expression, (node) => {
    const parts = node.kind === 'call' ? node.args : node.kind === 'cast' ? [node.input] : []
    if (parts.length === 0 || parts.some((part) => part.kind !== 'literal')) return node
    const folded = fold(node)
    return folded.kind === 'literal' ? folded : node
  })
}

/** True when the test holds for the expression or any part of it. */
export function someExpression(
  expression: Expression,
  test: (node: Expression) => boolean,
): boolean {
  let found = false
  rewriteExpression(expression, (node) => {
    found ||= test(node)
    return node
  })
  return found
}

/** The positions of the columns an expression reads. */
export function columnsRead(expression: Expression): ReadonlySet<number> {
  const read = new Set<number>()
  rewriteExpression(expression, (node) => {
    if (node.kind === 'column') read.add(node.index)
    return node
  })
  return read
}

/** The same expression over columns that moved: `to` gives the new position of each. */
export function moveColumns(expression: Expression, to: (index: number) => number): Expression {
  return rewriteExpression(expression, (node) => {
    if (node.kind !== 'column') return node
    const index = to(node.index)
    return index === node.index ? node : { ...node, index }
  })
}

/** The column at a position, as an expression. */
export function columnAt(schema: Schema, index: number): Expression {
  const field = schema[index]
  if (field === undefined) {
    throw new StreamError('INTERNAL', { what: `no column ${index} among ${schema.length}` })
  }
  return { kind: 'column', index, name: field.name, type: field.type, nullable: field.nullable }
}
