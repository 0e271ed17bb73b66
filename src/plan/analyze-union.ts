import { type DataType, type Schema, sameType, typeText } from '../batch/schema.ts'
import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import { commonTypeOf } from '../expr/coerce.ts'
import { columnAt } from './expressions.ts'
import { type LogicalPlan, type NamedExpression, schemaOf } from './logical.ts'
import { type Analyzed, sameName } from './scope.ts'
import type { UnresolvedUnion } from './unresolved-plan.ts'

/**
 * Rows of all inputs under the names of the first. Types are widened to the least common one, with a
 * projection that casts where an input differs.
 * @throws StreamError `UNION_MISMATCH`; by name also `COLUMN_NOT_FOUND`
 */
export function analyzeUnion(
  inputs: readonly LogicalPlan[],
  { match, inTurn }: Pick<UnresolvedUnion, 'match' | 'inTurn'>,
): Analyzed {
  const schemas = inputs.map(schemaOf)
  const sources = match === 'byPosition' ? byPosition(schemas) : byName(schemas, match)
  const types = sources.map(({ name, positions }) => {
    const found = positions.flatMap((position, input) => schemas[input]?.[position ?? -1] ?? [])
    return widened(
      name,
      found.map((field) => field.type),
    )
  })
  const aligned = inputs.map((plan, input) => {
    const schema = schemas[input] ?? []
    const columns = sources.map(({ name, positions }, at): NamedExpression => {
      const type = types[at] ?? { kind: 'void' }
      const position = positions[input]
      if (position === undefined) {
        return { name, expression: { kind: 'literal', value: null, type } }
      }
      const column = columnAt(schema, position)
      if (sameType(column.type, type)) return { name, expression: column }
      return { name, expression: { kind: 'cast', input: column, type, safe: false } }
    })
    return isIdentity(columns, schema) ? plan : { kind: 'project' as const, input: plan, columns }
  })
  const order = inTurn === undefined ? {} : { inTurn }
  return { plan: { kind: 'union', inputs: aligned, ...order }, qualifiers: [] }
}

/** One column of the result: its name, and where each input has it. */
interface Source {
  readonly name: string
  readonly positions: readonly (number | undefined)[]
}

function byPosition(schemas: readonly Schema[]): readonly Source[] {
  const [first = []] = schemas
  for (const schema of schemas) {
    if (schema.length === first.length) continue
    throw new StreamError('UNION_MISMATCH', {
      why: `one has ${first.length} columns [${namesOf(first)}], another ${schema.length} [${namesOf(schema)}]`,
      fix: 'Select the same columns from both, or use unionByName with allowMissingColumns.',
    })
  }
  return first.map(({ name }, index) => ({ name, positions: schemas.map(() => index) }))
}

function byName(schemas: readonly Schema[], match: 'byName' | 'byNameOrNull'): readonly Source[] {
  const names: string[] = []
  for (const schema of schemas) {
    for (const { name } of schema) {
      if (!names.some((other) => sameName(other, name))) names.push(name)
    }
  }
  return names.map((name) => ({
    name,
    positions: schemas.map((schema) => {
      const found = schema.flatMap((field, index) => (sameName(field.name, name) ? [index] : []))
      if (found.length > 1) {
        throw new StreamError('AMBIGUOUS_COLUMN', { column: name, available: namesOf(schema) })
      }
      if (found[0] === undefined && match === 'byName') {
        throw new StreamError('COLUMN_NOT_FOUND', {
          column: name,
          available: namesOf(schema),
          closest: closest(
            name,
            schema.map((field) => field.name),
          ),
        })
      }
      return found[0]
    }),
  }))
}

function widened(name: string, types: readonly DataType[]): DataType {
  const common = commonTypeOf(types)
  if (common !== undefined) return common
  throw new StreamError('UNION_MISMATCH', {
    why: `the column ${name} is ${types.map((type) => typeText(type).toUpperCase()).join(' in one and ')} in another`,
    fix: `Cast one of them first, for example withColumn('${name}', col('${name}').cast('string')).`,
  })
}

function isIdentity(columns: readonly NamedExpression[], schema: Schema): boolean {
  // The names of the first input count, so a renamed column by itself needs no projection.
  return (
    columns.length === schema.length &&
    columns.every(({ expression }, index) => {
      return expression.kind === 'column' && expression.index === index
    })
  )
}

function namesOf(schema: Schema): string {
  return schema.map((field) => field.name).join(', ')
}
