import {
  binaryType,
  booleanType,
  doubleType,
  intType,
  longType,
  stringType,
  timestampType,
  voidType,
} from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'

/** JavaScript values that stand for SQL values. `null` is NULL. */
export type Literal =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Literal[]

const intMax = 2 ** 31
const longMax = 2n ** 63n

/**
 * The SQL literal of a JavaScript value: whole numbers are INT, beyond 32 bits LONG; other numbers are
 * DOUBLE; `bigint` is LONG; a `Date` is TIMESTAMP; a list is ARRAY.
 * @throws StreamError `LITERAL_INVALID`
 */
export function literal(value: Literal): UnresolvedExpression {
  if (value === null) return { kind: 'literal', value, type: voidType }
  switch (typeof value) {
    case 'string':
      return { kind: 'literal', value, type: stringType }
    case 'boolean':
      return { kind: 'literal', value, type: booleanType }
    case 'number':
      return number(value)
    case 'bigint':
      if (value >= longMax || value < -longMax) throw invalid(value)
      return { kind: 'literal', value, type: longType }
    default:
      return object(value)
  }
}

function number(value: number): UnresolvedExpression {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    return { kind: 'literal', value, type: doubleType }
  }
  if (value >= -intMax && value < intMax) return { kind: 'literal', value, type: intType }
  return { kind: 'literal', value: BigInt(value), type: longType }
}

function object(value: Date | Uint8Array | readonly Literal[]): UnresolvedExpression {
  if (value instanceof Uint8Array) return { kind: 'literal', value, type: binaryType }
  if (value instanceof Date) {
    const micros = value.getTime() * 1000
    if (!Number.isSafeInteger(micros)) throw invalid(value)
    return { kind: 'literal', value: micros, type: timestampType }
  }
  if (!Array.isArray(value)) throw invalid(value)
  return { kind: 'call', name: 'array', args: value.map(literal) }
}

function invalid(value: unknown): StreamError<'LITERAL_INVALID'> {
  return new StreamError('LITERAL_INVALID', { value: String(value) })
}
