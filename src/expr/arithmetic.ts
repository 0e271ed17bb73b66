import { type DataType, typeText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { StreamError, unreachable } from '../core/error.ts'
import { integral } from './cast.ts'
import { decimalArithmetic, decimalQuotient } from './decimal.ts'
import type { CallTypes } from './signature.ts'
import { bigintOf, numberOf } from './value-of.ts'

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | 'div' | 'pmod'

/** ANSI arithmetic over two non-null values of the argument types. */
export function arithmetic(
  operator: ArithmeticOperator,
  args: readonly Value[],
  types: CallTypes,
): Value {
  const [left = null, right = null] = args
  const [leftType = types.result, rightType = types.result] = types.args
  switch (leftType.kind) {
    case 'decimal':
      return rightType.kind === 'decimal'
        ? decimals(
            operator,
            { value: bigintOf(left), scale: leftType.scale },
            { value: bigintOf(right), scale: rightType.scale },
            types.result,
          )
        : overflow(operator, types.result, args)
    case 'float':
    case 'double': {
      const exact = doubles(operator, numberOf(left), numberOf(right))
      return leftType.kind === 'float' ? Math.fround(exact) : exact
    }
    default: {
      const isLong = leftType.kind === 'long'
      const a = isLong ? bigintOf(left) : BigInt(numberOf(left))
      const b = isLong ? bigintOf(right) : BigInt(numberOf(right))
      return whole(operator, a, b, types.result)
    }
  }
}

/** An integer in the given integral type. */
export function wholeIn(type: DataType, value: bigint, operator: string): Value {
  const { kind } = type
  const fits =
    kind === 'byte' || kind === 'short' || kind === 'int' || kind === 'long'
      ? integral(value, kind)
      : undefined
  return fits ?? overflow(operator, type, [value])
}

export function overflow(operation: string, type: DataType, values: readonly Value[]): never {
  throw new StreamError('ARITHMETIC_OVERFLOW', {
    operation,
    type: typeText(type).toUpperCase(),
    values: values.map(String).join(', '),
  })
}

function divideByZero(operator: string, left: unknown): never {
  throw new StreamError('DIVIDE_BY_ZERO', { expression: `${left} ${operator} 0` })
}

function whole(operator: ArithmeticOperator, a: bigint, b: bigint, type: DataType): Value {
  switch (operator) {
    case '+':
      return wholeIn(type, a + b, operator)
    case '-':
      return wholeIn(type, a - b, operator)
    case '*':
      return wholeIn(type, a * b, operator)
    case '%':
      return b === 0n ? divideByZero(operator, a) : wholeIn(type, a % b, operator)
    case 'div':
    case '/':
      return b === 0n ? divideByZero(operator, a) : wholeIn(type, a / b, operator)
    case 'pmod': {
      if (b === 0n) return divideByZero(operator, a)
      const rest = a % b
      return wholeIn(type, rest < 0n ? (rest + b) % b : rest, operator)
    }
    default:
      return unreachable(operator)
  }
}

function doubles(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
    case 'div':
      return b === 0 ? divideByZero(operator, a) : a / b
    case '%':
      return b === 0 ? divideByZero(operator, a) : a % b
    case 'pmod': {
      if (b === 0) return divideByZero(operator, a)
      const rest = a % b
      return rest < 0 ? (rest + b) % b : rest
    }
    default:
      return unreachable(operator)
  }
}

interface Scaled {
  readonly value: bigint
  readonly scale: number
}

function decimals(
  operator: ArithmeticOperator,
  left: Scaled,
  right: Scaled,
  result: DataType,
): Value {
  const isDivision = operator !== '+' && operator !== '-' && operator !== '*'
  if (isDivision && right.value === 0n) return divideByZero(operator, left.value)
  if (operator === 'div') {
    const scale = Math.max(left.scale, right.scale)
    const a = left.value * 10n ** BigInt(scale - left.scale)
    const b = right.value * 10n ** BigInt(scale - right.scale)
    return wholeIn(result, a / b, operator)
  }
  if (result.kind !== 'decimal') return overflow(operator, result, [left.value, right.value])
  if (operator === '/') return decimalQuotient(left, right, result)
  if (operator !== 'pmod') return decimalArithmetic(operator, left, right, result)
  const rest = decimalArithmetic('%', left, right, result)
  if (rest >= 0n) return rest
  const restScaled = { value: rest, scale: result.scale }
  const sum = decimalArithmetic('+', restScaled, right, result)
  return decimalArithmetic('%', { value: sum, scale: result.scale }, right, result)
}
