import { type DataType, typeText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { unreachable } from '../core/error.ts'
import type { AggregateCall } from './aggregates.ts'
import { valueText } from './cast.ts'
import type { Expression } from './expression.ts'
import { shownArguments, shownEntries } from './shown-arguments.ts'
import { mapOf } from './value-of.ts'

const infix = /^([-+*/%<>=!|&^]+|and|or|div)$/

/** A resolved expression as SQL text, for plans and messages. */
export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return expression.name
    case 'literal': {
      const { value, type } = expression
      if (value === null) return 'NULL'
      const text = valueText(shownValue(value, type), type)
      if (type.kind === 'string') return `'${text.replaceAll("'", "''")}'`
      if (type.kind === 'timestamp' || type.kind === 'date') {
        return `${type.kind.toUpperCase()} '${text}'`
      }
      return text
    }
    case 'now':
      return 'current_timestamp()'
    case 'cast': {
      const name = expression.safe ? 'TRY_CAST' : 'CAST'
      const type = typeText(expression.type).toUpperCase()
      return `${name}(${expressionText(expression.input)} AS ${type})`
    }
    case 'field':
      return `${expressionText(expression.input)}.${expression.name}`
    case 'case': {
      const branches = expression.branches.map(
        (branch) => `WHEN ${expressionText(branch.when)} THEN ${expressionText(branch.then)}`,
      )
      const rest =
        expression.otherwise === undefined ? '' : ` ELSE ${expressionText(expression.otherwise)}`
      return `CASE ${branches.join(' ')}${rest} END`
    }
    case 'call':
      return callText(expression.name, expression.args.map(expressionText))
    case 'udf':
      return callText(expression.name, expression.args.map(expressionText))
    default:
      return unreachable(expression)
  }
}

/** Constant maps may be options, with a secret among them. */
function shownValue(value: Value, type: DataType): Value {
  return type.kind === 'map' ? { entries: shownEntries(mapOf(value).entries) } : value
}

/** A call as it is written in SQL; operators stand between their sides. */
export function callText(name: string, given: readonly string[]): string {
  const args = shownArguments(name, given)
  if (infix.test(name) && args.length >= 2) return `(${args.join(` ${name.toUpperCase()} `)})`
  const [first = '', ...rest] = args
  switch (name) {
    case 'not':
      return `(NOT ${first})`
    case 'negative':
      return `(- ${first})`
    case 'isnull':
      return `(${first} IS NULL)`
    case 'isnotnull':
      return `(${first} IS NOT NULL)`
    case 'in':
      return `(${first} IN (${rest.join(', ')}))`
    case 'like':
    case 'rlike':
    case 'ilike':
      return rest.length === 1
        ? `${first} ${name.toUpperCase()} ${rest[0]}`
        : `${name}(${args.join(', ')})`
    case 'get':
      return `${first}[${rest.join(', ')}]`
    default:
      return `${name}(${args.join(', ')})`
  }
}

/** A resolved aggregate as text, over the texts of its arguments; the same text is the same state. */
export function aggregateText(call: AggregateCall, args: readonly string[]): string {
  const { name, percentages = [], accuracy, aggregator } = call
  const all = [...args, ...percentages.map(String), ...(accuracy === undefined ? [] : [accuracy])]
  const inner = `${call.distinct === true ? 'DISTINCT ' : ''}${all.join(', ')}`
  const called = `${call.safe === true ? 'try_' : ''}${aggregator?.name ?? name}`
  return `${called}(${inner})${call.ignoreNulls === true ? ' IGNORE NULLS' : ''}`
}
