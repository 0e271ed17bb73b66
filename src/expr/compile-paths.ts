import type { Batch, Column, Validity } from '../batch/batch.ts'
import type { DataType } from '../batch/schema.ts'
import { unreachable } from '../core/error.ts'
import type { Expression } from './expression.ts'

/** A column, then fields of structs on the way down. */
export type Path = readonly [column: number, ...fields: number[]]

export interface PathRead {
  readonly path: Path
  readonly type: DataType
}

/** A column found by a path, with the nulls of the structs above it. */
export interface PathColumn {
  readonly column: Column
  /** Set where no struct above is null; absent when none can be. */
  readonly parent: Validity | undefined
  /** The column as one that stands by itself. */
  whole(): Column
}

/** The path of a plain column or a field of one; `undefined` for everything that computes. */
export function pathOf(expression: Expression): Path | undefined {
  if (expression.kind === 'column') return [expression.index]
  if (expression.kind !== 'field') return undefined
  const above = pathOf(expression.input)
  return above === undefined ? undefined : [...above, expression.index]
}

/** Every path that the expressions read, once. */
export function readsOf(expressions: readonly Expression[]): readonly PathRead[] {
  const reads = new Map<string, PathRead>()
  const visit = (expression: Expression): void => {
    const path = pathOf(expression)
    if (path !== undefined) reads.set(path.join('.'), { path, type: expression.type })
    else for (const part of partsOf(expression)) visit(part)
  }
  for (const expression of expressions) visit(expression)
  return [...reads.values()]
}

/** The column at a path; `undefined` if the batch does not have it in that shape. */
export function columnAtPath(batch: Batch, [index, ...fields]: Path): PathColumn | undefined {
  let column = batch.columns[index]
  let parent: Validity | undefined
  for (const field of fields) {
    if (column?.layout !== 'struct') return undefined
    parent = both(parent, column.validity)
    column = column.children[field]
  }
  if (column === undefined) return undefined
  const found = column
  const above = parent
  return {
    column: found,
    parent: above,
    whole() {
      if (above === undefined || found.layout === 'void') return found
      const validity = both(above, found.validity)
      return validity === undefined ? found : { ...found, validity }
    },
  }
}

/** Present in both. */
function both(left: Validity | undefined, right: Validity | undefined): Validity | undefined {
  if (left === undefined || right === undefined) return left ?? right
  return left.map((bits, at) => bits & (right[at] ?? 0))
}

/** The direct parts of an expression. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'literal':
    case 'now':
      return []
    case 'call':
    case 'udf':
      return expression.args
    case 'cast':
    case 'field':
      return [expression.input]
    case 'case':
      return [
        ...expression.branches.flatMap((branch) => [branch.when, branch.then]),
        ...(expression.otherwise === undefined ? [] : [expression.otherwise]),
      ]
    default:
      return unreachable(expression)
  }
}
