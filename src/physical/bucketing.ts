import { StreamError } from '../core/error.ts'
import { exactJson } from '../core/exact-json.ts'
import type { Expression } from '../expr/expression.ts'
import type { AggregateColumns, Bucketing } from '../operators/aggregate/spec.ts'
import { eventTimeColumns } from '../plan/event-time.ts'
import { columnsRead } from '../plan/expressions.ts'
import { type Aggregate, schemaOf, type WindowAssign } from '../plan/logical.ts'

/** Expressions to be computed before an exchange, each once. */
export class ColumnList {
  readonly expressions: Expression[] = []
  readonly #seen = new Map<string, number>()

  add(expression: Expression): number {
    const key = exactJson(expression)
    const known = this.#seen.get(key)
    // Functions of users are not compared: two of them may differ in what they close over.
    if (known !== undefined && !key.includes('"kind":"udf"')) return known
    this.expressions.push(expression)
    this.#seen.set(key, this.expressions.length - 1)
    return this.expressions.length - 1
  }
}

/** Where the aggregates of a plan find their arguments, computed before the exchange. */
export function callColumns(plan: Aggregate, columns: ColumnList): readonly AggregateColumns[] {
  return plan.aggregates.map(({ call }) => ({
    call,
    args: call.args.map((arg) => columns.add(arg)),
    filter: call.filter === undefined ? undefined : columns.add(call.filter),
  }))
}

export function fusedWindow(
  plan: Aggregate,
): { readonly node: WindowAssign; readonly key: number } | undefined {
  const node = plan.input
  if (node.kind !== 'window') return undefined
  const index = schemaOf(node.input).length
  const isWindow = (expression: Expression): boolean =>
    expression.kind === 'column' && expression.index === index
  const keys = plan.keys.flatMap(({ expression }, at) => (isWindow(expression) ? [at] : []))
  const [key] = keys
  if (key === undefined || keys.length > 1) return undefined
  const others = [
    ...plan.keys.filter((_, at) => at !== key).map(({ expression }) => expression),
    ...plan.aggregates.flatMap(({ call }) => [...call.args, ...(call.filter ? [call.filter] : [])]),
  ]
  return others.some((expression) => columnsRead(expression).has(index)) ? undefined : { node, key }
}

export function bucketingOf(
  plan: Aggregate,
  window: ReturnType<typeof fusedWindow>,
  columns: ColumnList,
): { readonly bucketing: Bucketing; readonly watermarked: boolean } {
  const eventTimes = eventTimeColumns(plan.input)
  if (window !== undefined) {
    const { sizeMicros, slideMicros, startMicros, time } = window.node
    const index = schemaOf(window.node.input).length
    return {
      bucketing: {
        kind: 'window',
        timeColumn: columns.add(time),
        windows: { sizeMicros, slideMicros, startMicros },
        position: window.key,
      },
      watermarked: eventTimes.some((column) => column.index === index),
    }
  }
  const found = plan.keys.flatMap(({ expression }, key) => {
    if (expression.kind !== 'column') return []
    const column = eventTimes.find(({ index }) => index === expression.index)
    return column === undefined ? [] : [{ key, kind: column.kind }]
  })
  const [first] = found
  if (first === undefined) return { bucketing: { kind: 'none' }, watermarked: false }
  if (found.length > 1) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'Grouping by two event-time columns',
      fix: 'Group by one of them; the watermark of the other can be dropped by casting the column.',
    })
  }
  const kind = first.kind === 'window' ? 'windowKey' : 'timeKey'
  return { bucketing: { kind, key: first.key }, watermarked: true }
}
