import { rescale } from '../batch/decimal-text.ts'
import type { DataType } from '../batch/schema.ts'
import { typeText } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'

export type DecimalType = Extract<DataType, { kind: 'decimal' }>

/** An unscaled value held to its precision; the digits beyond are an overflow. */
export function checkedDecimal(unscaled: bigint, type: DecimalType, operation: string): bigint {
  const limit = 10n ** BigInt(type.precision)
  if (unscaled < limit && unscaled > -limit) return unscaled
  throw new StreamError('ARITHMETIC_OVERFLOW', {
    operation,
    type: typeText(type).toUpperCase(),
    values: `unscaled ${unscaled}`,
  })
}

/** `+`, `-`, `*`, `%` of unscaled values, exact, then rounded half up to the result type. */
export function decimalArithmetic(
  operation: '+' | '-' | '*' | '%',
  left: { readonly value: bigint; readonly scale: number },
  right: { readonly value: bigint; readonly scale: number },
  result: DecimalType,
): bigint {
  if (operation === '*') {
    const product = rescale(left.value * right.value, left.scale + right.scale, result.scale)
    return checkedDecimal(product, result, operation)
  }
  const scale = Math.max(left.scale, right.scale)
  const a = rescale(left.value, left.scale, scale)
  const b = rescale(right.value, right.scale, scale)
  const exact = operation === '+' ? a + b : operation === '-' ? a - b : a % b
  return checkedDecimal(rescale(exact, scale, result.scale), result, operation)
}

/** Digits after the point of a quotient before it is rounded to its type, as in Spark. */
const quotientScale = 39

/** `left / right` at the scale of the result; the divisor is not zero. */
export function decimalQuotient(
  left: { readonly value: bigint; readonly scale: number },
  right: { readonly value: bigint; readonly scale: number },
  result: DecimalType,
): bigint {
  const shift = quotientScale + right.scale - left.scale
  const numerator = left.value * 10n ** BigInt(Math.max(shift, 0))
  const denominator = right.value * 10n ** BigInt(Math.max(-shift, 0))
  const quotient = roundedQuotient(numerator, denominator)
  return checkedDecimal(rescale(quotient, quotientScale, result.scale), result, '/')
}

/** Division of integers, half away from zero. */
export function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n
  const n = numerator < 0n ? -numerator : numerator
  const d = denominator < 0n ? -denominator : denominator
  const rounded = (2n * n + d) / (2n * d)
  return negative ? -rounded : rounded
}
