import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'
import type { Aggregator } from './aggregates.ts'

/** An expression as both fronts write it: columns by name, functions not yet looked up. Plain data. */
export type UnresolvedExpression =
  /** `a` or `a.b`; name parts are matched without letter case. */
  | { readonly kind: 'name'; readonly path: readonly string[] }
  /** `*`, or `data.*` with a path. Only at the top of a select list. */
  | { readonly kind: 'star'; readonly path: readonly string[] }
  | { readonly kind: 'literal'; readonly value: Value; readonly type: DataType }
  /** An interval literal, such as the arguments of `window`. */
  | { readonly kind: 'interval'; readonly months: number; readonly micros: number }
  /** A scalar, aggregate, generator (`explode`) or window function, by name, any letter case. */
  | {
      readonly kind: 'call'
      readonly name: string
      readonly args: readonly UnresolvedExpression[]
      readonly distinct?: boolean
      /** `FILTER (WHERE …)` of an aggregate. */
      readonly filter?: UnresolvedExpression
      /** Of a user's aggregate, which no catalogue knows. */
      readonly aggregator?: Aggregator
    }
  /** `name(args) OVER (PARTITION BY … ORDER BY …)`. Plain expressions order ascending with nulls first. */
  | {
      readonly kind: 'over'
      readonly name: string
      readonly args: readonly UnresolvedExpression[]
      readonly partitionBy: readonly UnresolvedExpression[]
      readonly orderBy: readonly UnresolvedExpression[]
    }
  | {
      readonly kind: 'cast'
      readonly input: UnresolvedExpression
      readonly type: DataType
      readonly safe: boolean
    }
  | {
      readonly kind: 'case'
      readonly branches: readonly {
        readonly when: UnresolvedExpression
        readonly then: UnresolvedExpression
      }[]
      readonly otherwise: UnresolvedExpression | undefined
    }
  | { readonly kind: 'field'; readonly input: UnresolvedExpression; readonly name: string }
  | {
      readonly kind: 'alias'
      readonly input: UnresolvedExpression
      readonly name: string
      /** Further names, for generators that make several columns: `explode(map) AS (key, value)`. */
      readonly more?: readonly string[]
    }
  | {
      readonly kind: 'sort'
      readonly input: UnresolvedExpression
      readonly descending: boolean
      readonly nullsFirst: boolean
    }
  | {
      readonly kind: 'udf'
      readonly name: string
      readonly call: (...args: readonly unknown[]) => unknown
      readonly args: readonly UnresolvedExpression[]
      readonly type: DataType
      /** What becomes of rows that it throws for; absent = as the query says. */
      readonly badRows?: BadRowPolicy
    }
