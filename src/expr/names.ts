import { typeText } from '../batch/schema.ts'
import { unreachable } from '../core/error.ts'
import { aggregateNamed, shownAggregate } from './aggregate-names.ts'
import { valueText } from './cast.ts'
import { callText } from './print.ts'
import type { UnresolvedExpression } from './unresolved.ts'

export function isAggregateName(name: string): boolean {
  return aggregateNamed(name) !== undefined
}

/** True for a call of an aggregate. */
export function isAggregate(expression: UnresolvedExpression): boolean {
  if (expression.kind !== 'call') return false
  return expression.aggregator !== undefined || isAggregateName(expression.name)
}

/** True when an aggregate is called anywhere inside. */
export function containsAggregate(expression: UnresolvedExpression): boolean {
  return isAggregate(expression) || partsOf(expression).some(containsAggregate)
}

/** The direct parts of an expression, in order of writing. */
export function partsOf(expression: UnresolvedExpression): readonly UnresolvedExpression[] {
  switch (expression.kind) {
    case 'name':
    case 'star':
    case 'literal':
    case 'interval':
      return []
    case 'call':
      return expression.filter === undefined
        ? expression.args
        : [...expression.args, expression.filter]
    case 'over':
      return [...expression.args, ...expression.partitionBy, ...expression.orderBy]
    case 'udf':
      return expression.args
    case 'cast':
    case 'field':
    case 'alias':
    case 'sort':
      return [expression.input]
    case 'case': {
      const parts = expression.branches.flatMap((branch) => [branch.when, branch.then])
      return expression.otherwise === undefined ? parts : [...parts, expression.otherwise]
    }
    default:
      return unreachable(expression)
  }
}

/** The name Spark gives a column that has no alias: `sum(price)`, `(a + 1)`, `window`. */
export function defaultName(expression: UnresolvedExpression): string {
  switch (expression.kind) {
    case 'name':
      return expression.path.at(-1) ?? ''
    case 'alias':
      return expression.name
    case 'call':
      return windowName(expression.name) ?? nested(expression)
    case 'cast':
      // Spark hides a cast of a plain column in its name.
      return expression.input.kind === 'name' ? defaultName(expression.input) : nested(expression)
    default:
      return nested(expression)
  }
}

/** What a window is called that has no alias; `undefined` for other functions. */
export function windowName(functionName: string): 'window' | 'session_window' | undefined {
  const name = functionName.toLowerCase()
  return name === 'window' || name === 'session_window' ? name : undefined
}

const intervalUnits = [
  ['DAY', 86_400_000_000],
  ['HOUR', 3_600_000_000],
  ['MINUTE', 60_000_000],
] as const

/** `INTERVAL '5' MINUTE`: in the largest unit that measures it exactly. */
function intervalText(months: number, micros: number): string {
  const parts: string[] = []
  if (months !== 0) {
    parts.push(months % 12 === 0 ? `'${months / 12}' YEAR` : `'${months}' MONTH`)
  }
  if (micros !== 0 || months === 0) {
    const [unit, size] = intervalUnits.find(([, each]) => micros !== 0 && micros % each === 0) ?? [
      'SECOND',
      1_000_000,
    ]
    parts.push(`'${micros / size}' ${unit}`)
  }
  return `INTERVAL ${parts.join(' ')}`
}

/** An expression inside another, as Spark writes it. */
function nested(expression: UnresolvedExpression): string {
  switch (expression.kind) {
    case 'name':
      return expression.path.join('.')
    case 'star':
      return [...expression.path, '*'].join('.')
    case 'literal': {
      const { value, type } = expression
      return value === null ? 'NULL' : valueText(value, type)
    }
    case 'interval':
      return intervalText(expression.months, expression.micros)
    case 'alias':
      return expression.name
    case 'field':
      return `${nested(expression.input)}.${expression.name}`
    case 'sort':
      return `${nested(expression.input)} ${expression.descending ? 'DESC' : 'ASC'}`
    case 'cast': {
      const name = expression.safe ? 'TRY_CAST' : 'CAST'
      return `${name}(${nested(expression.input)} AS ${typeText(expression.type).toUpperCase()})`
    }
    case 'case': {
      const branches = expression.branches.map(
        (branch) => `WHEN ${nested(branch.when)} THEN ${nested(branch.then)}`,
      )
      const rest = expression.otherwise === undefined ? '' : ` ELSE ${nested(expression.otherwise)}`
      return `CASE ${branches.join(' ')}${rest} END`
    }
    case 'call': {
      const all = expression.args.map(nested)
      const { name, args } =
        expression.aggregator === undefined
          ? shownAggregate(expression.name, all)
          : { name: expression.name, args: all }
      const text = callText(
        name,
        expression.distinct === true ? [`DISTINCT ${args.join(', ')}`] : args,
      )
      return expression.filter === undefined
        ? text
        : `${text} FILTER (WHERE ${nested(expression.filter)})`
    }
    case 'over':
      return `${expression.name}(${expression.args.map(nested).join(', ')}) OVER (${overText(expression)})`
    case 'udf':
      return `${expression.name}(${expression.args.map(nested).join(', ')})`
    default:
      return unreachable(expression)
  }
}

/** Spark names the frame too, which functions that number rows have no choice of. */
function overText({
  partitionBy,
  orderBy,
}: Extract<UnresolvedExpression, { kind: 'over' }>): string {
  const partition =
    partitionBy.length === 0 ? [] : [`PARTITION BY ${partitionBy.map(nested).join(', ')}`]
  const keys = orderBy.map((key) => {
    const { descending, nullsFirst } =
      key.kind === 'sort' ? key : { descending: false, nullsFirst: true }
    const input = key.kind === 'sort' ? key.input : key
    return `${nested(input)} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`
  })
  const order = keys.length === 0 ? [] : [`ORDER BY ${keys.join(', ')}`]
  return [...partition, ...order, 'ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW'].join(' ')
}
