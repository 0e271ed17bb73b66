import type { Value } from '../batch/value.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from './expression.ts'
import { fold } from './fold.ts'

/** The percentages of `percentile` and `percentile_approx`, one or a list. */
export function percentagesOf(
  given: Expression | undefined,
  text: string,
): { readonly percentages: readonly number[]; readonly isList: boolean } {
  const value = constantOf(given, text)
  const scaleOf = (type: Expression['type']): number => (type.kind === 'decimal' ? type.scale : 0)
  const isList = Array.isArray(value)
  const type = given?.type.kind === 'array' ? given.type.element : given?.type
  const scale = type === undefined ? 0 : scaleOf(type)
  const percentages = (isList ? value : [value]).map((each) => Number(each) / 10 ** scale)
  if (value === null || percentages.some((each) => !(each >= 0 && each <= 1))) {
    throw refused(text, 'percentages between 0 and 1', value)
  }
  return { percentages, isList }
}

/** The accuracy of `percentile_approx`; 10,000 by default. */
export function accuracyOf(given: Expression | undefined, text: string): number {
  const value = given === undefined ? 10_000 : constantOf(given, text)
  const accuracy = value === null ? Number.NaN : Number(value)
  if (Number.isInteger(accuracy) && accuracy > 0 && accuracy <= 2_147_483_647) return accuracy
  throw refused(text, 'a positive whole number as accuracy', value)
}

const defaultDeviation = 0.05
const bitsMax = 16

/**
 * How many bits of a hash choose the register so that `approx_count_distinct` has at most the wanted
 * relative standard deviation: Spark's formula.
 */
export function bitsOf(given: Expression | undefined, text: string): number {
  const value = given === undefined ? defaultDeviation : constantOf(given, text)
  const scale = given?.type.kind === 'decimal' ? given.type.scale : 0
  const deviation = Number(value) / 10 ** scale
  const bits = Math.ceil(2 * Math.log2(1.106 / deviation))
  if (bits >= 4 && bits <= bitsMax) return bits
  throw refused(text, 'a relative deviation from 0.005 to 0.39', value)
}

/** A constant TRUE or FALSE; FALSE when it is left out. */
export function flagOf(given: Expression | undefined, text: string): boolean {
  if (given === undefined) return false
  const value = constantOf(given, text)
  if (typeof value === 'boolean') return value
  throw refused(text, 'TRUE or FALSE behind the column', value)
}

/** The value of an argument that must be a constant. */
export function constantOf(given: Expression | undefined, text: string): Value {
  if (given === undefined) return null
  const folded = fold(given)
  if (folded.kind === 'literal') return folded.value
  throw refused(text, 'a constant behind the column', 'a column')
}

function refused(
  expression: string,
  expected: string,
  actual: Value,
): StreamError<'FUNCTION_ARGUMENTS'> {
  const name = expression.slice(0, expression.indexOf('('))
  return new StreamError('FUNCTION_ARGUMENTS', {
    name,
    expected,
    actual: String(actual),
    expression,
  })
}
