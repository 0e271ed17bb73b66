import {
  avg,
  type Column,
  count,
  count_distinct,
  first,
  last,
  lit,
  max,
  median,
  min,
  stddev,
  sum,
  sum_distinct,
  variance,
} from '../../src/functions.ts'
import type { CaseAggregate } from './case.ts'
import { columnFrom } from './expression.ts'

const functions: Readonly<Record<string, (input: Column) => Column>> = {
  ...{ avg, count, count_distinct, first, last, max, median },
  ...{ min, stddev, sum, sum_distinct, variance },
}

/** The aggregates of the case language that the engine has. */
export const aggregateNames: readonly string[] = Object.keys(functions)

/** An aggregate as a named column; `count` without an argument counts rows. */
export function aggregateFrom({ as, fn, of }: CaseAggregate): Column {
  const call = functions[fn]
  if (call === undefined) throw new RangeError(`the aggregate ${fn} was not looked for`)
  return call(of === undefined ? lit(1) : columnFrom(of)).alias(as)
}
