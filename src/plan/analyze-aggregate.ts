import type { Schema } from '../batch/schema.ts'
import { intType } from '../batch/schema.ts'
import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { AggregateCall } from '../expr/aggregates.ts'
import { containsAggregate, defaultName, isAggregate } from '../expr/names.ts'
import { resolveExpression } from '../expr/resolve.ts'
import { resolveAggregate } from '../expr/resolve-aggregate.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { refuseRanks } from './analyze-top-n.ts'
import { assignWindow } from './analyze-window.ts'
import { checkCompared } from './compared-types.ts'
import { columnAt } from './expressions.ts'
import { type Aggregate, isFinalField, type NamedExpression, schemaOf } from './logical.ts'
import { type Analyzed, bind, freshName, sameName, scopeOf, unqualified } from './scope.ts'
import { sessionKeyOf } from './session-columns.ts'
import type { UnresolvedAggregate } from './unresolved-plan.ts'
import {
  callNamed,
  findParts,
  replaceParts,
  sameExpression,
  withoutAlias,
} from './unresolved-tree.ts'

interface Key {
  readonly written: UnresolvedExpression
  readonly named: NamedExpression
}

interface Call {
  readonly written: UnresolvedExpression
  readonly name: string
  readonly call: AggregateCall
}

/**
 * Groups by keys. The result has the keys, then one column per item of `items`, each of which may be
 * any expression over aggregate calls and keys; what is not a plain call is computed by a projection above.
 */
export function analyzeAggregate(
  given: Analyzed,
  { keys: givenKeys, aggregates: givenItems, every }: Omit<UnresolvedAggregate, 'kind' | 'input'>,
): Analyzed {
  refuseRanks([...givenKeys, ...givenItems])
  const written = [...givenKeys, ...givenItems].map((one) => starless(one, given))
  const { input, expressions } = assignWindow(given, written)
  const keys = expressions.slice(0, givenKeys.length).map((key) => keyOf(key, input))
  const items = expressions.slice(givenKeys.length)
  const calls = callsOf(items, keys, input)
  const plan: Aggregate = {
    kind: 'aggregate',
    input: input.plan,
    keys: keys.map((key) => key.named),
    aggregates: calls.map(({ name, call }) => ({ name, call })),
    ...earlyOf(every, [...keys.map(({ named }) => named.name), ...items.map(itemName)]),
  }
  if (plan.early !== undefined && sessionKeyOf(plan) !== undefined) throw earlySessions()
  const plain = items.map((item, at) => {
    const call = calls[at]
    const same = call !== undefined && sameExpression(withoutAlias(item), call.written)
    return same ? { name: itemName(item), call: call.call } : undefined
  })
  const direct = plain.filter((one) => one !== undefined)
  if (direct.length === items.length && calls.length === items.length) {
    return { plan: { ...plan, aggregates: direct }, qualifiers: [] }
  }
  const schema = schemaOf(plan)
  const columns = [
    ...keys.map(({ named: { name } }, at) => ({ name, expression: columnAt(schema, at) })),
    ...items.map((item) => ({
      name: itemName(item),
      expression: resultOf(item, { keys, calls, input, schema }),
    })),
    ...(plan.early === undefined
      ? []
      : [{ name: isFinalField.name, expression: columnAt(schema, schema.length - 1) }]),
  ]
  return { plan: { kind: 'project', input: plan, columns }, qualifiers: [] }
}

function earlySessions(): StreamError<'EXPRESSION_MISPLACED'> {
  return new StreamError('EXPRESSION_MISPLACED', {
    expression: 'session_window',
    why: 'sessions merge while rows keep coming, and what emit gave out of one that vanished could not be taken back',
    fix: "Leave emit out: outputMode('append') gives out each session when it closes.",
  })
}

function earlyOf(every: string | undefined, names: readonly string[]): Pick<Aggregate, 'early'> {
  if (every === undefined) return {}
  if (names.some((name) => sameName(name, isFinalField.name))) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'emit',
      value: `every ${every}`,
      expected: `a result without a column ${isFinalField.name} of its own, which is the name of the one that emit adds,`,
    })
  }
  return { early: { everyMicros: parseDuration(every) } }
}

/** `count(*)` counts rows, as `count(1)` does; `count(DISTINCT *)` goes by all columns. */
function starless(expression: UnresolvedExpression, input: Analyzed): UnresolvedExpression {
  return replaceParts(unqualified(expression, input), (node) => {
    const count = callNamed(node, 'count')
    const star = count?.args.some((argument) => argument.kind === 'star')
    if (count === undefined || star !== true) return undefined
    if (count.distinct === true) {
      const names = schemaOf(input.plan).map((field) => field.name)
      const args = names.map((name): UnresolvedExpression => ({ kind: 'name', path: [name] }))
      return { ...count, args }
    }
    return { ...count, args: [{ kind: 'literal', value: 1, type: intType }] }
  })
}

function keyOf(expression: UnresolvedExpression, input: Analyzed): Key {
  const written = withoutAlias(expression)
  const [aggregate] = findParts(written, isAggregate)
  if (aggregate !== undefined) {
    throw new StreamError('AGGREGATE_MISPLACED', {
      aggregate: defaultName(aggregate),
      where: 'a grouping key',
    })
  }
  const name = itemName(expression)
  const key = bind(written, input)
  checkCompared(key.type, `groupBy(${name})`)
  return { written, named: { name, expression: key } }
}

/** Every distinct aggregate call, in order of writing, under a name that nothing else has. */
function callsOf(
  items: readonly UnresolvedExpression[],
  keys: readonly Key[],
  input: Analyzed,
): readonly Call[] {
  const calls: Call[] = []
  for (const item of items) {
    for (const written of findParts(item, isAggregate)) {
      if (calls.some((call) => sameExpression(call.written, written))) continue
      const taken = [...keys.map((key) => key.named.name), ...calls.map((call) => call.name)]
      const name = freshName(defaultName(written), taken)
      calls.push({ written, name, call: resolveAggregate(written, scopeOf(input)) })
    }
  }
  return calls
}

interface ResultScope {
  readonly keys: readonly Key[]
  readonly calls: readonly Call[]
  readonly input: Analyzed
  /** Of the aggregation. */
  readonly schema: Schema
}

/** An item over the result of the aggregation: keys and calls in it become columns of that result. */
function resultOf(item: UnresolvedExpression, scope: ResultScope) {
  const { keys, calls, input, schema } = scope
  const names: string[] = []
  for (const field of schema) names.push(freshName(field.name, names))
  const unique = schema.map((field, at) => ({ ...field, name: names[at] ?? field.name }))
  const written = [...keys, ...calls].map((part) => part.written)
  const replaced = replaceParts(withoutAlias(item), (node) => {
    const at = written.findIndex((part) => sameExpression(part, node))
    return at < 0 ? undefined : { kind: 'name', path: [names[at] ?? ''] }
  })
  refuseUngrouped(replaced, names, input)
  return resolveExpression(replaced, { schema: unique })
}

function refuseUngrouped(
  expression: UnresolvedExpression,
  names: readonly string[],
  input: Analyzed,
): void {
  const below = schemaOf(input.plan)
  const [ungrouped] = findParts(expression, (node) => {
    if (node.kind === 'star') return true
    if (node.kind !== 'name') return false
    const [first = ''] = node.path
    const known = names.some((name) => sameName(name, first))
    return !known && below.some((field) => sameName(field.name, first))
  })
  if (ungrouped === undefined) return
  const path = 'path' in ungrouped ? ungrouped.path : []
  throw new StreamError('COLUMN_NOT_GROUPED', {
    column: ungrouped.kind === 'star' ? [...path, '*'].join('.') : path.join('.'),
    keys: names.join(', '),
  })
}

function itemName(item: UnresolvedExpression): string {
  return item.kind === 'alias' ? item.name : defaultName(item)
}

/** Refuses an aggregate where a value per row is needed. */
export function refuseAggregates(expression: UnresolvedExpression, where: string): void {
  if (!containsAggregate(expression)) return
  const [aggregate = expression] = findParts(expression, isAggregate)
  throw new StreamError('AGGREGATE_MISPLACED', { aggregate: defaultName(aggregate), where })
}
