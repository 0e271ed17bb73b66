import type { Field } from '../batch/schema.ts'
import { intType, typeText } from '../batch/schema.ts'
import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { containsAggregate, defaultName } from '../expr/names.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { analyzeAggregate } from './analyze-aggregate.ts'
import { assignRanks } from './analyze-top-n.ts'
import { assignWindow } from './analyze-window.ts'
import { columnAt } from './expressions.ts'
import { type Generate, type NamedExpression, schemaOf } from './logical.ts'
import { type Analyzed, bind, isGenerator, labelOf, qualifierOf, sameName } from './scope.ts'
import { withoutAlias } from './unresolved-tree.ts'

/**
 * A select list becomes at most a generate, a window, rankings and a projection, or an aggregation of all
 * rows.
 */
export function analyzeSelect(input: Analyzed, columns: readonly UnresolvedExpression[]): Analyzed {
  if (columns.some(containsAggregate)) {
    return analyzeAggregate(input, { keys: [], aggregates: columns })
  }
  const generated = generateBelow(input, columns)
  const plain = columns.filter((column) => column !== generated?.written)
  const windowed = assignWindow(generated?.input ?? input, plain)
  const ranked = assignRanks(windowed.input, windowed.expressions)
  const rewritten = new Map(plain.map((column, at) => [column, ranked.expressions[at]]))
  const projected = columns.flatMap((column): readonly NamedExpression[] => {
    if (column === generated?.written) return generated.columns
    const expression = rewritten.get(column) ?? column
    return expression.kind === 'star'
      ? expandStar(expression, input)
      : [namedExpression(expression, ranked.input)]
  })
  return {
    plan: { kind: 'project', input: ranked.input.plan, columns: projected },
    qualifiers: [],
  }
}

/** Resolves one item of a select list and settles its name. */
export function namedExpression(
  expression: UnresolvedExpression,
  input: Analyzed,
): NamedExpression {
  if (expression.kind === 'alias') {
    if (expression.more !== undefined && expression.more.length > 0) {
      throw new StreamError('EXPRESSION_MISPLACED', {
        expression: defaultName(expression.input),
        why: `it makes one column but is given ${expression.more.length + 1} names`,
        fix: 'Give it one name; only generators such as posexplode take more.',
      })
    }
    return { name: expression.name, expression: bind(expression.input, input) }
  }
  return { name: defaultName(expression), expression: bind(expression, input) }
}

/** The columns that a star stands for; they are those of the step's own input, not of what it adds. */
function expandStar(
  written: Extract<UnresolvedExpression, { kind: 'star' }>,
  input: Analyzed,
): readonly NamedExpression[] {
  const schema = schemaOf(input.plan)
  const { path } = written
  const frame = path.length === 1 ? qualifierOf(path, input)?.columns : undefined
  const whole = path.length === 0 ? [...schema.keys()] : frame
  if (whole !== undefined) {
    return whole.map((index) => ({
      name: schema[index]?.name ?? '',
      expression: columnAt(schema, index),
    }))
  }
  const struct = bind({ kind: 'name', path }, input)
  if (struct.type.kind !== 'struct') {
    throw new StreamError('DATATYPE_MISMATCH', {
      expression: `${path.join('.')}.*`,
      expected: 'STRUCT',
      actual: typeText(struct.type).toUpperCase(),
      suggestion: 'struct<…>',
    })
  }
  return struct.type.fields.map(({ name, type }, index) => ({
    name,
    expression: { kind: 'field', input: struct, index, name, type },
  }))
}

interface Generated {
  readonly input: Analyzed
  readonly written: UnresolvedExpression
  readonly columns: readonly NamedExpression[]
}

/** Puts the generator of a select list below it. */
function generateBelow(
  input: Analyzed,
  columns: readonly UnresolvedExpression[],
): Generated | undefined {
  const calls = columns.filter((column) => isGenerator(withoutAlias(column)))
  const [written, second] = calls
  if (written === undefined) return undefined
  if (second !== undefined) {
    throw new StreamError('EXPRESSION_MISPLACED', {
      expression: defaultName(withoutAlias(second)),
      why: 'a select list takes one generator, as two would multiply the rows by each other',
      fix: 'Put the second one into a select of its own.',
    })
  }
  const generate = generateNode(input, written)
  const schema = schemaOf(generate)
  const first = schema.length - generate.columns.length
  return {
    input: { ...input, plan: generate },
    written,
    columns: generate.columns.map(({ name }, at) => ({
      name,
      expression: columnAt(schema, first + at),
    })),
  }
}

function generateNode(input: Analyzed, written: UnresolvedExpression): Generate {
  const call = withoutAlias(written)
  const name = call.kind === 'call' ? call.name.toLowerCase() : ''
  const [argument, ...more] = call.kind === 'call' ? call.args : []
  if (argument === undefined || more.length > 0) {
    throw new StreamError('DATATYPE_MISMATCH', {
      expression: defaultName(call),
      expected: 'one ARRAY or MAP',
      actual: `${call.kind === 'call' ? call.args.length : 0} arguments`,
      suggestion: 'array<string>',
    })
  }
  const expression = bind(argument, input)
  const outer = name.endsWith('_outer')
  const withPosition = name.startsWith('pos')
  const elements = elementFields(expression, defaultName(call), outer)
  const position: Field = { name: 'pos', type: intType, nullable: outer }
  const fields = withPosition ? [position, ...elements] : elements
  const names = namesGiven(written, fields)
  return {
    kind: 'generate',
    input: input.plan,
    expression,
    outer,
    withPosition,
    columns: fields.map((field, index) => ({ ...field, name: names[index] ?? field.name })),
  }
}

function elementFields(expression: Expression, text: string, outer: boolean): readonly Field[] {
  const { type } = expression
  if (type.kind === 'array') {
    return [{ name: 'col', type: type.element, nullable: type.containsNull || outer }]
  }
  if (type.kind === 'map') {
    return [
      { name: 'key', type: type.key, nullable: outer },
      { name: 'value', type: type.value, nullable: type.valueContainsNull || outer },
    ]
  }
  throw new StreamError('DATATYPE_MISMATCH', {
    expression: text,
    expected: 'ARRAY or MAP',
    actual: typeText(type).toUpperCase(),
    suggestion: 'array<string>',
  })
}

function namesGiven(written: UnresolvedExpression, fields: readonly Field[]): readonly string[] {
  if (written.kind !== 'alias') return []
  const names = [written.name, ...(written.more ?? [])]
  if (names.length === fields.length) return names
  throw new StreamError('EXPRESSION_MISPLACED', {
    expression: defaultName(written.input),
    why: `it makes the columns ${fields.map((field) => field.name).join(', ')} but is given ${names.length === 1 ? 'one name' : `${names.length} names`}`,
    fix: `Give ${fields.length} names, for example .alias(${fields.map((field) => `'${field.name}'`).join(', ')}), or none.`,
  })
}

/**
 * The position of a column by name, which may have the frame's own name before it.
 * @throws StreamError `COLUMN_NOT_FOUND`, `AMBIGUOUS_COLUMN`
 */
export function positionOf(input: Analyzed, written: string): number {
  const schema = schemaOf(input.plan)
  const isColumn = schema.some((field) => sameName(field.name, written))
  const frame = input.qualifiers.find((qualifier) =>
    sameName(`${qualifier.name}.`, written.slice(0, qualifier.name.length + 1)),
  )
  const qualifier = isColumn ? undefined : frame
  const name = qualifier === undefined ? written : written.slice(qualifier.name.length + 1)
  const columns = qualifier?.columns ?? [...schema.keys()]
  const found = columns.filter((index) => sameName(schema[index]?.name ?? '', name))
  const [position] = found
  const available = schema.map((_, index) => labelOf(index, input))
  if (position === undefined) {
    throw new StreamError('COLUMN_NOT_FOUND', {
      column: name,
      available: available.join(', '),
      closest: closest(name, available),
    })
  }
  if (found.length > 1) {
    throw new StreamError('AMBIGUOUS_COLUMN', { column: name, available: available.join(', ') })
  }
  return position
}
