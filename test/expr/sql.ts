import type { Schema } from '../../src/batch/schema.ts'
import { valueText } from '../../src/expr/cast.ts'
import { type EvaluationContext, noContext } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { resolveExpression } from '../../src/expr/resolve.ts'

/** The value of an SQL expression without columns, as CAST to STRING writes it; NULL is `null`. */
export function valueOfSql(sql: string, context: EvaluationContext = noContext): string {
  const expression = resolveExpression(parseExpression(sql), { schema: [] })
  return valueText(
    interpret(expression, () => null, context),
    expression.type,
  )
}

/** The resolved form of an SQL expression over columns. */
export function resolvedSql(sql: string, schema: Schema = []) {
  return resolveExpression(parseExpression(sql), { schema })
}
