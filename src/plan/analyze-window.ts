import { sameType, timestampType, typeText, windowType } from '../batch/schema.ts'
import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { defaultName } from '../expr/names.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { gapOf, sessionArguments } from './analyze-session.ts'
import { type LogicalPlan, schemaOf } from './logical.ts'
import { type Analyzed, bind, freshName, isWindow } from './scope.ts'
import { callNamed, findParts, replaceParts, sameExpression } from './unresolved-tree.ts'

/** A select list or grouping whose window, if any, became a column of the plan below. */
export interface WithWindow {
  readonly input: Analyzed
  /** The expressions, with the name of that column where the window stood. */
  readonly expressions: readonly UnresolvedExpression[]
}

/**
 * Takes the window out of a list of expressions and assigns it below them.
 * @throws StreamError `EXPRESSION_MISPLACED` for two different windows, which would multiply the rows
 */
export function assignWindow(
  input: Analyzed,
  expressions: readonly UnresolvedExpression[],
): WithWindow {
  const [first, ...others] = expressions.flatMap((one) => findParts(one, isWindow))
  if (first === undefined) return { input, expressions }
  if (others.some((other) => !sameExpression(first, other))) {
    throw new StreamError('EXPRESSION_MISPLACED', {
      expression: 'window(…)',
      why: 'two different windows in one step would multiply the rows by each other',
      fix: 'Assign the second window in a step of its own, with select or withColumn.',
    })
  }
  const plan = windowNode(first, input)
  return {
    input: { ...input, plan },
    expressions: expressions.map((one) => nameWindow(one, first, plan.name)),
  }
}

function windowNode(
  call: UnresolvedExpression,
  input: Analyzed,
): Extract<LogicalPlan, { kind: 'window' | 'session' }> {
  const taken = schemaOf(input.plan).map((field) => field.name)
  const name = freshName(defaultName(call), taken)
  if (callNamed(call, 'session_window') !== undefined) {
    const { time, gap } = sessionArguments(call)
    const bound = timeOf(bind(time, input), name)
    return { kind: 'session', input: input.plan, time: bound, gap: gapOf(gap, input), name }
  }
  const { time, ...sizes } = windowSpec(call)
  return {
    kind: 'window',
    input: input.plan,
    time: timeOf(bind(time, input), name),
    ...sizes,
    name,
  }
}

/** A window that has no other name is called as its function, whatever the column below is called. */
function nameWindow(
  expression: UnresolvedExpression,
  window: UnresolvedExpression,
  name: string,
): UnresolvedExpression {
  const column: UnresolvedExpression = { kind: 'name', path: [name] }
  if (sameExpression(expression, window)) {
    return { kind: 'alias', input: column, name: defaultName(window) }
  }
  return replaceParts(expression, (node) => (sameExpression(node, window) ? column : undefined))
}

interface WindowSpec {
  readonly time: UnresolvedExpression
  readonly sizeMicros: number
  readonly slideMicros: number
  readonly startMicros: number
}

function windowSpec(call: UnresolvedExpression): WindowSpec {
  const [time, size, slide, start, ...more] = call.kind === 'call' ? call.args : []
  if (time === undefined || size === undefined || more.length > 0) {
    throw wrong('arguments', String(call.kind === 'call' ? call.args.length : 0), '2 to 4')
  }
  const sizeMicros = durationOf(size, 'windowDuration')
  const slideMicros = slide === undefined ? sizeMicros : durationOf(slide, 'slideDuration')
  const startMicros = start === undefined ? 0 : durationOf(start, 'startTime')
  if (sizeMicros <= 0) throw wrong('windowDuration', sizeMicros, 'a duration longer than zero')
  if (slideMicros <= 0) throw wrong('slideDuration', slideMicros, 'a duration longer than zero')
  if (slideMicros > sizeMicros) {
    throw wrong('slideDuration', slideMicros, 'at most the window duration')
  }
  if (Math.abs(startMicros) >= slideMicros) {
    throw wrong('startTime', startMicros, 'less than the slide duration')
  }
  return { time, sizeMicros, slideMicros, startMicros }
}

function durationOf(argument: UnresolvedExpression, option: string): number {
  if (argument.kind === 'interval' && argument.months === 0) return argument.micros
  if (argument.kind === 'interval') {
    throw wrong(option, `${argument.months} months`, 'a duration of fixed length, so days or less')
  }
  if (argument.kind === 'literal' && typeof argument.value === 'string') {
    return parseDuration(argument.value, { negative: true })
  }
  throw wrong(option, argument.kind, "a constant duration such as '10 minutes'")
}

function wrong(
  option: string,
  value: string | number,
  expected: string,
): StreamError<'CONFIG_INVALID'> {
  const text = typeof value === 'number' ? `${value} µs` : value
  return new StreamError('CONFIG_INVALID', { option: `${option} of window`, value: text, expected })
}

/** A window counts as its last moment, so that windows can be put over windows. */
function timeOf(time: Expression, name: string): Expression {
  if (time.type.kind === 'timestamp') return time
  if (time.type.kind === 'date' || time.type.kind === 'string') {
    return { kind: 'cast', input: time, type: timestampType, safe: false }
  }
  if (sameType(time.type, windowType)) {
    return { kind: 'call', name: 'window_time', args: [time], type: timestampType, nullable: true }
  }
  throw new StreamError('DATATYPE_MISMATCH', {
    expression: `${name}(…)`,
    expected: 'TIMESTAMP',
    actual: typeText(time.type).toUpperCase(),
    suggestion: 'timestamp',
  })
}
