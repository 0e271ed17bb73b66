import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'

/**
 * A resolved scalar expression: columns are numbers, every node knows its type, casts are explicit.
 * Plain data: printable, comparable, safe to send to a worker.
 */
export type Expression =
  | {
      readonly kind: 'column'
      readonly index: number
      readonly name: string
      readonly type: DataType
      readonly nullable: boolean
    }
  | { readonly kind: 'literal'; readonly value: Value; readonly type: DataType }
  /** A function of the catalogue. `and`, `or`, `not`, comparisons and arithmetic are functions too. */
  | {
      readonly kind: 'call'
      readonly name: string
      readonly args: readonly Expression[]
      readonly type: DataType
      readonly nullable: boolean
    }
  /** ANSI: a bad value raises `CAST_INVALID_INPUT`; with `safe` it becomes NULL. */
  | {
      readonly kind: 'cast'
      readonly input: Expression
      readonly type: DataType
      readonly safe: boolean
    }
  | {
      readonly kind: 'case'
      readonly branches: readonly { readonly when: Expression; readonly then: Expression }[]
      readonly otherwise: Expression | undefined
      readonly type: DataType
    }
  | {
      readonly kind: 'field'
      readonly input: Expression
      readonly index: number
      readonly name: string
      readonly type: DataType
    }
  /** `current_timestamp()`: the processing time of the epoch, equal for all its rows. */
  | { readonly kind: 'now'; readonly type: DataType }
  /** A user's JavaScript function; pins the query to the main thread. */
  | {
      readonly kind: 'udf'
      readonly name: string
      readonly call: (...args: readonly unknown[]) => unknown
      readonly args: readonly Expression[]
      readonly type: DataType
      /** What becomes of rows that it throws for; absent = as the query says. */
      readonly badRows?: BadRowPolicy
    }

/** What an evaluation may know besides the row. Fixed for an epoch, so replay gives the same. */
export interface EvaluationContext {
  /** Microseconds. */
  readonly processingTime: number
}

export const noContext: EvaluationContext = { processingTime: 0 }

export function isNullable(expression: Expression): boolean {
  switch (expression.kind) {
    case 'column':
    case 'call':
      return expression.nullable
    case 'literal':
      return expression.value === null
    case 'now':
      return false
    case 'cast':
      return expression.safe || isNullable(expression.input)
    case 'case':
      return (
        expression.otherwise === undefined ||
        isNullable(expression.otherwise) ||
        expression.branches.some((branch) => isNullable(branch.then))
      )
    default:
      return true
  }
}
