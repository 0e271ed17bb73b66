import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { defaultName, windowName } from '../expr/names.ts'
import { type QualifiedColumn, resolveExpression, type Scope } from '../expr/resolve.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { type LogicalPlan, schemaOf } from './logical.ts'
import { findParts, replaceParts } from './unresolved-tree.ts'

/** A name that may stand before some columns: the alias of the frame that they come from. */
export interface Qualifier {
  readonly name: string
  /** Positions in the schema of the plan. */
  readonly columns: readonly number[]
}

/** A plan with the names that may stand before its columns (`alias`). */
export interface Analyzed {
  readonly plan: LogicalPlan
  readonly qualifiers: readonly Qualifier[]
}

/** Resolves an expression that makes one value per row of `input`. */
export function bind(expression: UnresolvedExpression, input: Analyzed): Expression {
  refuseMisplaced(expression)
  return resolveExpression(unqualified(expression, input), scopeOf(input))
}

/** What names mean over the rows of `input`. */
export function scopeOf(input: Analyzed): Scope {
  const schema = schemaOf(input.plan)
  if (input.qualifiers.length === 0) return { schema }
  return {
    schema,
    qualified: (path) => qualifiedColumn(path, input),
    label: (index) => labelOf(index, input),
  }
}

/** How an error names a column: with the name of its frame, if that has one. */
export function labelOf(index: number, { plan, qualifiers }: Analyzed): string {
  const name = schemaOf(plan)[index]?.name ?? ''
  const qualifier = qualifiers.find(({ columns }) => columns.includes(index))
  return qualifier === undefined ? name : `${qualifier.name}.${name}`
}

/**
 * The expression without the frame's own name before columns that need none; a column of that name goes
 * first. Where two frames of a join have a column of one name, the name of the frame stays.
 */
export function unqualified(
  expression: UnresolvedExpression,
  input: Analyzed,
): UnresolvedExpression {
  if (input.qualifiers.length === 0) return expression
  const schema = schemaOf(input.plan)
  return replaceParts(expression, (node) => {
    if (node.kind === 'star') {
      const whole = qualifierOf(node.path, input)?.columns.length === schema.length
      return whole ? { ...node, path: node.path.slice(1) } : undefined
    }
    if (node.kind !== 'name') return undefined
    const found = qualifiedColumn(node.path, input)
    const name = schema[found?.index ?? -1]?.name
    if (found === undefined || name === undefined) return undefined
    const namesakes = schema.filter((field) => sameName(field.name, name))
    return namesakes.length === 1 ? { ...node, path: [name, ...found.rest] } : undefined
  })
}

/** The frame that a path of names begins with, unless a column has that name. */
export function qualifierOf(path: readonly string[], input: Analyzed): Qualifier | undefined {
  const [first = ''] = path
  if (schemaOf(input.plan).some((field) => sameName(field.name, first))) return undefined
  return input.qualifiers.find(({ name }) => sameName(name, first))
}

/** The column that a path of names means, when it begins with the name of a frame. */
function qualifiedColumn(path: readonly string[], input: Analyzed): QualifiedColumn | undefined {
  const qualifier = qualifierOf(path, input)
  const [, second, ...rest] = path
  if (qualifier === undefined || second === undefined) return undefined
  const schema = schemaOf(input.plan)
  const found = qualifier.columns.filter((at) => sameName(schema[at]?.name ?? '', second))
  const [index] = found
  if (index === undefined || found.length > 1) {
    const available = qualifier.columns.map((at) => labelOf(at, input))
    const column = `${qualifier.name}.${second}`
    if (index !== undefined) {
      throw new StreamError('AMBIGUOUS_COLUMN', { column, available: available.join(', ') })
    }
    throw new StreamError('COLUMN_NOT_FOUND', {
      column,
      available: available.join(', '),
      closest: closest(column, available),
    })
  }
  return { index, rest }
}

/** Every way to write a column: its name, and that with the name of each of its frames. */
export function namesOf(index: number, { plan, qualifiers }: Analyzed): readonly string[] {
  const name = schemaOf(plan)[index]?.name ?? ''
  const frames = qualifiers.filter(({ columns }) => columns.includes(index))
  return [name, ...frames.map((frame) => `${frame.name}.${name}`)]
}

/** The same names over columns that moved; −1 = the column is gone. */
export function movedQualifiers(
  qualifiers: readonly Qualifier[],
  to: (index: number) => number,
): readonly Qualifier[] {
  return qualifiers.map(({ name, columns }) => ({
    name,
    columns: columns.map(to).filter((index) => index >= 0),
  }))
}

const generators = ['explode', 'explode_outer', 'posexplode', 'posexplode_outer']

/** True for a call that makes several rows of one. */
export function isGenerator(expression: UnresolvedExpression): boolean {
  return expression.kind === 'call' && generators.includes(expression.name.toLowerCase())
}

/** True for a call of `window(time, size, …)` or `session_window(time, gap)`. */
export function isWindow(expression: UnresolvedExpression): boolean {
  return expression.kind === 'call' && windowName(expression.name) !== undefined
}

/** True for a call of `row_number()` that has no window. */
function isNumber(expression: UnresolvedExpression): boolean {
  return expression.kind === 'call' && expression.name.toLowerCase() === 'row_number'
}

function refuseMisplaced(expression: UnresolvedExpression): void {
  const [found] = findParts(
    expression,
    (node) =>
      ['star', 'over'].includes(node.kind) || isGenerator(node) || isWindow(node) || isNumber(node),
  )
  if (found === undefined) return
  const { why, fix } = misplacement(found)
  const text = found.kind === 'call' ? `${found.name}(…)` : defaultName(found)
  throw new StreamError('EXPRESSION_MISPLACED', { expression: text, why, fix })
}

function misplacement(found: UnresolvedExpression): { readonly why: string; readonly fix: string } {
  if (found.kind === 'star') {
    return {
      why: 'a star stands for several columns',
      fix: 'Use it alone in a select list, or name one column.',
    }
  }
  if (found.kind === 'over') {
    return {
      why: 'it looks at other rows, which only a step of its own can do',
      fix: 'Put it into select or withColumn, and use that column in the next step.',
    }
  }
  if (isNumber(found)) {
    return {
      why: 'nothing says within which rows and in which order it counts',
      fix: "Give it a window: row_number().over(Window.partitionBy('player').orderBy(desc('score'))).",
    }
  }
  return {
    why: 'it makes several rows of one or none, which only a step of its own can do',
    fix: 'Put it alone in a select list (a window also into groupBy), with an alias, and use that column in the next step.',
  }
}

/** A name that is not taken, for a column that the analysis puts in between. */
export function freshName(wanted: string, taken: readonly string[]): string {
  let name = wanted
  for (let next = 2; taken.some((other) => sameName(other, name)); next++) {
    name = `${wanted}#${next}`
  }
  return name
}

/** Column names are compared without letter case. */
export function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}
