import { compareNullable, equalValues } from '../../src/batch/compare.ts'
import { fromEdge, toEdge } from '../../src/batch/edge-row.ts'
import type { DataType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { unreachable } from '../../src/core/error.ts'
import type { AggregateCall } from '../../src/expr/aggregates.ts'
import type { EvaluationContext, Expression } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { Row } from './oracle-node.ts'

/**
 * An aggregate by its definition, over the list of all rows of the group in order of arrival.
 * `approx_count_distinct` and `percentile_approx` are the exact numbers that they come near to, which they
 * meet while a group is small.
 */
export function aggregated(
  call: AggregateCall,
  rows: readonly Row[],
  context: EvaluationContext,
): Value {
  const value = (expression: Expression, row: Row): Value =>
    interpret(expression, (index) => row[index] ?? null, context)
  const { filter } = call
  const kept = filter === undefined ? rows : rows.filter((row) => value(filter, row) === true)
  const tuples = kept.map((row) => call.args.map((arg) => value(arg, row)))
  const types = call.args.map((arg) => arg.type)
  return resultOf(call, call.distinct === true ? distinctTuples(types, tuples) : tuples)
}

function distinctTuples(types: readonly DataType[], tuples: readonly Row[]): readonly Row[] {
  const seen: Row[] = []
  for (const tuple of tuples) {
    if (tuple.includes(null)) continue
    const isKnown = seen.some((other) =>
      types.every((type, index) => equalValues(type, tuple[index] ?? null, other[index] ?? null)),
    )
    if (!isKnown) seen.push(tuple)
  }
  return seen
}

function resultOf(call: AggregateCall, tuples: readonly Row[]): Value {
  const [argument, order] = call.args
  const type = argument?.type ?? call.type
  const all = tuples.map(([first = null]) => first)
  const values = all.filter((each) => each !== null)
  switch (call.name) {
    case 'count':
      return BigInt(tuples.filter((tuple) => !tuple.includes(null)).length)
    case 'approx_count_distinct':
      return BigInt(distinctTuples([type], tuples).length)
    case 'sum':
      return withinType(call, sumOf(values, call.type))
    case 'avg':
      return withinType(call, averageOf(values, type, call.type))
    case 'product':
      return values.length === 0 ? null : doubles(values).reduce((a, b) => a * b, 1)
    case 'min':
      return sorted(type, values)[0] ?? null
    case 'max':
      return sorted(type, values).at(-1) ?? null
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
      return bits(call.name, type, values)
    case 'first':
      return (call.ignoreNulls === true ? values : all)[0] ?? null
    case 'last':
      return (call.ignoreNulls === true ? values : all).at(-1) ?? null
    case 'collect_list':
      return values
    case 'mode':
      return modeOf(type, values)
    case 'percentile':
    case 'percentile_approx':
      return percentilesOf(call, sorted(type, values))
    case 'min_by':
    case 'max_by':
    case 'rows_with_max':
      return order === undefined ? null : extremeBy(call, type, order.type, tuples)
    case 'corr':
    case 'covar_pop':
    case 'covar_samp':
      return pairStatistic(call.name, tuples)
    case 'user':
      return userResult(call, tuples)
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
    case 'skewness':
    case 'kurtosis':
      return moment(call.name, doubles(values))
    default:
      return unreachable(call.name)
  }
}

function doubles(values: readonly Value[]): readonly number[] {
  return values.map(Number)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

function sorted(type: DataType, values: readonly Value[]): readonly Value[] {
  return [...values].sort((left, right) => compareNullable(type, left, right))
}

function sumOf(values: readonly Value[], type: DataType): Value {
  if (values.length === 0) return null
  if (type.kind === 'double') return sum(doubles(values))
  return values.reduce<bigint>((total, each) => total + BigInt(each as bigint), 0n)
}

/** What `try_sum` and `try_avg` give up. */
function withinType({ safe, type }: AggregateCall, value: Value): Value {
  if (safe !== true || typeof value !== 'bigint') return value
  const limit = type.kind === 'decimal' ? 10n ** BigInt(type.precision) : 2n ** 63n
  return value < limit && value >= -limit ? value : null
}

function averageOf(values: readonly Value[], input: DataType, result: DataType): Value {
  if (values.length === 0) return null
  if (result.kind !== 'decimal') return sum(doubles(values)) / values.length
  const scale = input.kind === 'decimal' ? input.scale : 0
  const total = values.reduce<bigint>((all, each) => all + BigInt(each as bigint), 0n)
  const scaled = total * 10n ** BigInt(result.scale - scale) * 2n
  const count = BigInt(values.length)
  // Half up, away from zero.
  return (scaled < 0n ? scaled - count : scaled + count) / (2n * count)
}

function bits(name: string, type: DataType, values: readonly Value[]): Value {
  if (values.length === 0) return null
  const joined = values
    .map((each) => BigInt(each as bigint))
    .reduce((a, b) => (name === 'bit_and' ? a & b : name === 'bit_or' ? a | b : a ^ b))
  return type.kind === 'long' ? joined : Number(joined)
}

function modeOf(type: DataType, values: readonly Value[]): Value {
  const countOf = (value: Value): number =>
    values.filter((each) => equalValues(type, each, value)).length
  const most = Math.max(...values.map(countOf))
  return sorted(type, values).find((value) => countOf(value) === most) ?? null
}

function percentilesOf({ name, percentages = [], type }: AggregateCall, values: readonly Value[]) {
  if (values.length === 0) return null
  const one = (percentage: number): Value => {
    if (name === 'percentile_approx') {
      // The smallest value that is no smaller than that share of all.
      return values[Math.max(1, Math.ceil(percentage * values.length)) - 1] ?? null
    }
    const position = (values.length - 1) * percentage
    const below = Number(values[Math.floor(position)])
    const above = Number(values[Math.ceil(position)])
    return below + (above - below) * (position - Math.floor(position))
  }
  const results = percentages.map(one)
  return type.kind === 'array' ? results : (results[0] ?? null)
}

function extremeBy(
  { name }: AggregateCall,
  type: DataType,
  order: DataType,
  tuples: readonly Row[],
): Value {
  const orderOf = ([, by = null]: Row): Value => by
  const sign = name === 'min_by' ? -1 : 1
  const ordered = tuples.filter((tuple) => orderOf(tuple) !== null)
  const best = ordered.reduce<Value>((known, tuple) => {
    const offered = orderOf(tuple)
    return known === null || compareNullable(order, offered, known) * sign > 0 ? offered : known
  }, null)
  const winners = ordered
    .filter((tuple) => equalValues(order, orderOf(tuple), best))
    .map(([value = null]) => value)
  return name === 'rows_with_max' ? sorted(type, winners) : (winners[0] ?? null)
}

function moment(name: string, values: readonly number[]): Value {
  const n = values.length
  if (n === 0) return null
  const mean = sum(values) / n
  const power = (exponent: number): number => sum(values.map((value) => (value - mean) ** exponent))
  const isFlat = values.every((value) => value === values[0])
  const squares = isFlat ? 0 : power(2)
  switch (name) {
    case 'var_pop':
      return squares / n
    case 'stddev_pop':
      return Math.sqrt(squares / n)
    case 'var_samp':
      return n === 1 ? null : squares / (n - 1)
    case 'stddev_samp':
      return n === 1 ? null : Math.sqrt(squares / (n - 1))
    case 'skewness':
      return isFlat ? null : (Math.sqrt(n) * power(3)) / squares ** 1.5
    default:
      return isFlat ? null : (n * power(4)) / squares ** 2 - 3
  }
}

function pairStatistic(name: string, tuples: readonly Row[]): Value {
  const pairs = tuples.filter((tuple) => !tuple.includes(null)).map(doubles)
  const n = pairs.length
  if (n === 0) return null
  const side = (index: number): readonly number[] => {
    const values = pairs.map((pair) => pair[index] ?? 0)
    const isFlat = values.every((value) => value === values[0])
    return values.map((value) => (isFlat ? 0 : value - sum(values) / n))
  }
  const [left, right] = [side(0), side(1)]
  const product = sum(left.map((value, index) => value * (right[index] ?? 0)))
  if (name === 'covar_pop') return product / n
  if (n === 1) return null
  if (name === 'covar_samp') return product / (n - 1)
  const [a, b] = [left, right].map((values) => sum(values.map((value) => value ** 2)))
  return a === 0 || b === 0 ? null : product / Math.sqrt((a ?? 0) * (b ?? 0))
}

function userResult({ aggregator, args, type }: AggregateCall, tuples: readonly Row[]): Value {
  if (aggregator === undefined) return null
  const buffer = tuples.reduce<unknown>((known, tuple) => {
    const values = tuple.map((value, index) => toEdge(args[index]?.type ?? type, value))
    return aggregator.reduce(known, ...values)
  }, aggregator.zero())
  return fromEdge(type, aggregator.finish(buffer))
}
