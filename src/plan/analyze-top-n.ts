import { isComparable } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { missingFunctions } from '../expr/functions-missing.ts'
import { defaultName } from '../expr/names.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { keepsArrival } from './arrival.ts'
import { checkCompared } from './compared-types.ts'
import { columnAt } from './expressions.ts'
import { type LogicalPlan, type SortKey, schemaOf, type TopN } from './logical.ts'
import { type Analyzed, bind, freshName } from './scope.ts'
import { findParts, replaceParts, sameExpression } from './unresolved-tree.ts'

type Over = Extract<UnresolvedExpression, { kind: 'over' }>

/** A select list whose row numbers became columns of the plan below. */
export interface WithRanks {
  readonly input: Analyzed
  /** The expressions, with the names of those columns where the numbers stood. */
  readonly expressions: readonly UnresolvedExpression[]
}

/**
 * Takes `row_number() OVER (…)` out of a list of expressions and numbers the rows below them, in a step
 * for each different window.
 * @throws StreamError `NOT_PROVIDED` for other window functions; `EXPRESSION_MISPLACED` without an order
 */
export function assignRanks(
  given: Analyzed,
  expressions: readonly UnresolvedExpression[],
): WithRanks {
  const calls: Over[] = []
  for (const call of expressions.flatMap((one) => findParts(one, isOver))) {
    if (call.kind !== 'over' || calls.some((known) => sameExpression(known, call))) continue
    calls.push(call)
  }
  let input = given
  const names: string[] = []
  for (const call of calls) {
    checkFunction(call)
    const plan = topNode(call, input, nameOf(call, expressions))
    names.push(plan.name)
    input = { ...input, plan }
  }
  if (calls.length === 0) return { input, expressions }
  return {
    input,
    expressions: expressions.map((one) => nameRanks(one, calls, names)),
  }
}

/** Refuses window functions where the rows are about to be grouped. */
export function refuseRanks(expressions: readonly UnresolvedExpression[]): void {
  const [call] = expressions.flatMap((one) => findParts(one, isOver))
  if (call?.kind !== 'over') return
  checkFunction(call)
  throw new StreamError('EXPRESSION_MISPLACED', {
    expression: defaultName(call),
    why: 'the rows of this step are grouped',
    fix: 'Number the groups in a step of its own: groupBy(…).agg(…).withColumn(…, row_number().over(…)).',
  })
}

function isOver({ kind }: UnresolvedExpression): boolean {
  return kind === 'over'
}

function checkFunction(call: Over): void {
  const refuse = (why: string, fix: string): never => {
    throw new StreamError('EXPRESSION_MISPLACED', { expression: defaultName(call), why, fix })
  }
  const name = call.name.toLowerCase()
  if (name !== 'row_number') {
    const [what = ''] = defaultName({ ...call, partitionBy: [], orderBy: [] }).split('(ROWS')
    const other = 'Rank rows with row_number(); for one value per group use groupBy(…).agg(…).'
    throw new StreamError('NOT_PROVIDED', {
      what: `${what}(…)`,
      fix: missingFunctions[name] ?? other,
    })
  }
  if (call.args.length > 0) refuse('row_number takes no arguments', 'Write row_number().')
  if (call.orderBy.length === 0) {
    refuse(
      'without an order any row could be the first',
      "Give the window one, for example Window.partitionBy('player').orderBy(desc('score')).",
    )
  }
}

/** What the numbers are called that are an item of a select list by themselves. */
function nameOf(call: Over, expressions: readonly UnresolvedExpression[]): string {
  const item = expressions.find((one) => one.kind === 'alias' && sameExpression(one.input, call))
  return item?.kind === 'alias' ? item.name : 'row_number'
}

function topNode(call: Over, input: Analyzed, wanted: string): TopN {
  const schema = schemaOf(input.plan)
  const partition = call.partitionBy.map((one) => ordered(bind(one, input)))
  const order = call.orderBy.map((key): SortKey => {
    const { descending, nullsFirst } =
      key.kind === 'sort' ? key : { descending: false, nullsFirst: true }
    const expression = ordered(bind(key.kind === 'sort' ? key.input : key, input))
    return { expression, descending, nullsFirst }
  })
  const taken = schema.map((field) => field.name)
  const name = freshName(wanted, taken)
  return {
    kind: 'topN',
    input: input.plan,
    partition,
    order: keepsArrival(input.plan) ? order : [...order, ...tieBreakers(input.plan, order)],
    name,
  }
}

/** Rows that have no place go by their columns, from the left. */
function tieBreakers(plan: LogicalPlan, order: readonly SortKey[]): readonly SortKey[] {
  const schema = schemaOf(plan)
  const isUsed = (index: number): boolean =>
    order.some(({ expression }) => expression.kind === 'column' && expression.index === index)
  return schema.flatMap(({ type }, index) =>
    isUsed(index) || !isComparable(type)
      ? []
      : [{ expression: columnAt(schema, index), descending: false, nullsFirst: true }],
  )
}

function ordered(expression: Expression): Expression {
  checkCompared(expression.type, 'A column of the window of row_number()')
  return expression
}

/** A number that has no other name is called as its function. */
function nameRanks(
  expression: UnresolvedExpression,
  calls: readonly Over[],
  names: readonly string[],
): UnresolvedExpression {
  const nameOfCall = (node: UnresolvedExpression): UnresolvedExpression | undefined => {
    const name = names[calls.findIndex((call) => sameExpression(call, node))]
    return name === undefined ? undefined : { kind: 'name', path: [name] }
  }
  const whole = nameOfCall(expression)
  if (whole !== undefined) return { kind: 'alias', input: whole, name: defaultName(expression) }
  return replaceParts(expression, nameOfCall)
}
