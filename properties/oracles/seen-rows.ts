import type { Value } from '../../src/batch/value.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { columnsRead } from '../../src/plan/expressions.ts'
import type { Aggregate } from '../../src/plan/logical.ts'
import type { Row } from './oracle-node.ts'

/** Equal rows of one epoch, in all their windows. */
export interface SeenRow {
  readonly row: Row
  isLate: boolean
  count: number
  /** Where they begin. */
  readonly windows: Set<Value>
}

/** Adds a row, in one of its windows, to those that were seen. */
export function see(
  seen: SeenRow[],
  row: Row,
  { isLate, window }: { readonly isLate: boolean; readonly window: Value },
): void {
  let known = seen.find((each) => sameRow(each.row, row))
  if (known === undefined) {
    known = { row, isLate, count: 0, windows: new Set<Value>() }
    seen.push(known)
  }
  known.isLate &&= isLate
  known.count++
  known.windows.add(Array.isArray(window) ? window[0] : null)
}

/** Whether a column is one of the keys as it is, and read nowhere else. */
export function isKeyOnly({ keys, aggregates }: Aggregate, column: number): boolean {
  const isColumn = ({ expression }: { readonly expression: Expression }): boolean =>
    expression.kind === 'column' && expression.index === column
  const others = [
    ...keys.filter((key) => !isColumn(key)).map(({ expression }) => expression),
    ...aggregates.flatMap(({ call }) => [...call.args, ...(call.filter ? [call.filter] : [])]),
  ]
  const isRead = (expression: Expression): boolean => columnsRead(expression).has(column)
  return keys.filter(isColumn).length === 1 && !others.some(isRead)
}

function sameRow(left: Row, right: Row): boolean {
  return left === right || (left.length === right.length && left.every((v, i) => v === right[i]))
}
