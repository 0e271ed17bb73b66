import { type DataType, isComparable, type Schema, typeText } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'

/**
 * Refuses what a step would have to compare and cannot: maps, and what holds them.
 * @throws StreamError `DATATYPE_MISMATCH`
 */
export function checkCompared(type: DataType, expression: string): void {
  if (isComparable(type)) return
  throw new StreamError('DATATYPE_MISMATCH', {
    expression,
    expected: 'values that can be compared',
    actual: typeText(type).toUpperCase(),
    suggestion: 'string',
  })
}

/** The same for the columns of a schema that are the keys of a step. */
export function checkKeys(schema: Schema, keys: readonly number[], step: string): void {
  for (const key of keys) {
    const field = schema[key]
    if (field !== undefined) checkCompared(field.type, `${step}(${field.name})`)
  }
}
